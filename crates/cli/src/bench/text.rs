//! The times as a person wants to see them.

use super::{Report, Row};
use crate::error::Failure;
use crate::input;
use crate::layout::{counted, grouped, print_table, table};
use crate::output::Output;

pub(super) fn print(report: &Report<'_>, out: &mut Output) -> Result<(), Failure> {
    out.line(format_args!(
        "{} on {}: {}, {} measured",
        report.program,
        input::name(&report.args.feed.pcap),
        counted(report.seen, "packet", "packets"),
        grouped(report.measured),
    ))?;
    let against = report.rows.iter().any(|row| row.is_linux);
    let mut header = vec!["engine", "ns/packet", "without the call"];
    header.extend(against.then_some("x kernel"));
    let mut table = table(&header);
    for row in &report.rows {
        if let Ok(time) = &row.time {
            let mut cells = vec![
                name(report, row),
                number(time.packet_ns),
                number(time.program_ns()),
            ];
            if against {
                let ratio = report.ratio(row);
                cells.push(ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")));
            }
            table.add_row(cells);
        }
    }
    print_table(&table, out)?;
    for row in &report.rows {
        if let Err(why) = &row.time {
            out.line(format_args!("  {}: {why}", name(report, row)))?;
        }
    }
    Ok(())
}

fn name(report: &Report<'_>, row: &Row) -> String {
    match &report.linux {
        Some(release) if row.is_linux => format!("{} {release}", row.engine),
        _ => row.engine.to_owned(),
    }
}

/// Three digits that count.
fn number(ns: f64) -> String {
    match ns {
        _ if ns < 10.0 => format!("{ns:.2}"),
        _ if ns < 100.0 => format!("{ns:.1}"),
        _ => grouped(ns.round() as u64),
    }
}
