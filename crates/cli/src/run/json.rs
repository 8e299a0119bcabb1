//! The JSON lines of `run --json`: stable, documented in `docs/json.md`.
//!
//! Every line is an object with a `type`. Lines come as things happen, so memory
//! does not grow with the capture; the last line is the `summary`. Two runs give
//! the same lines byte for byte, apart from `timing`.

use abi::xdp::XdpAction;
use serde::Serialize;
use serde_json::{Map, Value, json};
use xdp_sim::Outcome;

use super::Session;
use super::maps::Maps;
use crate::error::Failure;

/// Version of this format, in every summary.
pub(super) const VERSION: u32 = 1;

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    Packet(Packet<'a>),
    Event(Event<'a>),
    Printk { packet: u64, text: &'a str },
    Summary(Box<Summary>),
}

impl<'a> Line<'a> {
    pub(super) fn event(packet: u64, event: xdp_sim::Event<'a>, maps: &'a Maps) -> Line<'a> {
        match event {
            xdp_sim::Event::Printk(text) => Line::Printk { packet, text },
            xdp_sim::Event::Ring { map, data } => Line::Event(Event {
                packet,
                map: maps.name(map),
                cpu: None,
                data: xdp_sim::contents::to_hex(data),
            }),
            xdp_sim::Event::Perf { map, cpu, data } => Line::Event(Event {
                packet,
                map: maps.name(map),
                cpu: Some(cpu),
                data: xdp_sim::contents::to_hex(data),
            }),
        }
    }
}

/// One packet, with `--per-packet`.
#[derive(Debug, Serialize)]
pub(super) struct Packet<'a> {
    pub(super) index: u64,
    /// Nanoseconds since the epoch.
    pub(super) timestamp: u64,
    pub(super) action: &'static str,
    /// The whole return value.
    #[serde(rename = "return")]
    pub(super) ret: u32,
    pub(super) length_in: usize,
    pub(super) length_out: usize,
    pub(super) metadata: usize,
    /// FNV-1a of the output bytes, 16 hex digits.
    pub(super) hash: String,
    pub(super) instructions: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) destinations: Vec<Destination<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lost: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Filled in by whoever has the machine at hand.
    pub(super) trap: Option<String>,
}

/// Where a copy of a packet went.
#[derive(Debug, Serialize)]
pub(super) struct Destination<'a> {
    pub(super) to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) program: Option<&'a str>,
    pub(super) length: usize,
}

/// A record that a program sent to user space.
#[derive(Debug, Serialize)]
pub(super) struct Event<'a> {
    pub(super) packet: u64,
    pub(super) map: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<u32>,
    /// The bytes in hex.
    pub(super) data: String,
}

/// The last line.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) version: u32,
    pub(super) object: String,
    pub(super) program: String,
    pub(super) capture: String,
    pub(super) packets: Count,
    pub(super) too_short: u64,
    pub(super) cut: u64,
    pub(super) multi_buffer: u64,
    pub(super) actions: Map<String, Value>,
    pub(super) invalid_returns: Map<String, Value>,
    pub(super) destinations: Map<String, Value>,
    pub(super) lost: u64,
    pub(super) traps: u64,
    pub(super) instructions: Instructions,
    pub(super) events: u64,
    pub(super) printk: u64,
    /// Name → entries, in the form that `--map` reads. Changed ones, or all with
    /// `--dump-maps`.
    pub(super) maps: Map<String, Value>,
    /// Where the capture broke off, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) capture_error: Option<String>,
    pub(super) timing: Timing,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Count {
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

impl From<xdp_sim::Count> for Count {
    fn from(count: xdp_sim::Count) -> Count {
        Count {
            packets: count.packets,
            bytes: count.bytes,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Instructions {
    pub(super) total: u64,
    pub(super) worst: u64,
    /// Index of the packet that took most.
    pub(super) worst_packet: Option<u64>,
}

/// The only part that differs between two runs.
#[derive(Debug, Serialize)]
pub(super) struct Timing {
    pub(super) seconds: f64,
    pub(super) packets_per_second: f64,
    pub(super) nanoseconds_per_packet: f64,
}

impl<'a> Packet<'a> {
    pub(super) fn new(
        index: u64,
        timestamp: u64,
        length_in: usize,
        outcome: &Outcome<'_>,
        maps: &'a Maps,
    ) -> Packet<'a> {
        Packet {
            index,
            timestamp,
            action: outcome.action.name(),
            ret: outcome.ret,
            length_in,
            length_out: outcome.output.len(),
            metadata: outcome.metadata.len(),
            hash: format!("{:016x}", fnv1a(outcome.output)),
            instructions: outcome.executed,
            destinations: outcome
                .deliveries
                .iter()
                .map(|delivery| Destination {
                    to: maps.destination(delivery.to),
                    program: delivery.second.map(|id| maps.program(id)),
                    length: outcome.delivered(delivery).len(),
                })
                .collect(),
            lost: outcome.lost.map(|lost| lost.to_string()),
            trap: None,
        }
    }
}

impl Summary {
    pub(super) fn line(session: &mut Session<'_>, broken: Option<&Failure>) -> Line<'static> {
        let maps = session
            .shown_maps()
            .into_iter()
            .map(|shown| (shown.def.name.clone(), Value::Array(shown.entries)))
            .collect();
        let report = &session.report;
        let count = |count| json!(Count::from(count));
        let seconds = session.time.as_secs_f64();
        let packets = report.total.packets as f64;
        Line::Summary(Box::new(Summary {
            version: VERSION,
            object: session.args.object.object.display().to_string(),
            program: session.program.clone(),
            capture: session.args.feed.pcap.display().to_string(),
            packets: report.total.into(),
            too_short: report.too_short,
            cut: report.cut,
            multi_buffer: report.multi_buffer,
            actions: XdpAction::ALL
                .iter()
                .map(|action| (action.name().to_owned(), count(report.action(*action))))
                .collect(),
            invalid_returns: report
                .invalid_returns
                .iter()
                .map(|(ret, times)| (ret.to_string(), json!(times)))
                .collect(),
            destinations: report
                .destinations
                .iter()
                .map(|(to, sum)| (session.maps.destination(*to), count(*sum)))
                .collect(),
            lost: report.lost,
            traps: report.traps,
            instructions: Instructions {
                total: report.instructions,
                worst: report.worst.map_or(0, |(most, _)| most),
                worst_packet: report.worst.map(|(_, index)| index),
            },
            events: session.events.records,
            printk: session.events.printk,
            maps,
            capture_error: broken.map(ToString::to_string),
            timing: Timing {
                seconds,
                packets_per_second: rate(packets, seconds),
                nanoseconds_per_packet: rate(seconds * 1e9, packets),
            },
        }))
    }
}

fn rate(count: f64, per: f64) -> f64 {
    if per > 0.0 { count / per } else { 0.0 }
}

/// FNV-1a, 64 bit.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
