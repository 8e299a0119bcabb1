//! Tests that may end the process: each runs in a process of its own.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

/// Names the test that the process is for.
const VARIABLE: &str = "EBPF_SIM_TEST_CHILD";

/// Runs `body` in a child process, the test `name` of this file alone; how it
/// ends. `body` runs to its end with exit code 0.
pub(crate) fn in_child(name: &str, body: impl FnOnce()) -> ExitStatus {
    if env::var(VARIABLE).is_ok_and(|wanted| wanted == name) {
        body();
        std::process::exit(0);
    }
    let own = env::current_exe().expect("this program");
    let output = Command::new(own)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, name)
        .output()
        .expect("a process");
    let status = output.status;
    if status.code().is_some_and(|code| code != 0) || status.signal().is_some() {
        let text = String::from_utf8_lossy(&output.stderr);
        // Seen only when the test fails.
        #[expect(clippy::print_stderr, reason = "what the child said")]
        {
            eprintln!("child {name}: {status}\n{text}");
        }
    }
    status
}

/// In the child already.
pub(crate) fn is_child() -> bool {
    env::var(VARIABLE).is_ok()
}
