//! The policy of tests that ask the kernel: skipped with a printed reason where
//! it cannot be asked, failing instead when `EBPF_SIM_REQUIRE_KERNEL=1`.
#![allow(clippy::print_stdout, reason = "for tests, which say why they skip")]

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

/// Says why a test cannot ask; always `None`.
///
/// # Panics
///
/// When [`REQUIRE`] is set to `1`.
pub fn skip<T>(reason: &str) -> Option<T> {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
    assert!(!required, "{REQUIRE}=1, but {reason}");
    println!("skipped: {reason}");
    None
}
