//! The block format: sections, the interfaces they describe, and packets.
//!
//! A block is `type, length, body, length`. It is taken whole and its frame
//! checked before its body is looked at, so that a length inside a block can
//! only be wrong, never early.

use std::io::Read;

use pcap_parser::pcapng::{BOM_MAGIC, EPB_MAGIC, IDB_MAGIC, SHB_MAGIC, SPB_MAGIC};

use super::buffer::Buffer;
use super::error::{Corruption, ErrorKind, Header};
use super::link_type::LinkType;
use super::reader::{Interface, MAX_INTERFACES, Record};
use super::timestamp::Resolution;

/// The obsolete packet block, which `pcap-parser` does not name.
const PACKET_BLOCK: u32 = 2;
/// Type and length before the body.
const BLOCK_HEADER: usize = 8;
/// The length behind the body.
const BLOCK_TRAILER: usize = 4;
/// Interface, timestamp, lengths of enhanced and obsolete packet blocks.
const PACKET_HEADER: usize = 20;
/// Names of interfaces are kept up to this length.
const MAX_NAME: usize = 256;

const OPT_END: u16 = 0;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// Whether a file that begins so is a pcapng file. The number reads the same in
/// both byte orders.
pub(super) fn is_magic(magic: [u8; 4]) -> bool {
    u32::from_le_bytes(magic) == SHB_MAGIC
}

/// The state that blocks are read in.
#[derive(Debug)]
pub(super) struct PcapNg {
    order: ByteOrder,
    /// Of the current section.
    interfaces: Vec<Interface>,
    /// The first section header was read.
    opened: bool,
    max_len: usize,
}

/// A block that lies whole at the beginning of the buffer, its frame checked.
#[derive(Debug, Clone, Copy)]
struct Block {
    block_type: u32,
    len: u32,
}

impl Block {
    /// The block's body, if it has `N` bytes or more: these, and the rest.
    #[inline]
    fn body<const N: usize>(self, bytes: &[u8]) -> Result<(&[u8; N], &[u8]), ErrorKind> {
        bytes
            .get(BLOCK_HEADER..self.len as usize - BLOCK_TRAILER)
            .and_then(|body| body.split_first_chunk())
            .ok_or(self.bad_length())
    }

    fn bad_length(self) -> ErrorKind {
        let Block { block_type, len } = self;
        ErrorKind::Corrupt(Corruption::BlockLength { block_type, len })
    }
}

