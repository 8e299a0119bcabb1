//! The file tests of `corpus/verify`: each is put to Linux and to our verifier,
//! and both must say what the file expects.
//!
//! `UPDATE_EXPECT=1` writes what Linux says into the files. `VERIFY_FILES=text`
//! takes only files whose path contains the text. Where Linux cannot be asked the
//! files stand for it.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use difftest::CannotAsk;
use difftest::verify::filetest::FileTest;
use difftest::verify::{Judge, LinuxJudge, Opinion, OurJudge, Said};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/verify")
}

/// The files in `folder` and below, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let wanted = std::env::var("VERIFY_FILES").unwrap_or_default();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("the corpus has file tests");
        for entry in entries {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "bpf")
                && path.to_string_lossy().contains(&wanted)
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    let path = path.strip_prefix(corpus()).unwrap_or(path);
    path.display().to_string()
}

/// Holds an opinion against a file; what is wrong, a line each.
fn complaints(test: &FileTest, opinion: &Opinion) -> String {
    let lines = test.mismatches(opinion);
    lines
        .iter()
        .map(|mismatch| format!("  {mismatch}\n"))
        .collect()
}

#[test]
fn linux_says_what_the_files_expect() {
    let Some(kernel) = kernel::testing::kernel_or_skip() else {
        return;
    };
    let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1");
    let mut linux = LinuxJudge::new(kernel);
    let mut wrong = String::new();
    let mut counts = [0, 0];
    for path in files(&corpus()) {
        let text = std::fs::read_to_string(&path).expect("a file that was listed");
        let opinion = FileTest::parse(&text)
            .map_err(|error| error.to_string())
            .and_then(|test| Ok((ask(&mut linux, &test).map_err(|e| e.to_string())?, test)));
        let (opinion, test) = match opinion {
            Ok(both) => both,
            Err(error) => {
                wrong += &format!("{}: {error}\n", name(&path));
                continue;
            }
        };
        counts[usize::from(opinion.said == Said::Accepted)] += 1;
        let complaints = complaints(&test, &opinion);
        if update && !complaints.is_empty() {
            std::fs::write(&path, test.rewritten(&opinion)).expect("a file that can be written");
        } else if !complaints.is_empty() {
            wrong += &format!("{}:\n{complaints}", name(&path));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let [refused, accepted] = counts;
    kernel::testing::note(&format!(
        "file tests on Linux: {accepted} accepted, {refused} refused, as expected"
    ));
}

#[test]
fn we_say_what_the_files_expect() {
    let mut ours = OurJudge::default();
    let mut wrong = String::new();
    let mut agreed = 0;
    let mut unsupported: BTreeMap<String, u32> = BTreeMap::new();
    for path in files(&corpus()) {
        let text = std::fs::read_to_string(&path).expect("a file that was listed");
        let test = match FileTest::parse(&text) {
            Ok(test) => test,
            Err(error) => {
                wrong += &format!("{}: {error}\n", name(&path));
                continue;
            }
        };
        match ask(&mut ours, &test) {
            Err(CannotAsk::Missing { missing }) => {
                kernel::testing::note(&format!("skipped: {missing}"));
                return;
            }
            Err(error) => wrong += &format!("{}: {error}\n", name(&path)),
            Ok(opinion) => match &opinion.said {
                Said::Unsupported(feature) => {
                    *unsupported.entry(feature.clone()).or_default() += 1;
                }
                _ => match complaints(&test, &opinion) {
                    complaints if complaints.is_empty() => agreed += 1,
                    complaints => wrong += &format!("{}:\n{complaints}", name(&path)),
                },
            },
        }
    }
    for (feature, count) in &unsupported {
        kernel::testing::note(&format!("file tests: unsupported: {feature}: {count}"));
    }
    assert!(wrong.is_empty(), "{wrong}");
    kernel::testing::note(&format!("file tests: {agreed} agreed"));
}

fn ask(judge: &mut dyn Judge, test: &FileTest) -> Result<Opinion, CannotAsk> {
    judge.judge(&test.raw, test.level())
}
