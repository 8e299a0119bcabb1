//! Writes pcapng: one little-endian section, Ethernet, nanoseconds.
//!
//! Our own code, because the writers at hand (`pcap-file` 3.0, `pcap-parser`'s
//! `serialize`) take a packet's options as a vector of owned values, which is an
//! allocation or more per packet, and what is needed of the format is four
//! dozen lines. Option numbers: draft-ietf-opsawg-pcapng, sections 3.5, 4.2 and
//! 4.3.

use std::io::{self, Write};

/// Blocks are gathered up to this many bytes before they are written.
const GATHER: usize = 64 << 10;
/// The longest packet that is written: its block stays below what
/// [`Options::max_block_len`](super::Options::max_block_len) lets in.
const MAX_PACKET: usize = 255 << 20;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;
const EPB_PACKETID: u16 = 5;
const EPB_QUEUE: u16 = 6;
const EPB_VERDICT: u16 = 7;
/// The first byte of a verdict: what follows is an XDP action.
const VERDICT_EBPF_XDP: u8 = 2;

const LINKTYPE_ETHERNET: u16 = 1;
const NANOSECONDS: u8 = 9;

/// Why a capture could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink refused.
    #[error("cannot write the capture: {0}")]
    Io(io::Error),
    /// An earlier write failed, so that nothing may follow it.
    #[error("cannot write the capture: an earlier write failed")]
    AfterError,
    /// An interface of another writer.
    #[error("interface {} is not one of the {known} of this capture", interface.0)]
    UnknownInterface {
        /// What was given.
        interface: InterfaceId,
        /// How many interfaces were added.
        known: u32,
    },
    /// A packet too long to be read back.
    #[error("a packet of {len} bytes is longer than the limit of {MAX_PACKET}")]
    PacketTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A name, description or comment longer than an option holds.
    #[error("a text of {len} bytes is longer than the 65535 that a pcapng option holds")]
    TextTooLong {
        /// Its length in bytes.
        len: usize,
    },
}

/// An interface of a [`Writer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceId(u32);

impl InterfaceId {
    /// Its index in the capture: the first that was added is 0.
    pub fn index(self) -> u32 {
        self.0
    }
}

/// A packet to be written, and what is to be told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketOut<'a> {
    /// Where it was seen.
    pub interface: InterfaceId,
    /// When, in nanoseconds since 1970-01-01 UTC.
    pub timestamp_ns: u64,
    /// Its bytes, from the destination address on.
    pub data: &'a [u8],
    /// Its length in bytes on the wire, if `data` is only its beginning.
    pub original_len: u32,
    /// Direction in the lowest two bits ([`PacketOut::INBOUND`],
    /// [`PacketOut::OUTBOUND`]) and more: `epb_flags`.
    pub flags: Option<u32>,
    /// The same on two interfaces for the same packet: `epb_packetid`.
    pub packet_id: Option<u64>,
    /// Receive queue: `epb_queue`.
    pub queue: Option<u32>,
    /// What an XDP program returned: `epb_verdict`.
    pub verdict: Option<i64>,
    /// Any words: `opt_comment`.
    pub comment: Option<&'a str>,
}

impl<'a> PacketOut<'a> {
    /// Bits of `flags`: received.
    pub const INBOUND: u32 = 1;
    /// Bits of `flags`: sent.
    pub const OUTBOUND: u32 = 2;

    /// A whole packet of which nothing else is told.
    pub fn new(interface: InterfaceId, timestamp_ns: u64, data: &'a [u8]) -> Self {
        PacketOut {
            interface,
            timestamp_ns,
            data,
            original_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
            flags: None,
            packet_id: None,
            queue: None,
            verdict: None,
            comment: None,
        }
    }
}

/// Writes a capture to any sink of bytes, in writes of about 64 KiB, so that
/// files need no buffering of their own.
///
/// A write consists of whole blocks. If one fails, what the earlier ones wrote
/// is a capture in itself, and nothing more is written; of the failed one, a
/// sink may have taken a part.
///
/// Dropping a writer writes what is gathered, without a word if that fails: call
/// [`Writer::finish`].
#[derive(Debug)]
pub struct Writer<W: Write> {
    /// `None` only within `finish`.
    sink: Option<W>,
    /// Whole blocks, to be written.
    gathered: Vec<u8>,
    interfaces: u32,
    failed: bool,
}

