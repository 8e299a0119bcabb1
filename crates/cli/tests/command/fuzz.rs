//! `fuzz`: findings, their files, ledgers, and how campaigns end.
//!
//! What is found here is found by a verifier that is wrong on purpose: a line of
//! shell that accepts everything.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use expect_test::expect;
use serde_json::Value as Json;

use crate::support::{Ran, command, fails, sim, sim_with};

/// Accepts everything.
const CREDULOUS: &str = r#"while read -r line; do echo '{"verdict": "success"}'; done"#;

/// A campaign against a command.
fn against(command: &str, line: &str) -> Ran {
    sim_with(
        &format!("fuzz --oracle verdict {line}"),
        &["--against", command],
    )
}

/// The report without times and speeds.
fn report(ran: &Ran) -> String {
    let text = ran.stderr.replace(" programs in ", "\n");
    text.lines()
        .filter(|line| !line.contains("/s)"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn nothing_is_found() {
    let ran = sim("fuzz --programs 200 --seed 0x1");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("ebpf-sim: 200 programs in "),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("seed 0x1, shard 0/1\n"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.ends_with("  findings    0\n"), "{}", ran.stderr);
}

#[test]
fn a_finding_is_small_and_can_be_shown_again() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display();
    let line = format!("--programs 40 --seed 1 --out {place}/f --ledger {place}/l");
    let ran = against(CREDULOUS, &line);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let found = ran.json();
    assert!(!found.is_empty(), "{}", ran.stderr);
    for finding in &found {
        let class = finding["class"].as_str().unwrap();
        assert!(class.starts_with("accepted there alone ("), "{class}");
        let slots = finding["slots"].as_u64().unwrap();
        assert!(slots < 10 && slots <= finding["slots_before"].as_u64().unwrap());
        files(finding);
    }
    let merged = sim(&format!("fuzz merge {place}/l --out {place}/m"));
    assert_eq!((merged.code, merged.stdout.as_str()), (1, ""));
    assert!(
        merged.stderr.starts_with("ebpf-sim: 40 programs in"),
        "{}",
        merged.stderr
    );
    let again = sim(&format!("fuzz merge {place}/m {place}/m {place}/l"));
    assert_eq!(report(&again), report(&merged), "merging changes nothing");
    assert_eq!(again.json().len(), 2 + found.len());
}

fn files(finding: &Json) {
    let file = |name: &str| finding["files"][name].as_str().unwrap().to_owned();
    let verified = sim(&format!("verify --programs {}", file("line")));
    assert_eq!(
        verified.json()[0]["verdict"],
        "failure",
        "{}",
        verified.stdout
    );
    let replayed = against(CREDULOUS, &format!("--replay {}", file("line")));
    assert_eq!(replayed.code, 1);
    let again = &replayed.json()[0];
    assert_eq!(
        (&again["what"], &again["hash"]),
        (&finding["what"], &finding["hash"])
    );
    assert_eq!(
        (&again["seed"], &again["index"]),
        (&finding["seed"], &finding["index"])
    );
    let test = std::fs::read_to_string(file("test")).unwrap();
    assert!(
        test.starts_with("// verdict: accepted there alone ("),
        "{test}"
    );
    compiles(Path::new(&file("c")));
}

/// The C program compiles without a warning, and says what Linux says.
fn compiles(path: &Path) {
    let program = path.with_extension("exe");
    let compiler = Command::new("cc")
        .args(["-Wall", "-Werror", "-o"])
        .args([&program, path])
        .output();
    let Ok(compiled) = compiler else {
        return kernel::testing::note("skipped: there is no C compiler");
    };
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    if kernel::testing::kernel_or_skip().is_some() {
        let ran = Ran::from(Command::new(&program).output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        assert!(ran.stdout.contains("Linux: "), "{}", ran.stdout);
    }
}

#[test]
fn the_same_with_any_number_of_threads() {
    let line = "--programs 100 --seed 5 --jobs";
    let one = against(CREDULOUS, &format!("{line} 1"));
    let three = against(CREDULOUS, &format!("{line} 3"));
    assert!(!one.stdout.is_empty());
    assert_eq!((one.code, &one.stdout), (three.code, &three.stdout));
    assert_eq!(report(&one), report(&three));
    let first = &one.json()[0];
    let only = against(CREDULOUS, &format!("--seed 5 --only {}", first["index"]));
    assert_eq!(&only.json()[0], first);
}

#[test]
fn our_verifier_as_the_other_one() {
    let ours = format!("{} verify --programs -", env!("CARGO_BIN_EXE_ebpf-sim"));
    let ran = against(&ours, "--programs 200 --seed 3 --jobs 2");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains(" of 200\n"), "{}", ran.stderr);
}

/// The adapter of docs/fuzzing.md, around our verifier in PREVAIL's place.
#[test]
fn objects_for_prevail() {
    if Command::new("python3").arg("--version").output().is_err() {
        return kernel::testing::note("skipped: there is no python3");
    }
    let adapter = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fuzz-prevail.py");
    let ours = format!(
        "python3 {adapter} {} verify",
        env!("CARGO_BIN_EXE_ebpf-sim")
    );
    let ran = against(&ours, "--programs 40 --seed 3 --jobs 2");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
}

#[test]
fn what_makes_no_sense() {
    for (line, expected) in [
        (
            "--shard 8/8",
            "shards are counted from 0: of 8 there is no shard 8",
        ),
        ("--shard 1", "expected i/n, such as 0/8"),
        ("--time 5x", "expected a time from 1s to 365d"),
        ("--mix tpyed=1", "there is no kind tpyed"),
        ("--seed 0xg", "expected a number of 64 bits"),
        ("--only 4", "--seed"),
        (
            "--oracle verdict",
            "--oracle verdict: there is nobody to ask: give --against kernel, or a command",
        ),
        ("--replay objects/pass.bpf.o", "objects/pass.bpf.o: "),
        ("--replay verify/raw.jsonl --seed 3", "cannot be used with"),
        (
            "merge objects/pass.bpf.o",
            "objects/pass.bpf.o: no ledger: none of its lines",
        ),
    ] {
        let ran = sim(&format!("fuzz {line}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{line}");
        assert!(ran.stderr.contains(expected), "{line}: {}", ran.stderr);
    }
    fails(
        "fuzz --programs 5 --ledger nowhere/at/all",
        2,
        expect![[r#"
            ebpf-sim: nowhere/at/all: No such file or directory (os error 2)
        "#]],
    );
    let ran = against("echo maybe", "--programs 5");
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.contains("it answered `maybe`; expected"),
        "{}",
        ran.stderr
    );
}

/// A campaign that would take an hour, and its first finding.
fn endless(line: &str) -> (Child, BufReader<std::process::ChildStdout>, Json) {
    let mut child = command(&format!("fuzz --time 1h --jobs 1 --oracle verdict {line}"))
        .args(["--against", CREDULOUS])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    (child, stdout, serde_json::from_str(&first).unwrap())
}

fn said(child: &mut Child) -> String {
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    said
}

#[test]
fn signals_end_it_with_its_report() {
    for signal in ["-INT", "-TERM"] {
        let (mut child, mut stdout, _) = endless("--seed 1");
        // What nobody reads fills the pipe, and it waits there instead of ending.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let said = said(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
        assert!(said.contains("seed 0x1, shard 0/1\n"), "{said}");
    }
}

#[test]
fn a_closed_pipe_ends_it_with_its_report() {
    // Of a class no more than three are told, so it may never write again.
    let (mut child, stdout, _) = endless("--seed 1");
    drop(stdout);
    let said = said(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(
        said.starts_with("ebpf-sim: ") && said.contains("  findings "),
        "{said}"
    );
}

#[test]
fn a_ledger_survives() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger").display().to_string();
    let (mut child, _stdout, first) = endless(&format!("--seed 1 --ledger {ledger}"));
    child.kill().unwrap();
    child.wait().unwrap();
    // A line that was cut off, and another campaign after it.
    let mut text = std::fs::read_to_string(&ledger).unwrap();
    text.push_str("{\"type\":\"prog");
    std::fs::write(&ledger, text).unwrap();
    let ran = sim(&format!(
        "fuzz --seed 1 --programs 10 --shard 1/2 --ledger {ledger}"
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let merged = sim(&format!("fuzz merge {ledger}"));
    assert_eq!(merged.code, 1);
    let lines = merged.json();
    let hashes: Vec<_> = lines
        .iter()
        .filter(|l| l["type"] == "finding")
        .map(|l| &l["hash"])
        .collect();
    assert!(hashes.contains(&&first["hash"]), "{}", merged.stdout);
    for expected in [
        "warning: 1 lines of ledgers were cut off",
        "5 programs in ",
        "2 campaigns, 1 of them did not end",
    ] {
        assert!(merged.stderr.contains(expected), "{}", merged.stderr);
    }
}

/// The line of docs/fuzzing.md, with two shards.
#[test]
fn under_gnu_parallel() {
    let version = Command::new("parallel").arg("--version").output();
    let is_gnu = version.is_ok_and(|v| String::from_utf8_lossy(&v.stdout).contains("GNU"));
    if !is_gnu {
        return kernel::testing::note("skipped: there is no GNU parallel");
    }
    let directory = tempfile::tempdir().unwrap();
    let line = format!(
        "seq 0 1 | parallel {} fuzz --seed 7 --shard {{}}/2 --jobs 1 --programs 31 --ledger {{}}.ledger",
        env!("CARGO_BIN_EXE_ebpf-sim")
    );
    let mut shell = Command::new("sh");
    let ran = shell
        .args(["-c", &line])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let place = directory.path().display();
    let merged = sim(&format!(
        "fuzz merge {place}/0.ledger {place}/1.ledger --out {place}/all"
    ));
    assert!(
        merged.stderr.starts_with("ebpf-sim: 31 programs in "),
        "{}",
        merged.stderr
    );
}

#[test]
fn against_the_kernel() {
    if kernel::testing::kernel_or_skip().is_none() {
        return;
    }
    let ran = sim("fuzz --oracle verdict,registers --against kernel --seed 2 --programs 60");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("\n  states      "), "{}", ran.stderr);
}

/// Neither the code that switches known bugs on nor their names are in a build that
/// was not made for it.
#[test]
fn builds_for_use_have_no_bugs_to_bring_back() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_ebpf-sim")).unwrap();
    let has = |text: &str| binary.windows(text.len()).any(|at| at == text.as_bytes());
    let made_for_it = cfg!(feature = "inject");
    // A part of the symbols of the module `inject::armed`, and the name of a bug.
    assert_eq!(has("6inject5armed"), made_for_it);
    assert_eq!(has("cve-2017-16995"), made_for_it);
    // That texts are found at all.
    assert!(has("self-test"));
    if !made_for_it {
        fails(
            "fuzz --self-test",
            2,
            expect![[r#"
            ebpf-sim: --self-test: this build has no bugs to bring back, as no build for use should: `cargo build --release -p ebpf-sim --features inject` makes one that has
        "#]],
        );
    }
}
