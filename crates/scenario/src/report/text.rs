//! The report for people.

use std::fmt::Write;

use super::{Miss, Report};

/// A line for each step, and below it what was missed.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}", report.name);
    if let Some(why) = &report.skipped {
        let _ = writeln!(text, "  skipped: {why}");
    }
    for check in &report.checks {
        let mark = if check.is_ok() { "ok" } else { "FAILED" };
        let packets = match check.packets {
            0 | 1 => String::new(),
            packets => format!(" ({packets} packets)"),
        };
        let _ = writeln!(text, "  {mark:<6} {}{packets}", check.name);
        for miss in &check.misses {
            text.push_str(&indented(&missed(miss), 9));
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "  note   {note}");
    }
    text
}

/// What was missed, and where it was expected.
pub(super) fn missed(miss: &Miss) -> String {
    let place = match &miss.place {
        Some(place) => format!("{place}: "),
        None => String::new(),
    };
    let Miss {
        what,
        expected,
        got,
        detail,
        ..
    } = miss;
    format!("{place}{what}: expected {expected}, got {got}\n{detail}")
}

fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{}{line}\n", " ".repeat(by)),
    });
    lines.collect()
}