impl PcapNg {
    /// Reads the first section header.
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>, max_len: usize) -> Result<Self, ErrorKind> {
        let mut this = PcapNg {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            opened: false,
            max_len,
        };
        // The magic number was seen, so this is a section header.
        if let Some(block) = this.next_block(buffer)? {
            this.start_section(block, buffer.available())?;
            buffer.consume(block.len as usize);
        }
        this.opened = true;
        Ok(this)
    }

    pub(super) fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The next packet, consumed with all before it; `None` at the end.
    #[inline]
    pub(super) fn next<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
        force_ethernet: bool,
    ) -> Result<Option<Record>, ErrorKind> {
        while let Some(block) = self.next_block(buffer)? {
            let bytes = buffer.available();
            let packet = match block.block_type {
                EPB_MAGIC => Some(self.enhanced_packet(block, bytes)?),
                SPB_MAGIC => Some(self.simple_packet(block, bytes)?),
                PACKET_BLOCK => Some(self.obsolete_packet(block, bytes)?),
                IDB_MAGIC => {
                    self.add_interface(block, bytes)?;
                    None
                }
                SHB_MAGIC => {
                    self.start_section(block, bytes)?;
                    None
                }
                _ => None,
            };
            if let Some(packet) = &packet
                && packet.link_type != LinkType::ETHERNET
                && !force_ethernet
            {
                let &Record {
                    interface,
                    link_type,
                    ..
                } = packet;
                return Err(ErrorKind::NotEthernet {
                    interface,
                    link_type,
                });
            }
            let at = buffer.consume(block.len as usize).start;
            if let Some(mut packet) = packet {
                packet.captured.start += at;
                packet.captured.end += at;
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    /// Makes the next block lie whole in the buffer and checks its frame; `None`
    /// if the capture ends before it.
    #[inline]
    fn next_block<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Result<Option<Block>, ErrorKind> {
        if !self.fill(buffer, BLOCK_HEADER)? {
            return Ok(None);
        }
        let Some(&head) = buffer.available().first_chunk::<BLOCK_HEADER>() else {
            return Ok(None);
        };
        if u32::from_le_bytes([head[0], head[1], head[2], head[3]]) == SHB_MAGIC {
            // A section header tells its byte order behind its length.
            self.fill(buffer, BLOCK_HEADER + 4)?;
            let magic = buffer.available()[BLOCK_HEADER..].first_chunk().copied();
            self.order = ByteOrder::of_magic(magic.unwrap_or_default())?;
        }
        let block = Block {
            block_type: self.order.u32(&head, 0),
            len: self.order.u32(&head, 4),
        };
        let len = block.len as usize;
        if len < BLOCK_HEADER + BLOCK_TRAILER || !len.is_multiple_of(4) {
            return Err(block.bad_length());
        }
        if len > self.max_len {
            return Err(ErrorKind::TooLarge {
                len: len as u64,
                limit: self.max_len as u64,
            });
        }
        self.fill(buffer, len)?;
        let trailing = match buffer.available()[..len].last_chunk::<4>() {
            Some(bytes) => self.order.u32(bytes, 0),
            None => 0,
        };
        if trailing != block.len {
            let Block {
                block_type,
                len: leading,
            } = block;
            return Err(ErrorKind::Corrupt(Corruption::TrailingLength {
                block_type,
                leading,
                trailing,
            }));
        }
        Ok(Some(block))
    }

    /// Makes `needed` bytes available; false if the capture ends just here.
    #[inline]
    fn fill<R: Read>(&self, buffer: &mut Buffer<R>, needed: usize) -> Result<bool, ErrorKind> {
        if buffer.fill(needed).map_err(ErrorKind::Io)? {
            return Ok(true);
        }
        let (needed, available) = (needed as u64, buffer.available().len() as u64);
        match (self.opened, available) {
            (true, 0) => Ok(false),
            (true, _) => Err(ErrorKind::TruncatedRecord { needed, available }),
            (false, _) => Err(ErrorKind::TruncatedHeader {
                header: Header::Section,
                needed,
                available,
            }),
        }
    }

    /// Section header: `byte-order magic, major, minor, section length,
    /// options`. The section length is a hint for skipping and not relied on.
    fn start_section(&mut self, block: Block, bytes: &[u8]) -> Result<(), ErrorKind> {
        let (fixed, _) = block.body::<16>(bytes)?;
        let (major, minor) = (self.order.u16(fixed, 4), self.order.u16(fixed, 6));
        // 1.2 was written by some programs and is the same as 1.0.
        if !matches!((major, minor), (1, 0 | 2)) {
            return Err(ErrorKind::Version {
                format: "pcapng",
                major,
                minor,
            });
        }
        self.interfaces.clear();
        Ok(())
    }

    /// Interface description: `link type, reserved, snap length, options`.
    fn add_interface(&mut self, block: Block, bytes: &[u8]) -> Result<(), ErrorKind> {
        let (fixed, mut rest) = block.body::<8>(bytes)?;
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(ErrorKind::TooManyInterfaces {
                limit: MAX_INTERFACES,
            });
        }
        let mut name = None;
        let (mut tsresol, mut tsoffset) = (6, 0);
        while let Some((code, value)) = self.order.next_option(&mut rest)? {
            let wrong_length = || {
                ErrorKind::Corrupt(Corruption::Option {
                    code,
                    len: value.len() as u16,
                })
            };
            match code {
                IF_NAME => {
                    let kept = &value[..value.len().min(MAX_NAME)];
                    name = Some(String::from_utf8_lossy(kept).into());
                }
                IF_TSRESOL => {
                    let &[byte] = value else {
                        return Err(wrong_length());
                    };
                    tsresol = byte;
                }
                IF_TSOFFSET => {
                    let &bytes = value.as_array::<8>().ok_or_else(wrong_length)?;
                    tsoffset = self.order.u64(bytes) as i64;
                }
                _ => {}
            }
        }
        let resolution = Resolution::new(tsresol, tsoffset)
            .ok_or(ErrorKind::Corrupt(Corruption::Resolution { tsresol }))?;
        self.interfaces.push(Interface {
            name,
            link_type: LinkType(u32::from(self.order.u16(fixed, 0))),
            snap_len: self.order.u32(fixed, 4),
            resolution,
        });
        Ok(())
    }

    /// Enhanced packet: `interface, timestamp (high, low), captured, original,
    /// packet, options`.
    #[inline]
    fn enhanced_packet(&self, block: Block, bytes: &[u8]) -> Result<Record, ErrorKind> {
        let (fixed, rest) = block.body::<PACKET_HEADER>(bytes)?;
        self.timed_packet(self.order.u32(fixed, 0), fixed, rest)
    }

    /// Obsolete packet: as the enhanced one, but for `interface (16 bits),
    /// drops (16 bits)`.
    fn obsolete_packet(&self, block: Block, bytes: &[u8]) -> Result<Record, ErrorKind> {
        let (fixed, rest) = block.body::<PACKET_HEADER>(bytes)?;
        self.timed_packet(u32::from(self.order.u16(fixed, 0)), fixed, rest)
    }

    #[inline]
    fn timed_packet(
        &self,
        interface: u32,
        fixed: &[u8; PACKET_HEADER],
        rest: &[u8],
    ) -> Result<Record, ErrorKind> {
        let described = self.interface(interface)?;
        let (high, low) = (self.order.u32(fixed, 4), self.order.u32(fixed, 8));
        let captured = self.order.u32(fixed, 12);
        Ok(Record {
            timestamp_ns: described
                .resolution
                .nanoseconds(u64::from(high) << 32 | u64::from(low)),
            interface,
            link_type: described.link_type,
            captured: packet_range(BLOCK_HEADER + PACKET_HEADER, captured, rest)?,
            original_len: self.order.u32(fixed, 16),
        })
    }

    /// Simple packet: `original length, packet`, of the first interface, whose
    /// snap length has to be known to tell packet from padding.
    fn simple_packet(&self, block: Block, bytes: &[u8]) -> Result<Record, ErrorKind> {
        let (fixed, rest) = block.body::<4>(bytes)?;
        let described = self.interface(0)?;
        let original_len = self.order.u32(fixed, 0);
        let captured = match described.snap_len {
            0 => original_len,
            limit => original_len.min(limit),
        };
        Ok(Record {
            timestamp_ns: 0,
            interface: 0,
            link_type: described.link_type,
            captured: packet_range(BLOCK_HEADER + 4, captured, rest)?,
            original_len,
        })
    }

    #[inline]
    fn interface(&self, interface: u32) -> Result<&Interface, ErrorKind> {
        let known = self.interfaces.len();
        self.interfaces
            .get(interface as usize)
            .ok_or(ErrorKind::UnknownInterface { interface, known })
    }
}

/// Where in its block a packet lies that begins at `start`, where `rest` does.
#[inline]
fn packet_range(
    start: usize,
    captured: u32,
    rest: &[u8],
) -> Result<std::ops::Range<usize>, ErrorKind> {
    if captured as usize > rest.len() {
        let room = rest.len() as u32;
        return Err(ErrorKind::Corrupt(Corruption::CapturedOverrun {
            captured,
            room,
        }));
    }
    Ok(start..start + captured as usize)
}

/// The byte order of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn of_magic(magic: [u8; 4]) -> Result<Self, ErrorKind> {
        if u32::from_le_bytes(magic) == BOM_MAGIC {
            Ok(ByteOrder::Little)
        } else if u32::from_be_bytes(magic) == BOM_MAGIC {
            Ok(ByteOrder::Big)
        } else {
            let magic = u32::from_le_bytes(magic);
            Err(ErrorKind::Corrupt(Corruption::ByteOrder { magic }))
        }
    }

    #[inline(always)]
    fn u16<const N: usize>(self, bytes: &[u8; N], at: usize) -> u16 {
        let field = [bytes[at], bytes[at + 1]];
        match self {
            ByteOrder::Little => u16::from_le_bytes(field),
            ByteOrder::Big => u16::from_be_bytes(field),
        }
    }

    #[inline(always)]
    fn u32<const N: usize>(self, bytes: &[u8; N], at: usize) -> u32 {
        let field = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            ByteOrder::Little => u32::from_le_bytes(field),
            ByteOrder::Big => u32::from_be_bytes(field),
        }
    }

    fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        }
    }

    /// Takes the next option, `code, length, value, padding`, off a list that
    /// ends with the block or with an end mark.
    fn next_option<'a>(self, rest: &mut &'a [u8]) -> Result<Option<(u16, &'a [u8])>, ErrorKind> {
        let Some((head, tail)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let (code, len) = (self.u16(head, 0), self.u16(head, 2));
        if code == OPT_END {
            return Ok(None);
        }
        let padded = usize::from(len).next_multiple_of(4);
        let overrun = ErrorKind::Corrupt(Corruption::Option { code, len });
        let (value, tail) = tail.split_at_checked(padded).ok_or(overrun)?;
        *rest = tail;
        Ok(Some((code, &value[..usize::from(len)])))
    }
}
