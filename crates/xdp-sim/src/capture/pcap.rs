//! The classic format: a header of 24 bytes, then records.

use std::io::Read;

use pcap_parser::nom::{self, IResult, Needed};
use pcap_parser::{LegacyPcapBlock, PcapError};

use super::buffer::Buffer;
use super::error::{Corruption, ErrorKind, Header};
use super::link_type::LinkType;
use super::reader::{Interface, Record};
use super::timestamp::Resolution;

const HEADER_LEN: usize = 24;
/// The longest packet that libpcap believes in on Ethernet, whatever the
/// header's snap length says (`MAXIMUM_SNAPLEN`).
const MAX_SNAPLEN: u32 = 262_144;

type Parsed<'a> = IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>>;

/// How the records of an opened file are laid out.
#[derive(Debug)]
pub(super) struct Pcap {
    parse: fn(&[u8]) -> Parsed<'_>,
    /// Bytes of a record before its packet.
    record_header: usize,
    /// Nanoseconds per unit of the fraction of a second.
    unit: u32,
    /// The longest captured length that is believed.
    max_captured: u32,
    /// The longest that is held.
    max_len: usize,
    pub(super) interface: Interface,
}

/// Whether a file that begins so is a pcap file.
pub(super) fn is_magic(magic: [u8; 4]) -> bool {
    const MICROSECONDS: u32 = 0xa1b2_c3d4;
    const NANOSECONDS: u32 = 0xa1b2_3c4d;
    const MODIFIED: u32 = 0xa1b2_cd34;
    let known = |magic| matches!(magic, MICROSECONDS | NANOSECONDS | MODIFIED);
    known(u32::from_le_bytes(magic)) || known(u32::from_be_bytes(magic))
}

impl Pcap {
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>, max_len: usize) -> Result<Self, ErrorKind> {
        let truncated = |available| ErrorKind::TruncatedHeader {
            header: Header::Pcap,
            needed: HEADER_LEN as u64,
            available: available as u64,
        };
        if !buffer.fill(HEADER_LEN).map_err(ErrorKind::Io)? {
            return Err(truncated(buffer.available().len()));
        }
        let mut bytes = [0; HEADER_LEN];
        bytes.copy_from_slice(&buffer.available()[..HEADER_LEN]);
        // The parser knows the modified form in little-endian only; its header
        // is the usual one but for the magic.
        let modified_be = bytes[..4] == MODIFIED_BE;
        if modified_be {
            bytes[..4].copy_from_slice(&MICROSECONDS_BE);
        }
        let (_, header) = pcap_parser::parse_pcap_header(&bytes)
            .map_err(|_| truncated(buffer.available().len()))?;
        let (major, minor) = (header.version_major, header.version_minor);
        if (major, minor) != (2, 4) {
            return Err(ErrorKind::Version {
                format: "pcap",
                major,
                minor,
            });
        }
        let modified = modified_be || header.is_modified_format();
        buffer.consume(HEADER_LEN);
        Ok(Pcap {
            parse: match (modified, header.is_bigendian()) {
                (false, false) => pcap_parser::parse_pcap_frame,
                (false, true) => pcap_parser::parse_pcap_frame_be,
                (true, false) => pcap_parser::parse_pcap_frame_modified,
                (true, true) => parse_modified_be,
            },
            record_header: if modified { 24 } else { 16 },
            unit: if header.is_nanosecond_precision() {
                1
            } else {
                1_000
            },
            max_captured: header.snaplen.max(MAX_SNAPLEN),
            max_len,
            interface: Interface {
                name: None,
                link_type: LinkType::from_pcap(header.network.0),
                snap_len: header.snaplen,
                resolution: Resolution::MICROSECONDS,
            },
        })
    }

    /// The next record, consumed; `None` at the end.
    #[inline]
    pub(super) fn next<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Record>, ErrorKind> {
        loop {
            let missing = match (self.parse)(buffer.available()) {
                Ok((_, record)) => {
                    self.believe(record.data.len())?;
                    let timestamp_ns = u64::from(record.ts_sec) * 1_000_000_000
                        + u64::from(record.ts_usec) * u64::from(self.unit);
                    let (captured, original_len) = (record.data.len(), record.origlen);
                    let consumed = buffer.consume(self.record_header + captured);
                    return Ok(Some(Record {
                        timestamp_ns,
                        interface: 0,
                        link_type: self.interface.link_type,
                        captured: consumed.start + self.record_header..consumed.end,
                        original_len,
                    }));
                }
                Err(nom::Err::Incomplete(Needed::Size(n))) => n.get(),
                // The parsers fail in no other way.
                Err(_) => 1,
            };
            let available = buffer.available().len();
            let needed = available.saturating_add(missing);
            if needed > self.record_header {
                self.believe(needed - self.record_header)?;
            }
            if !buffer.fill(needed).map_err(ErrorKind::Io)? {
                let available = buffer.available().len();
                if available == 0 {
                    return Ok(None);
                }
                let (needed, available) = (needed as u64, available as u64);
                return Err(ErrorKind::TruncatedRecord { needed, available });
            }
        }
    }

    /// Refuses captured lengths that can only be corruption, before anything is
    /// read for their sake.
    #[inline]
    fn believe(&self, len: usize) -> Result<(), ErrorKind> {
        let captured = u32::try_from(len).unwrap_or(u32::MAX);
        let limit = self.max_captured;
        if captured > limit {
            return Err(ErrorKind::Corrupt(Corruption::CapturedLength {
                captured,
                limit,
            }));
        }
        if len > self.max_len {
            let (len, limit) = (len as u64, self.max_len as u64);
            return Err(ErrorKind::TooLarge { len, limit });
        }
        Ok(())
    }
}

const MODIFIED_BE: [u8; 4] = [0xa1, 0xb2, 0xcd, 0x34];
const MICROSECONDS_BE: [u8; 4] = [0xa1, 0xb2, 0xc3, 0xd4];

/// A record of the modified form in big-endian, which `pcap-parser` lacks: the
/// usual four fields, eight more bytes, the packet.
fn parse_modified_be(bytes: &[u8]) -> Parsed<'_> {
    let incomplete = |missing| Err(nom::Err::Incomplete(Needed::new(missing)));
    let Some((header, rest)) = bytes.split_first_chunk::<24>() else {
        return incomplete(24 - bytes.len());
    };
    let field = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let caplen = field(8);
    let Some((data, rest)) = rest.split_at_checked(caplen as usize) else {
        return incomplete(caplen as usize - rest.len());
    };
    let block = LegacyPcapBlock {
        ts_sec: field(0),
        ts_usec: field(4),
        caplen,
        origlen: field(12),
        data,
    };
    Ok((rest, block))
}
