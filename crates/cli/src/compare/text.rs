//! The report of a comparison as a person wants to see it.

use comfy_table::CellAlignment;
use serde_json::Value as Json;

use super::{Row, Session};
use crate::error::Failure;
use crate::input;
use crate::layout::{counted, grouped, print_table, table};
use crate::output::Output;

/// Prints the whole report.
pub(super) fn print(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    out.line(format_args!(
        "{} on {}, here and on Linux {}: {}, {}: {}",
        session.comparison.subject().entry,
        input::name(&session.args.feed.pcap),
        session.release,
        counted(session.packets, "packet", "packets"),
        counted(session.maps, "map", "maps"),
        match session.differences {
            0 => "no difference".to_owned(),
            count => counted(count, "difference", "differences"),
        }
    ))?;
    if !session.shown.is_empty() {
        rows(&session.shown, out)?;
    }
    let hidden = session.differences + session.excused - session.shown.len() as u64;
    if hidden > 0 {
        out.line(format_args!(
            "  ... {} more (--differences N shows more)",
            grouped(hidden)
        ))?;
    }
    remarks(session, out)
}

fn rows(rows: &[Row], out: &mut Output) -> Result<(), Failure> {
    let mut table = table(&["packet", "where", "ebpf-sim", "Linux"]);
    for row in rows {
        let packet = match row.packet {
            Some(packet) => packet.to_string(),
            None => "end".to_owned(),
        };
        let mark = if row.excused { " (excused)" } else { "" };
        table.add_row([
            packet,
            format!("{}{mark}", row.place),
            plain(&row.ours),
            plain(&row.theirs),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Left);
    }
    print_table(&table, out)
}

/// JSON without quotes around text.
fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

/// What was not compared, and why.
fn remarks(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let tally = session.tally();
    let subject = session.comparison.subject();
    if tally.excused > 0 {
        out.line(format_args!(
            "  {} not comparable: programs call {}",
            counted(tally.excused, "answer is", "answers are"),
            session.comparison.sources().join(", "),
        ))?;
    }
    if tally.unsettled > 0 {
        out.line(format_args!(
            "  {} only in bytes that Linux itself answers differently when asked twice",
            counted(tally.unsettled, "answer differs", "answers differ"),
        ))?;
    }
    for map in &session.unlisted {
        let Some(def) = subject.maps().get(*map) else {
            continue;
        };
        let what = match def.map_type {
            abi::MapType::Ringbuf | abi::MapType::PerfEventArray => continue,
            other => other.name(),
        };
        out.line(format_args!(
            "  contents of {} are not compared: a {what} cannot be listed",
            def.name
        ))?;
    }
    if !session.comparison.hears_printk() {
        out.line("  printk lines are not compared: there is no tracefs")?;
    }
    Ok(())
}
