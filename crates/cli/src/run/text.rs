//! The report of a run as a person wants to see it.

use std::fmt::Display;

use abi::xdp::XdpAction;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value as Json;
use xdp_sim::contents::to_hex;
use xdp_sim::{Count, Destination, Event};

use super::Session;
use super::maps::Maps;
use crate::error::Failure;
use crate::output::Output;

/// Prints the whole report.
pub(super) fn print(session: &mut Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let report = &session.report;
    out.line(format_args!(
        "{} on {}: {} packets, {} bytes",
        session.program,
        session.args.pcap.display(),
        grouped(report.total.packets),
        grouped(report.total.bytes),
    ))?;
    actions(session, out)?;
    destinations(session, out)?;
    remarks(session, out)?;
    speed(session, out)?;
    events(session, out)?;
    traps(session, out)?;
    maps(session, out)
}

/// One event as a line.
pub(super) fn event(packet: u64, event: Event<'_>, maps: &Maps) -> String {
    match event {
        Event::Printk(text) => format!("packet {packet}  printk: {text}"),
        Event::Ring { map, data } => {
            format!("packet {packet}  {}: {}", maps.name(map), to_hex(data))
        }
        Event::Perf { map, cpu, data } => {
            format!(
                "packet {packet}  {} (cpu {cpu}): {}",
                maps.name(map),
                to_hex(data)
            )
        }
    }
}

fn actions(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let mut table = table(&["action", "packets", "%", "bytes"]);
    for action in XdpAction::ALL {
        let count = session.report.action(action);
        if count.packets > 0 {
            let percent = 100.0 * count.packets as f64 / session.report.total.packets as f64;
            table.add_row([
                action.name().to_owned(),
                grouped(count.packets),
                format!("{percent:.1}"),
                grouped(count.bytes),
            ]);
        }
    }
    print_table(&table, out)
}

fn destinations(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let destinations = &session.report.destinations;
    // Where every frame went to the stack or back, the actions say it all.
    if destinations
        .keys()
        .all(|to| matches!(to, Destination::Stack | Destination::Back))
    {
        return Ok(());
    }
    let mut table = table(&["to", "packets", "bytes"]);
    for (to, Count { packets, bytes }) in destinations {
        table.add_row([
            session.maps.destination(*to),
            grouped(*packets),
            grouped(*bytes),
        ]);
    }
    print_table(&table, out)
}

/// What a person should know and would not guess from the counts.
fn remarks(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let report = &session.report;
    let mut remark = |count: u64, what: &str| match count {
        0 => Ok(()),
        count => out.line(format_args!("  {} {what}", grouped(count))),
    };
    remark(
        report.too_short,
        "frames shorter than an Ethernet header were not given to the program",
    )?;
    remark(
        report.cut,
        "packets are in the capture only in part (snap length)",
    )?;
    remark(report.lost, "redirected packets reached nobody")?;
    for (ret, count) in &report.invalid_returns {
        remark(
            *count,
            &format!("times the program returned {ret}, which is no action: aborted"),
        )?;
    }
    Ok(())
}

fn speed(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let report = &session.report;
    let packets = report.total.packets.max(1) as f64;
    out.line("")?;
    if let Some((most, index)) = report.worst {
        out.line(format_args!(
            "instructions  {} ({:.1} a packet, most {most} on packet {index})",
            grouped(report.instructions),
            report.instructions as f64 / packets,
        ))?;
    }
    let seconds = session.time.as_secs_f64();
    out.line(format_args!(
        "speed         {} packets per second, {:.0} ns a packet",
        grouped((packets / seconds.max(1e-9)) as u64),
        seconds * 1e9 / packets,
    ))
}

fn events(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let events = &session.events;
    let total = events.records + events.printk;
    if total == 0 {
        return Ok(());
    }
    out.line(format_args!("\nevents ({})", grouped(total)))?;
    for line in &events.shown {
        out.line(format_args!("  {line}"))?;
    }
    let hidden = total - events.shown.len() as u64;
    if hidden > 0 {
        out.line(format_args!(
            "  … {} more (--events N shows more)",
            grouped(hidden)
        ))?;
    }
    Ok(())
}

fn traps(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let report = &session.report;
    if report.traps == 0 {
        return Ok(());
    }
    out.line(format_args!("\ntraps ({})", grouped(report.traps)))?;
    for (index, trap) in &report.first_traps {
        let why = session.simulator.machine().explain(trap);
        out.line(format_args!("  packet {index}: {why}"))?;
    }
    Ok(())
}

/// Entries of a map that are shown without `--dump-maps`.
const ENTRIES_SHOWN: usize = 20;

fn maps(session: &mut Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let all = session.args.dump_maps.is_some();
    let shown = session.shown_maps();
    if shown.is_empty() {
        return Ok(());
    }
    out.line(if all { "\nmaps" } else { "\nmaps that changed" })?;
    for map in shown {
        let limit = if all { usize::MAX } else { ENTRIES_SHOWN };
        out.line(format_args!(
            "  {} ({}, {} entries)",
            map.def.name,
            map.def.map_type.name(),
            grouped(map.entries.len())
        ))?;
        for entry in map.entries.iter().take(limit) {
            out.line(format_args!("    {}", entry_line(entry)))?;
        }
        if let hidden @ 1.. = map.entries.len().saturating_sub(limit) {
            out.line(format_args!(
                "    … {} more (--dump-maps shows all)",
                grouped(hidden)
            ))?;
        }
    }
    Ok(())
}

/// An entry as `key: value`.
fn entry_line(entry: &Json) -> String {
    let value = entry.get("value").or_else(|| entry.get("values"));
    let value = value.map(ToString::to_string).unwrap_or_default();
    match entry.get("key") {
        Some(key) => format!("{key}: {value}"),
        None => value,
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn print_table(table: &Table, out: &mut Output) -> Result<(), Failure> {
    out.line("")?;
    for line in table.lines() {
        out.line(line.trim_end())?;
    }
    Ok(())
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
