//! The JSON lines of `bench --json`: stable, documented in `docs/json.md`.

use serde::Serialize;

use super::Report;
use crate::error::Failure;
use crate::output::Output;

/// Version of this format, in every summary.
const VERSION: u32 = 1;

/// One engine.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "engine")]
struct Engine<'a> {
    engine: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nanoseconds_per_packet: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nanoseconds_without_call: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times_kernel: Option<f64>,
    /// Why there is no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The last line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "summary")]
struct Summary<'a> {
    version: u32,
    object: String,
    program: &'a str,
    capture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    linux: Option<&'a str>,
    packets: u64,
    measured: usize,
}

pub(super) fn print(report: &Report<'_>, out: &mut Output) -> Result<(), Failure> {
    for row in &report.rows {
        let time = row.time.as_ref().ok();
        out.json(&Engine {
            engine: row.engine,
            nanoseconds_per_packet: time.map(|time| time.packet_ns),
            nanoseconds_without_call: time.map(|time| time.program_ns()),
            times_kernel: report.ratio(row),
            error: row.time.as_ref().err().map(ToString::to_string),
        })?;
    }
    out.json(&Summary {
        version: VERSION,
        object: report.args.object.object.display().to_string(),
        program: &report.program,
        capture: report.args.feed.pcap.display().to_string(),
        linux: report.linux.as_deref(),
        packets: report.seen,
        measured: report.measured,
    })
}
