//! The report as JUnit XML, which CI systems read: a suite for each scenario, a
//! case for each step.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::text::missed;
use super::{Check, Report};

/// The whole of several reports.
pub fn junit(reports: &[Report]) -> String {
    let mut all = quick_junit::Report::new("ebpf-sim");
    for report in reports {
        let mut suite = TestSuite::new(report.name.as_str());
        if let Some(why) = &report.skipped {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            suite.add_test_case(TestCase::new(report.name.as_str(), status));
        }
        for check in &report.checks {
            let mut case = TestCase::new(check.name.as_str(), status(check));
            if let Some(path) = &report.path {
                case.set_classname(path.display().to_string());
            }
            suite.add_test_case(case);
        }
        all.add_test_suite(suite);
    }
    // Only a writer that fails makes it fail; the characters that XML does not
    // have were replaced.
    all.to_string().unwrap_or_default()
}

fn status(check: &Check) -> TestCaseStatus {
    let Some(first) = check.misses.first() else {
        return TestCaseStatus::success();
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let message = format!(
        "{}: expected {}, got {}",
        first.what, first.expected, first.got
    );
    status.set_message(message);
    status.set_type("expectation");
    let description: String = check.misses.iter().map(missed).collect();
    status.set_description(description);
    status
}
