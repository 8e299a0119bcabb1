//! Another system than Linux: scenarios run on the simulator alone.

use scenario::file::Problem;
use scenario::{Error, Report, Scenario};

/// There is no Linux.
///
/// # Errors
///
/// Always.
pub fn run_on_kernel(_: &Scenario) -> Result<Report, Error> {
    let what = "on the kernel, anything: this system is not Linux; it".to_owned();
    Err(Error {
        place: None,
        problem: Problem::Unsupported(what),
    })
}
