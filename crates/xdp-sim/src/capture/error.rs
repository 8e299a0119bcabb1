//! What can be wrong with a capture, and where.

use std::fmt::{self, Display, Formatter};
use std::io;

use super::LinkType;

/// Why reading a capture stopped, and where.
///
/// The message tells all; there is no [source](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[error("at packet {packet}, byte offset {offset} of the capture: {kind}")]
#[non_exhaustive]
pub struct Error {
    /// Index of the packet that would have come next; 0 is the first. So many
    /// packets were delivered.
    pub packet: u64,
    /// Offset in bytes from the start of the capture of the header, record or
    /// block at fault.
    pub offset: u64,
    /// What is wrong there.
    pub kind: ErrorKind,
}

/// What is wrong with a capture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source of the capture could not be read.
    #[error("cannot read: {0}")]
    Io(io::Error),

    /// The source has no bytes at all.
    #[error("empty: not even a pcap or pcapng header")]
    Empty,

    /// The first four bytes are those of no capture format that is known here.
    #[error("not a pcap or pcapng file (it begins with {}){}", Hex(magic), hint(*magic))]
    NotACapture {
        /// The bytes the source begins with.
        magic: [u8; 4],
    },

    /// A capture of a version that is not known here.
    #[error("{format} version {major}.{minor} is not supported")]
    Version {
        /// "pcap" or "pcapng".
        format: &'static str,
        /// Major version as declared.
        major: u16,
        /// Minor version as declared.
        minor: u16,
    },

    /// The capture ends within its own header.
    #[error("truncated: the capture ends within {header}, after {available} of {needed} bytes")]
    TruncatedHeader {
        /// Which header.
        header: Header,
        /// Bytes that it takes, as far as is known.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },

    /// The capture ends within a record (pcap) or block (pcapng).
    #[error("truncated: the capture ends within a record, after {available} of {needed} bytes")]
    TruncatedRecord {
        /// Bytes that the record takes, as far as is known.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },

    /// The capture contradicts itself or its format.
    #[error("corrupt: {0}")]
    Corrupt(Corruption),

    /// A record or block declares more bytes than the reader is willing to hold.
    #[error("a record of {len} bytes is declared, more than the limit of {limit}")]
    TooLarge {
        /// The declared length in bytes.
        len: u64,
        /// [`Options::max_block_len`](super::Options::max_block_len).
        limit: u64,
    },

    /// A section describes more interfaces than the reader is willing to hold.
    #[error("more than {limit} interfaces in a section")]
    TooManyInterfaces {
        /// [`MAX_INTERFACES`](super::MAX_INTERFACES).
        limit: usize,
    },

    /// A packet of an interface that no block has described.
    #[error(
        "the packet is of interface {interface}, but {known} interfaces are described before it"
    )]
    UnknownInterface {
        /// The interface's index in its section.
        interface: u32,
        /// Number of interfaces that the section has described so far.
        known: usize,
    },

    /// XDP sees Ethernet frames, and these packets are none.
    #[error(
        "the packets of interface {interface} are not Ethernet frames: their link type is {link_type}"
    )]
    NotEthernet {
        /// The interface's index in its section; 0 in a pcap file.
        interface: u32,
        /// What they are instead.
        link_type: LinkType,
    },
}

/// A header at the beginning of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// The four bytes that tell formats apart.
    Magic,
    /// The 24 bytes before the first record of a pcap file.
    Pcap,
    /// The section header block that a pcapng file begins with.
    Section,
}

impl Display for Header {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Header::Magic => "its magic number",
            Header::Pcap => "the pcap header",
            Header::Section => "its first section header",
        })
    }
}

/// How a capture contradicts itself or its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// A captured length that no interface delivers: longer than both the
    /// declared snap length and 262,144 bytes, which libpcap draws the line at.
    #[error("captured length {captured} is more than the snap length, {limit}")]
    CapturedLength {
        /// Declared captured length in bytes.
        captured: u32,
        /// The most that is believed.
        limit: u32,
    },
    /// A captured length that runs over the end of its block.
    #[error("captured length {captured}, but its block has room for {room}")]
    CapturedOverrun {
        /// Declared captured length in bytes.
        captured: u32,
        /// Bytes in the block behind the packet's header.
        room: u32,
    },
    /// A block length that is not a multiple of four, or less than the block's
    /// fixed part.
    #[error("block type {block_type:#x} of length {len}, which no such block has")]
    BlockLength {
        /// The block's type.
        block_type: u32,
        /// The declared length in bytes.
        len: u32,
    },
    /// The two lengths of a block, before and behind its body, differ.
    #[error("block type {block_type:#x} of length {leading} ends with the length {trailing}")]
    TrailingLength {
        /// The block's type.
        block_type: u32,
        /// The length before the body.
        leading: u32,
        /// The length behind the body.
        trailing: u32,
    },
    /// A section header with no byte-order magic.
    #[error("a section header with byte-order magic {magic:#010x}, which is of neither order")]
    ByteOrder {
        /// What stands there, read as little-endian.
        magic: u32,
    },
    /// An option of an interface description that runs over the end of its
    /// block or has not the length that its kind has.
    #[error("interface option {code} has length {len}")]
    Option {
        /// The option's code.
        code: u16,
        /// Its declared length in bytes.
        len: u16,
    },
    /// An interface whose unit of time is finer than 10^-19 s or 2^-63 s.
    #[error("timestamp resolution {tsresol:#04x} is finer than 64 bits can count a second in")]
    Resolution {
        /// The byte of `if_tsresol`.
        tsresol: u8,
    },
}

/// Bytes in hexadecimal, with spaces.
struct Hex<'a>(&'a [u8; 4]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a:02x} {b:02x} {c:02x} {d:02x}")
    }
}

/// What a file of this magic is, for kinds of file that are met where captures
/// are expected.
fn hint(magic: [u8; 4]) -> &'static str {
    match magic {
        [0x1f, 0x8b, ..] => ": it is compressed by gzip, decompress it first",
        [0x28, 0xb5, 0x2f, 0xfd] => ": it is compressed by zstd, decompress it first",
        [0x04, 0x22, 0x4d, 0x18] => ": it is compressed by lz4, decompress it first",
        [b'B', b'Z', b'h', _] => ": it is compressed by bzip2, decompress it first",
        [0xfd, b'7', b'z', b'X'] => ": it is compressed by xz, decompress it first",
        [b'P', b'K', 3, 4] => ": it is a zip archive, unpack it first",
        [b's', b'n', b'o', b'o'] => ": it is a snoop capture, `editcap -F pcapng` converts it",
        [0x7f, b'E', b'L', b'F'] => ": it is an ELF object",
        _ => "",
    }
}
