//! Running the command and looking at what it said.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use expect_test::Expect;
use serde_json::Value as Json;

/// What the command left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The command, in the corpus, with arguments split at spaces.
pub(crate) fn command(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ebpf-sim"));
    command.current_dir(corpus()).args(line.split_whitespace());
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn sim(line: &str) -> Ran {
    Ran::from(command(line).output().unwrap())
}

/// Runs it with further arguments that are kept whole.
pub(crate) fn sim_with(line: &str, more: &[impl AsRef<OsStr>]) -> Ran {
    Ran::from(command(line).args(more).output().unwrap())
}

/// Runs it with a file as standard input.
pub(crate) fn sim_reading(line: &str, file: &str) -> Ran {
    let file = File::open(corpus().join(file)).unwrap();
    Ran::from(command(line).stdin(file).output().unwrap())
}

/// What it printed, what it said and its exit code, without what differs between
/// two runs, as expected.
pub(crate) fn check(line: &str, expected: Expect) {
    expected.assert_eq(&sim(line).text());
}

/// It fails with this exit code, prints nothing and says this.
pub(crate) fn fails(line: &str, code: i32, expected: Expect) {
    sim(line).failed(code, expected);
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        let untimed = self.stdout.lines().filter(|l| !l.starts_with("speed  "));
        let mut text: String = untimed.flat_map(|l| [l, "\n"]).collect();
        for line in self.stderr.lines() {
            text += &format!("! {line}\n");
        }
        text + &format!("exit {}\n", self.code)
    }

    pub(crate) fn failed(&self, code: i32, expected: Expect) {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (code, ""),
            "{}",
            self.stderr
        );
        expected.assert_eq(&self.stderr);
    }

    /// The output, where all went well.
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (0, ""),
            "{}",
            self.stdout
        );
        &self.stdout
    }

    /// The lines of `--json`.
    pub(crate) fn json(&self) -> Vec<Json> {
        let lines = self.stdout.lines();
        lines.map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// The last line of `--json`.
    pub(crate) fn summary(&self) -> Json {
        let summary = self.json().pop().unwrap();
        assert_eq!(summary["type"], "summary");
        summary
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus")
}

/// A file that goes away with the test.
pub(crate) fn file(contents: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(contents.as_ref()).unwrap();
    file
}
