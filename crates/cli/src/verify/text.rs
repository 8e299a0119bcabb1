//! Verdicts as sentences.

use std::io::Write;

use verifier::explain::Explanation;

use super::explain;
use super::row::{Outcome, Row};
use crate::error::Failure;
use crate::output::Output;

/// What was decided about one program, and why.
pub(super) fn print(
    row: &Row,
    why: Option<&Explanation>,
    long: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    print_log(row, out)?;
    let figures = &row.figures;
    match row.verdict {
        Outcome::Success => out.line(format_args!(
            "{}: accepted ({} instructions followed, {} states, {} us)",
            row.name(),
            figures.processed,
            figures.total_states,
            figures.microseconds
        )),
        Outcome::Failure => {
            let message = row.message.as_deref().unwrap_or_default();
            out.line(format_args!("{}: refused: {message}", row.name()))?;
            match why {
                Some(why) => write!(out, "{}", explain::text(why, long)).map_err(Failure::output),
                None => Ok(()),
            }
        }
        Outcome::Unsupported => out.line(format_args!(
            "{}: no verdict: {} is not supported (insn {})",
            row.name(),
            row.message.as_deref().unwrap_or_default(),
            row.pc.unwrap_or_default()
        )),
    }
}

/// The log, under the line that veristat puts before it.
pub(super) fn print_log(row: &Row, out: &mut Output) -> Result<(), Failure> {
    let Some(log) = row.log.as_deref().filter(|log| !log.is_empty()) else {
        return Ok(());
    };
    out.line(format_args!(
        "PROCESSING {}, DURATION US: {}, VERDICT: {}, VERIFIER LOG:",
        row.name(),
        row.figures.microseconds,
        row.verdict.name()
    ))?;
    out.write_all(log.as_bytes()).map_err(Failure::output)
}

/// How many of each.
pub(super) fn print_sum(rows: &[Row], out: &mut Output) -> Result<(), Failure> {
    let count = |outcome| rows.iter().filter(|row| row.verdict == outcome).count();
    out.line(format_args!(
        "{} programs: {} accepted, {} refused, {} not supported",
        rows.len(),
        count(Outcome::Success),
        count(Outcome::Failure),
        count(Outcome::Unsupported)
    ))
}
