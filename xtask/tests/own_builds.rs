//! What needs a build or an installation of its own, beside those of other tests:
//! known bugs that are brought back, and proofs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use kernel::testing::note;

/// No lemma is begun after so many seconds.
const PROOFS: &str = "100";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn run(command: &mut Command) -> Output {
    let command = command.current_dir(root()).stdin(Stdio::null());
    command.output().expect("it can be started")
}

/// What it said, for a test that fails.
fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .join("\n")
}

/// `docs/soundness.md` says of all bugs how soon they are found; here it is some.
#[test]
fn known_bugs_that_are_brought_back_are_found() {
    let output = run(Command::new(env!("CARGO")).args([
        "test",
        "--package",
        "ebpf-sim-difftest",
        "--features",
        "inject",
        "--test",
        "self_test",
    ]));
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output);
    for line in text.lines().filter(|line| line.starts_with("self-test")) {
        note(line);
    }
}

/// The proofs of `docs/proofs.md`, as many as there is time for. Where there are no
/// solvers and none can be installed, that is said and no failure.
#[test]
fn the_scalar_domain_is_proved() {
    let output = run(Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["prove", "--time", PROOFS])
        // Without a network this is to be known soon.
        .env("PIP_RETRIES", "1")
        .env("PIP_TIMEOUT", "10"));
    let text = said(&output);
    match text
        .lines()
        .find(|line| line.starts_with("error: the solvers"))
    {
        Some(why) => note(&format!("proofs: skipped because {why}")),
        None => {
            assert!(output.status.success(), "{text}");
            let sum = text.lines().find(|line| line.contains(" lemmas, "));
            note(&format!("proofs: {}", sum.expect("what came of them")));
        }
    }
}
