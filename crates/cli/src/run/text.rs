//! The report of a run as a person wants to see it.

use abi::MapKind;
use abi::xdp::XdpAction;
use xdp_sim::contents::to_hex;
use xdp_sim::{Count, Destination, Event};

use super::maps::Maps;
use super::{Session, pretty};
use crate::error::Failure;
use crate::input;
use crate::layout::{counted, grouped, print_table, table};
use crate::output::Output;

/// Prints the whole report.
pub(super) fn print(session: &mut Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let report = &session.report;
    out.line(format_args!(
        "{} on {}: {}, {}",
        session.program,
        input::name(&session.args.feed.pcap),
        counted(report.total.packets, "packet", "packets"),
        counted(report.total.bytes, "byte", "bytes"),
    ))?;
    if report.total.packets > 0 {
        actions(session, out)?;
        destinations(session, out)?;
    }
    remarks(session, out)?;
    if report.total.packets > 0 {
        speed(session, out)?;
    }
    events(session, out)?;
    traps(session, out)?;
    maps(session, out)
}

/// One event as a line.
pub(super) fn event(packet: u64, event: Event<'_>, maps: &Maps) -> String {
    match event {
        Event::Printk(text) => format!("packet {packet}  printk: {}", printable(text)),
        Event::Ring { map, data } => {
            format!("packet {packet}  {}: {}", maps.name(map), record(data))
        }
        Event::Perf { map, cpu, data } => {
            let name = maps.name(map);
            format!("packet {packet}  {name} (cpu {cpu}): {}", record(data))
        }
    }
}

/// Bytes of a record that are shown.
const RECORD_SHOWN: usize = 48;

fn record(data: &[u8]) -> String {
    match data.get(..RECORD_SHOWN) {
        Some(head) if head.len() < data.len() => {
            format!("{}… ({} bytes)", to_hex(head), grouped(data.len()))
        }
        _ => to_hex(data),
    }
}

/// Text of a program, which must not steer the terminal.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for c in text.chars() {
        match c.is_control() {
            true => printable.extend(c.escape_default()),
            false => printable.push(c),
        }
    }
    printable
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
    let mut remarks = Vec::new();
    let mut remark = |count: u64, what: &str| {
        if count > 0 {
            remarks.push(format!(" {}: {what}", counted(count, "packet", "packets")));
        }
    };
    remark(
        report.too_short,
        "shorter than an Ethernet header, not given to the program",
    );
    remark(report.cut, "in the capture only in part (snap length)");
    remark(report.lost, "redirected, but reached nobody");
    for (ret, count) in &report.invalid_returns {
        let what = format!("the program returned {ret}, which is no action: aborted");
        remark(*count, &what);
    }
    if !remarks.is_empty() {
        out.line("")?;
    }
    remarks.iter().try_for_each(|remark| out.line(remark))
}

fn speed(session: &Session<'_>, out: &mut Output) -> Result<(), Failure> {
    let report = &session.report;
    let packets = report.total.packets.max(1) as f64;
    out.line("")?;
    if let Some((most, index)) = report.worst {
        out.line(format_args!(
            "instructions  {} ({:.1} a packet, most {} on packet {index})",
            grouped(report.instructions),
            report.instructions as f64 / packets,
            grouped(most),
        ))?;
    }
    let seconds = session.time.as_secs_f64();
    out.line(format_args!(
        "speed         {} packets per second, {} ns a packet",
        grouped((packets / seconds.max(1e-9)) as u64),
        grouped((seconds * 1e9 / packets).round() as u64),
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
        if let (Some(entry), true) = (map.entries.first(), map.def.kind != MapKind::User)
            && let Some(lines) = pretty::variables(entry)
        {
            out.line(format_args!("  {} (global data)", map.def.name))?;
            lines
                .iter()
                .try_for_each(|line| out.line(format_args!("    {line}")))?;
            continue;
        }
        out.line(format_args!(
            "  {} ({}, {}{})",
            map.def.name,
            map.def.map_type.name(),
            counted(map.entries.len() as u64, "entry", "entries"),
            if all { "" } else { " changed" },
        ))?;
        for entry in map.entries.iter().take(limit) {
            out.line(format_args!("    {}", pretty::entry(entry)))?;
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
