//! Who may depend on whom: the rings of ARCHITECTURE.md, enforced.
//!
//! A crate that gains a dependency on another crate of ours fails here until the
//! table says so, which is the moment to ask whether it should know it at all.
//! Third-party dependencies must come from the workspace's one list.

use std::collections::BTreeMap;
use std::path::Path;

/// Crate folder → our crates that it may depend on. `dev` is for tests only.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    // facts
    ("crates/inject", &[], &[]),
    ("crates/isa", &["inject"], &[]),
    ("crates/btf", &["inject"], &[]),
    ("crates/abi", &["isa", "btf"], &[]),
    // parties
    ("crates/loader", &["inject", "isa", "btf", "abi"], &[]),
    (
        "crates/verifier",
        &["inject", "isa", "btf", "abi"],
        &["loader"],
    ),
    ("crates/vm", &["inject", "isa", "abi"], &["btf", "loader"]),
    ("crates/jit", &["inject", "isa", "abi", "vm"], &["loader"]),
    ("crates/kernel", &["isa", "btf", "abi"], &["loader"]),
    // faces
    (
        "crates/xdp-sim",
        &["abi", "btf", "vm", "jit"],
        &["isa", "loader"],
    ),
    (
        "crates/scenario",
        &["btf", "abi", "loader", "verifier", "vm", "xdp-sim"],
        &[],
    ),
    (
        "crates/difftest",
        &[
            "inject", "isa", "btf", "abi", "loader", "verifier", "vm", "jit", "xdp-sim", "kernel",
            "scenario",
        ],
        &[],
    ),
    (
        "crates/cli",
        &[
            "inject", "isa", "btf", "abi", "loader", "verifier", "vm", "jit", "xdp-sim",
            "difftest", "scenario",
        ],
        &["kernel"],
    ),
    // not shipped
    (
        "benches",
        &[
            "isa", "btf", "abi", "loader", "verifier", "vm", "jit", "xdp-sim", "kernel", "difftest",
        ],
        &[],
    ),
    // Facts are asked of the kernel in the words of the tables that they are
    // held against.
    ("xtask", &["isa", "btf", "abi", "kernel"], &[]),
];

const OURS: &[&str] = &[
    "inject", "isa", "btf", "abi", "loader", "verifier", "vm", "jit", "kernel", "xdp-sim",
    "difftest", "scenario",
];

#[test]
fn crates_know_only_what_the_architecture_lets_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let allowed: BTreeMap<_, _> = ALLOWED.iter().map(|(f, n, d)| (*f, (*n, *d))).collect();
    let mut wrong = Vec::new();
    for folder in members(&root) {
        let Some((normal, dev)) = allowed.get(folder.as_str()) else {
            wrong.push(format!("{folder} is not in the table of this test"));
            continue;
        };
        let manifest = std::fs::read_to_string(root.join(&folder).join("Cargo.toml"))
            .expect("every member has a manifest");
        for (section, name, spec) in dependencies(&manifest) {
            let may = match section.as_str() {
                "dev-dependencies" => normal.contains(&&*name) || dev.contains(&&*name),
                _ => normal.contains(&&*name),
            };
            if OURS.contains(&&*name) && !may {
                wrong.push(format!("{folder} must not know {name} ({section})"));
            }
            if !spec.contains("workspace = true") {
                wrong.push(format!("{folder}: {name} is not from the workspace's list"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The folders of all members.
fn members(root: &Path) -> Vec<String> {
    let mut folders = vec!["benches".to_owned(), "xtask".to_owned()];
    for entry in std::fs::read_dir(root.join("crates")).expect("crates/ is there") {
        let name = entry.expect("readable").file_name();
        folders.push(format!("crates/{}", name.to_string_lossy()));
    }
    folders
}

/// (section, name, specification) of each dependency line of a manifest.
fn dependencies(manifest: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            section = header.rsplit('.').next().unwrap_or(header).to_owned();
        } else if section.ends_with("dependencies")
            && let Some((key, spec)) = line.split_once('=')
        {
            let name = key.trim().trim_end_matches(".workspace");
            let spec = format!("{}={}", key.trim(), spec).replace(".workspace=", " workspace =");
            found.push((section.clone(), name.to_owned(), spec));
        }
    }
    found
}

/// Bugs cannot be brought back in a normal build: the feature that does so is on
/// by nobody's default, and two crates alone have it to pass on.
#[test]
fn nobody_switches_bugs_on_unless_asked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in members(&root) {
        let manifest = std::fs::read_to_string(root.join(&folder).join("Cargo.toml"))
            .expect("every member has a manifest");
        let lines = manifest.lines().map(str::trim);
        for line in lines.filter(|line| !line.starts_with('#')) {
            let passes_on = matches!(&*folder, "crates/difftest" | "crates/cli")
                && line.starts_with("inject = [");
            let declares = folder == "crates/inject" && line == "armed = []";
            let asks = line.contains("armed") || line.contains("/inject\"]");
            assert!(!asks || passes_on || declares, "{folder}: {line}");
            let default = line.starts_with("default =");
            assert!(!(default && line.contains("inject")), "{folder}: {line}");
        }
    }
}
