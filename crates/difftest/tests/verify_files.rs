//! The file tests of `corpus/verify`: each is put to Linux and to our verifier,
//! and both must say what the file expects.
//!
//! `UPDATE_EXPECT=1` writes what Linux says into the files. `VERIFY_FILES=text`
//! takes only files whose path contains the text. Where Linux cannot be asked the
//! files stand for it.
#![cfg(target_os = "linux")]

#[path = "support/sources.rs"]
mod sources;

use std::collections::BTreeMap;

use difftest::CannotAsk;
use difftest::verify::filetest::FileTest;
use difftest::verify::{Judge, LinuxJudge, Opinion, OurJudge, Said};
use kernel::Kernel;
use kernel::testing::note;
use verifier::Verdict;

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
    for file in sources::file_tests() {
        let (test, opinion) = match ask(&mut linux, &file.text) {
            Ok(both) => both,
            Err(error) => {
                wrong += &format!("{}: {error}\n", file.name);
                continue;
            }
        };
        counts[usize::from(opinion.said == Said::Accepted)] += 1;
        let complaints = complaints(&test, &opinion);
        if update && !complaints.is_empty() {
            std::fs::write(&file.path, test.rewritten(&opinion)).expect("a file to write");
        } else if !complaints.is_empty() {
            wrong += &format!("{}:\n{complaints}", file.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let [refused, accepted] = counts;
    note(&format!(
        "file tests on Linux: {accepted} accepted, {refused} refused, as expected"
    ));
}

#[test]
fn we_say_what_the_files_expect() {
    let mut ours = match Kernel::open() {
        Ok(kernel) => OurJudge::of(&kernel),
        Err(_) => OurJudge::default(),
    };
    let mut wrong = String::new();
    let mut agreed = 0;
    let mut unsupported: BTreeMap<String, u32> = BTreeMap::new();
    for file in sources::file_tests() {
        let (test, opinion) = match ask(&mut ours, &file.text) {
            Ok(both) => both,
            Err(Failure::Ask(CannotAsk::Missing { .. })) => continue,
            Err(error) => {
                wrong += &format!("{}: {error}\n", file.name);
                continue;
            }
        };
        if let Said::Unsupported(feature) = &opinion.said {
            *unsupported.entry(feature.clone()).or_default() += 1;
            continue;
        }
        match complaints(&test, &opinion) {
            complaints if complaints.is_empty() => agreed += 1,
            complaints => wrong += &format!("{}:\n{complaints}", file.name),
        }
    }
    for (feature, count) in &unsupported {
        note(&format!("file tests: unsupported: {feature}: {count}"));
    }
    assert!(wrong.is_empty(), "{wrong}");
    note(&format!("file tests: {agreed} agreed"));
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    File(#[from] difftest::verify::filetest::FileTestError),
    #[error(transparent)]
    Ask(#[from] CannotAsk),
}

fn ask(judge: &mut dyn Judge, text: &str) -> Result<(FileTest, Opinion), Failure> {
    let test = FileTest::parse(text)?;
    let opinion = judge.judge(&test.raw, test.level())?;
    Ok((test, opinion))
}

/// What explanations are found by: every refusal of a file has a topic, and the
/// examples of a topic show that one.
#[test]
fn refusals_are_explained() {
    let ours = match Kernel::open() {
        Ok(kernel) => OurJudge::of(&kernel),
        Err(_) => OurJudge::default(),
    };
    let mut wrong = String::new();
    let mut codes = BTreeMap::new();
    for file in sources::file_tests() {
        let Ok(test) = FileTest::parse(&file.text) else {
            continue;
        };
        if !test.raw.caps.bpf {
            continue;
        }
        let config = ours.config(&test.raw);
        let Verdict::Refused(refused) = verifier::verify(&test.raw.program, &config, None) else {
            continue;
        };
        let code = refused.reason.code();
        *codes.entry(code).or_insert(0) += 1;
        let topic = verifier::explain::topic(code);
        if topic.code != code {
            wrong += &format!("{}: no topic {code}\n", file.name);
        }
        let shown = file.name.strip_prefix("explain/");
        let shown = shown.and_then(|name| name.strip_suffix(".refused.bpf"));
        if shown.is_some_and(|shown| shown != code) {
            wrong += &format!("{}: refused as {code}\n", file.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(codes.len() > 100, "{} kinds of refusal", codes.len());
}
