//! The report as TAP 14: a test point for each step, a subtest for each scenario.

use std::fmt::Write;

use super::text::missed;
use super::{Check, Report};

/// The whole of several reports.
pub fn tap(reports: &[Report]) -> String {
    let mut text = "TAP version 14\n".to_owned();
    // Writing to a string does not fail.
    let _ = writeln!(text, "1..{}", reports.len());
    for (place, report) in reports.iter().enumerate() {
        if let Some(why) = &report.skipped {
            let (number, name) = (place + 1, escaped(&report.name));
            let _ = writeln!(text, "ok {number} - {name} # SKIP {}", escaped(why));
            continue;
        }
        let _ = writeln!(text, "# Subtest: {}", escaped(&report.name));
        let _ = writeln!(text, "    1..{}", report.checks.len());
        for (number, check) in report.checks.iter().enumerate() {
            point(&mut text, number + 1, check);
        }
        let not = if report.is_ok() { "" } else { "not " };
        let _ = writeln!(text, "{not}ok {} - {}", place + 1, escaped(&report.name));
    }
    text
}

fn point(text: &mut String, number: usize, check: &Check) {
    let not = if check.is_ok() { "" } else { "not " };
    let _ = writeln!(text, "    {not}ok {number} - {}", escaped(&check.name));
    if check.is_ok() {
        return;
    }
    text.push_str("      ---\n      message: |\n");
    for miss in &check.misses {
        for line in missed(miss).lines() {
            let _ = writeln!(text, "        {}", line.trim_end());
        }
    }
    if let Some(place) = &check.place {
        let _ = writeln!(
            text,
            "      at:\n        file: {:?}",
            place.path.display().to_string()
        );
        let _ = writeln!(text, "        line: {}", place.line);
    }
    text.push_str("      ...\n");
}

/// Names in one line, without what begins a directive.
fn escaped(name: &str) -> String {
    let name = name.replace('\\', "\\\\").replace('#', "\\#");
    name.replace('\n', " ")
}
