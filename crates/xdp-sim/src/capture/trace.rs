//! Captures that show each packet before and after the programs on an interface,
//! as `xdpdump --rx-capture entry,exit` of xdp-tools writes them.
//!
//! A program is two interfaces of the capture, `eth0:prog()@fentry` and
//! `eth0:prog()@fexit`. The two frames of a packet have one packet id; the second
//! has the return value as its verdict, which Wireshark shows and filters on as
//! `frame.verdict.ebpf_xdp`, and a comment in words.

use std::collections::BTreeMap;
use std::io::Write;

use super::writer::{InterfaceId, PacketOut, WriteError, Writer};

/// Writes packets before and after.
#[derive(Debug)]
pub struct Trace<W: Write> {
    writer: Writer<W>,
    /// Before and after, by interface and program.
    points: BTreeMap<(String, String), [InterfaceId; 2]>,
    next: u64,
}

/// A packet and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'a> {
    /// The interface.
    pub interface: &'a str,
    /// The program, the first of several.
    pub program: &'a str,
    /// When it came, in nanoseconds.
    pub timestamp_ns: u64,
    /// The receive queue.
    pub queue: u32,
    /// The packet as it came.
    pub before: &'a [u8],
    /// The packet as it was left.
    pub after: &'a [u8],
    /// The return value.
    pub ret: u32,
    /// What else is known of it.
    pub comment: &'a str,
}

impl<W: Write> Trace<W> {
    /// Begins a capture. Nothing is written yet.
    pub fn new(sink: W) -> Trace<W> {
        Trace {
            writer: Writer::new(sink),
            points: BTreeMap::new(),
            next: 0,
        }
    }

    /// Adds a packet, before and after.
    pub fn write(&mut self, packet: &Traced<'_>) -> Result<(), WriteError> {
        let [entry, exit] = self.points(packet.interface, packet.program)?;
        let id = self.next;
        self.next += 1;
        let common = |interface, data| PacketOut {
            packet_id: Some(id),
            queue: Some(packet.queue),
            flags: Some(PacketOut::INBOUND),
            ..PacketOut::new(interface, packet.timestamp_ns, data)
        };
        self.writer.write(&common(entry, packet.before))?;
        self.writer.write(&PacketOut {
            verdict: Some(i64::from(packet.ret)),
            comment: Some(packet.comment).filter(|comment| !comment.is_empty()),
            ..common(exit, packet.after)
        })
    }

    /// Writes the rest, and gives the sink back.
    pub fn finish(self) -> Result<W, WriteError> {
        self.writer.finish()
    }

    fn points(&mut self, interface: &str, program: &str) -> Result<[InterfaceId; 2], WriteError> {
        let place = (interface.to_owned(), program.to_owned());
        if let Some(points) = self.points.get(&place) {
            return Ok(*points);
        }
        let mut point = |name| {
            let name = format!("{interface}:{program}()@{name}");
            self.writer.add_interface(&name, None)
        };
        let points = [point("fentry")?, point("fexit")?];
        self.points.insert(place, points);
        Ok(points)
    }
}
