//! The JSON lines of `compare --json`: stable, documented in `docs/json.md`.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Row, Session};
use crate::error::Failure;

/// Version of this format, in every summary.
const VERSION: u32 = 1;

/// One difference.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "difference")]
pub(super) struct Difference<'a> {
    /// Absent when it is about what maps hold in the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<u64>,
    place: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<&'a str>,
    ours: &'a Json,
    linux: &'a Json,
    /// Helpers whose answers nobody controls, where the program calls any: the
    /// difference then proves nothing.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    excused: &'a [&'static str],
}

impl<'a> Difference<'a> {
    pub(super) fn new(row: &'a Row, sources: &'a [&'static str]) -> Difference<'a> {
        Difference {
            packet: row.packet,
            place: &row.place,
            byte: row.byte,
            map: row.map.as_deref(),
            ours: &row.ours,
            linux: &row.theirs,
            excused: if row.excused { sources } else { &[] },
        }
    }
}

/// The last line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "summary")]
pub(super) struct Summary<'a> {
    version: u32,
    object: String,
    program: &'a str,
    capture: String,
    linux: &'a str,
    packets: u64,
    maps: u64,
    /// Packets and maps by what came of them.
    agreed: u64,
    undetermined: u64,
    excused: u64,
    differing: u64,
    /// Maps that the system call cannot list.
    unlisted: Vec<&'a str>,
    printk_compared: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_error: Option<String>,
}

impl<'a> Summary<'a> {
    pub(super) fn new(session: &'a Session<'_>, broken: Option<&Failure>) -> Summary<'a> {
        let subject = session.comparison.subject();
        let tally = session.tally();
        Summary {
            version: VERSION,
            object: session.args.object.object.display().to_string(),
            program: &subject.entry,
            capture: session.args.feed.pcap.display().to_string(),
            linux: &session.release,
            packets: session.packets,
            maps: session.maps,
            agreed: tally.agreed,
            undetermined: tally.unsettled,
            excused: tally.excused,
            differing: tally.differing,
            unlisted: session
                .unlisted
                .iter()
                .map(|map| subject.map_name(*map))
                .collect(),
            printk_compared: session.comparison.hears_printk(),
            capture_error: broken.map(ToString::to_string),
        }
    }
}
