//! Packet captures in and out: [`Reader`] reads pcap and pcapng, [`Writer`]
//! writes pcapng, and [`Trace`] each packet before and after a program.
//!
//! ```
//! use xdp_sim::capture::{Options, PacketOut, Reader, Writer};
//!
//! let mut writer = Writer::new(Vec::new());
//! let eth0 = writer.add_interface("eth0", None)?;
//! writer.write(&PacketOut::new(eth0, 1_700_000_000_000_000_000, &[0; 60]))?;
//! let file = writer.finish()?;
//!
//! let mut reader = Reader::new(file.as_slice(), Options::default())?;
//! while let Some(packet) = reader.next()? {
//!     println!("{}: {} bytes", packet.index, packet.captured.len());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! - pcap with microseconds or nanoseconds, and the "modified" form (24-byte
//!   record headers), each in both byte orders; version 2.4.
//! - pcapng 1.0 and 1.2: any number of sections, each in its own byte order,
//!   and of interfaces; any `if_tsresol` (decimal or binary) and `if_tsoffset`;
//!   enhanced, simple and obsolete packet blocks. Other blocks are passed over.
//!
//! Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; where these
//! leave a choice, libpcap's.
//!
//! # Invariants
//!
//! - A source is read forwards only, so a pipe will do, and no further than the
//!   packet that was asked for needs.
//! - Memory does not grow with the file: one buffer, which doubles only when it
//!   is full of bytes that really came, up to twice
//!   [`Options::max_block_len`]; at most [`MAX_INTERFACES`] interfaces a
//!   section are remembered.
//! - Nothing is allocated per packet, in or out.
//! - An error names the packet and the byte offset. Packets given out before it
//!   stay given out; after it the reader is at its end.
//!
//! # How much of `pcap-parser` is used, and why not more
//!
//! pcap headers and records are parsed by `pcap-parser`. Its streaming readers
//! and its pcapng blocks are not used, since they (0.17)
//! - want the first header within a single `read`, and drop the I/O error;
//! - take a captured length that exceeds its block for a block that has not
//!   arrived yet, and so call a corrupt file a short one;
//! - allocate per packet with options, and forty bytes per four of a crafted
//!   interface block;
//! - refuse a whole file for a malformed block that could be passed over;
//! - misread `if_tsoffset` in big-endian sections and binary `if_tsresol`, and
//!   count padding as data in simple packets that a snap length has cut.
//!
//! The tests hold the reader and the writer against them where they are right.
//!
//! # Deliberately not done
//!
//! - Compressed captures are recognised, not decompressed: `zcat | … -` does.
//! - A frame check sequence at the end of a captured frame (`if_fcslen`, the
//!   FCS bits of pcap) stays there as bytes of the frame.
//! - Packet options (comments, flags, verdicts) are written, not read.
//! - The time zone field of pcap is ignored, as libpcap does.

mod buffer;
mod error;
mod link_type;
mod pcap;
mod pcapng;
mod reader;
mod recording;
mod timestamp;
mod trace;
mod writer;

pub use error::{Corruption, Error, ErrorKind, Header};
pub use link_type::LinkType;
pub use reader::{Interface, MAX_INTERFACES, Options, Packet, Reader};
pub use recording::{Comment, RecordError, Recording};
pub use trace::{Trace, Traced};
pub use writer::{InterfaceId, PacketOut, WriteError, Writer};

#[cfg(test)]
mod tests;
