//! The policy of tests that ask the kernel: skipped with a printed reason where
//! it cannot be asked, failing instead when `EBPF_SIM_REQUIRE_KERNEL=1`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Kernel;

/// The environment variable that makes skipping a failure.
pub const REQUIRE: &str = "EBPF_SIM_REQUIRE_KERNEL";

/// The kernel, or `None` after the reason was printed.
///
/// ```
/// let Some(kernel) = kernel::testing::kernel_or_skip() else {
///     return;
/// };
/// # let _ = kernel;
/// ```
///
/// # Panics
///
/// When the kernel cannot be asked and [`REQUIRE`] is set to `1`.
pub fn kernel_or_skip() -> Option<Kernel> {
    match Kernel::open() {
        Ok(kernel) => Some(kernel),
        Err(reason) => skip(&reason.to_string()),
    }
}

/// A folder of the corpus.
pub fn corpus(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpus")
        .join(folder)
}

/// What a folder holds, by name; nothing when it is not there.
pub fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Says why a test cannot ask; always `None`.
///
/// # Panics
///
/// When [`REQUIRE`] is set to `1`.
pub fn skip<T>(reason: &str) -> Option<T> {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
    assert!(!required, "{REQUIRE}=1, but {reason}");
    note(&format!("skipped: {reason}"));
    None
}

/// Says something past the test harness, which keeps what a test that passes
/// prints: what was compared, and what was not.
pub fn note(line: &str) {
    // One write, so that lines of tests that run at once stay whole. Where there
    // is nobody to tell, the test is no worse.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