impl<W: Write> Writer<W> {
    /// Begins a capture. Nothing is written yet.
    pub fn new(sink: W) -> Self {
        let mut gathered = Vec::with_capacity(GATHER * 2);
        append_block(&mut gathered, SECTION_HEADER, |out| {
            out.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes()); // byte order
            out.extend_from_slice(&[1, 0, 0, 0]); // version 1.0
            out.extend_from_slice(&u64::MAX.to_le_bytes()); // length unknown
            append_option(out, SHB_USERAPPL, b"ebpf-sim");
            append_option(out, OPT_END, &[]);
        });
        Writer {
            sink: Some(sink),
            gathered,
            interfaces: 0,
            failed: false,
        }
    }

    /// Adds an Ethernet interface; packets of it may follow.
    pub fn add_interface(
        &mut self,
        name: &str,
        description: Option<&str>,
    ) -> Result<InterfaceId, WriteError> {
        self.check_alive()?;
        check_text(name)?;
        check_text(description.unwrap_or_default())?;
        let id = InterfaceId(self.interfaces);
        append_block(&mut self.gathered, INTERFACE_DESCRIPTION, |out| {
            out.extend_from_slice(&LINKTYPE_ETHERNET.to_le_bytes());
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&[0; 4]); // no snap length
            append_option(out, IF_NAME, name.as_bytes());
            if let Some(description) = description {
                append_option(out, IF_DESCRIPTION, description.as_bytes());
            }
            append_option(out, IF_TSRESOL, &[NANOSECONDS]);
            append_option(out, OPT_END, &[]);
        });
        self.interfaces += 1;
        self.write_if_full()?;
        Ok(id)
    }

    /// Adds a packet.
    pub fn write(&mut self, packet: &PacketOut<'_>) -> Result<(), WriteError> {
        self.check_alive()?;
        if packet.interface.0 >= self.interfaces {
            let (interface, known) = (packet.interface, self.interfaces);
            return Err(WriteError::UnknownInterface { interface, known });
        }
        if packet.data.len() > MAX_PACKET {
            return Err(WriteError::PacketTooLong {
                len: packet.data.len(),
            });
        }
        check_text(packet.comment.unwrap_or_default())?;
        append_block(&mut self.gathered, ENHANCED_PACKET, |out| {
            append_packet(out, packet)
        });
        self.write_if_full()
    }

    /// Writes what is gathered and flushes the sink.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.write_gathered()?;
        let result = self.sink.as_mut().map_or(Ok(()), Write::flush);
        result.map_err(|e| self.fail(e))
    }

    /// Writes the rest, and gives the sink back.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.flush()?;
        self.sink.take().ok_or(WriteError::AfterError)
    }

    fn write_if_full(&mut self) -> Result<(), WriteError> {
        if self.gathered.len() < GATHER {
            return Ok(());
        }
        self.write_gathered()
    }

    fn write_gathered(&mut self) -> Result<(), WriteError> {
        self.check_alive()?;
        let result = self
            .sink
            .as_mut()
            .map_or(Ok(()), |sink| sink.write_all(&self.gathered));
        self.gathered.clear();
        result.map_err(|e| self.fail(e))
    }

    fn check_alive(&self) -> Result<(), WriteError> {
        if self.failed {
            Err(WriteError::AfterError)
        } else {
            Ok(())
        }
    }

    fn fail(&mut self, error: io::Error) -> WriteError {
        self.failed = true;
        WriteError::Io(error)
    }
}

impl<W: Write> Drop for Writer<W> {
    fn drop(&mut self) {
        // Nobody is left to be told of a failure.
        let _ = self.flush();
    }
}

fn check_text(text: &str) -> Result<(), WriteError> {
    match u16::try_from(text.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(WriteError::TextTooLong { len: text.len() }),
    }
}

/// `type, length, body, padding, length`.
#[inline]
fn append_block(out: &mut Vec<u8>, block_type: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&block_type.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    body(out);
    // Bodies are kept below 256 MiB by the checks of packets and texts.
    let len = (out.len() - start + 4) as u32;
    out[start + 4..start + 8].copy_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&len.to_le_bytes());
}

/// `interface, timestamp (high, low), captured, original, packet, padding,
/// options`.
#[inline]
fn append_packet(out: &mut Vec<u8>, packet: &PacketOut<'_>) {
    for field in [
        packet.interface.0,
        (packet.timestamp_ns >> 32) as u32,
        packet.timestamp_ns as u32,
        packet.data.len() as u32,
        packet.original_len,
    ] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    append_padded(out, packet.data);
    let options = out.len();
    if let Some(flags) = packet.flags {
        append_option(out, EPB_FLAGS, &flags.to_le_bytes());
    }
    if let Some(packet_id) = packet.packet_id {
        append_option(out, EPB_PACKETID, &packet_id.to_le_bytes());
    }
    if let Some(queue) = packet.queue {
        append_option(out, EPB_QUEUE, &queue.to_le_bytes());
    }
    if let Some(verdict) = packet.verdict {
        let [a, b, c, d, e, f, g, h] = verdict.to_le_bytes();
        append_option(
            out,
            EPB_VERDICT,
            &[VERDICT_EBPF_XDP, a, b, c, d, e, f, g, h],
        );
    }
    if let Some(comment) = packet.comment {
        append_option(out, OPT_COMMENT, comment.as_bytes());
    }
    if out.len() > options {
        append_option(out, OPT_END, &[]);
    }
}

/// `code, length, value, padding`.
#[inline]
fn append_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    append_padded(out, value);
}

#[inline]
fn append_padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    let padding = bytes.len().wrapping_neg() % 4;
    out.extend_from_slice(&[0; 3][..padding]);
}
