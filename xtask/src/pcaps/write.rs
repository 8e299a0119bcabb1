//! Capture files as bytes: pcap in four variants, pcapng with what readers must
//! expect of it.
//!
//! Written by hand, because the files are there to try readers: both byte
//! orders, odd time resolutions, several sections, blocks that nobody knows.
//! Sources: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.

use super::trace::Packet;

pub(crate) const LINKTYPE_ETHERNET: u32 = 1;

/// Byte order of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// Bytes of a file with one byte order.
pub(crate) struct Bytes {
    pub(crate) order: Order,
    pub(crate) out: Vec<u8>,
}

impl Bytes {
    pub(crate) fn new(order: Order) -> Bytes {
        let out = Vec::new();
        Bytes { order, out }
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.out.extend_from_slice(&match self.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.out.extend_from_slice(&match self.order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        });
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Zeroes up to a multiple of four bytes.
    fn pad(&mut self) {
        self.out.resize(self.out.len().next_multiple_of(4), 0);
    }
}

/// Fractions of a second in a pcap file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fraction {
    Micro,
    Nano,
}

/// The 24 bytes before the first packet.
pub(crate) fn pcap_header(order: Order, fraction: Fraction, snaplen: u32, linktype: u32) -> Bytes {
    let mut file = Bytes::new(order);
    file.u32(match fraction {
        Fraction::Micro => 0xa1b2_c3d4,
        Fraction::Nano => 0xa1b2_3c4d,
    });
    file.u16(2);
    file.u16(4);
    file.u32(0);
    file.u32(0);
    file.u32(snaplen);
    file.u32(linktype);
    file
}

/// A record's 16 bytes of header.
pub(crate) fn pcap_record_header(file: &mut Bytes, fraction: Fraction, packet: &Packet) {
    let nanoseconds = u32::try_from(packet.time % 1_000_000_000).expect("below a second");
    file.u32(u32::try_from(packet.time / 1_000_000_000).expect("before 2106"));
    file.u32(match fraction {
        Fraction::Micro => nanoseconds / 1000,
        Fraction::Nano => nanoseconds,
    });
    file.u32(size(&packet.bytes));
    file.u32(packet.length);
}

/// A pcap file of Ethernet packets.
pub(crate) fn pcap(order: Order, fraction: Fraction, packets: &[Packet]) -> Vec<u8> {
    let mut file = pcap_header(order, fraction, 262_144, LINKTYPE_ETHERNET);
    for packet in packets {
        pcap_record_header(&mut file, fraction, packet);
        file.bytes(&packet.bytes);
    }
    file.out
}

/// Resolution of the timestamps of a pcapng interface.
#[derive(Clone, Copy)]
pub(crate) enum Resolution {
    /// No option: microseconds.
    Unsaid,
    /// 10^-n seconds.
    Decimal(u8),
    /// 2^-n seconds.
    Binary(u8),
}

impl Resolution {
    /// A time in units of the resolution, rounded down.
    fn ticks(self, nanoseconds: u64) -> u64 {
        let per_second: u128 = match self {
            Resolution::Unsaid => 1_000_000,
            Resolution::Decimal(digits) => 10u128.pow(u32::from(digits)),
            Resolution::Binary(bits) => 1 << bits,
        };
        u64::try_from(u128::from(nanoseconds) * per_second / 1_000_000_000)
            .expect("64 bits hold the date")
    }
}

/// A pcapng interface.
pub(crate) struct Interface {
    pub(crate) name: &'static str,
    pub(crate) resolution: Resolution,
    pub(crate) snaplen: u32,
}

impl Interface {
    pub(crate) fn new(name: &'static str, resolution: Resolution) -> Interface {
        Interface {
            name,
            resolution,
            snaplen: 0,
        }
    }
}

/// Appends one block: type, length, body, length.
pub(crate) fn block(file: &mut Bytes, kind: u32, body: &[u8]) {
    let total = 12 + u32::try_from(body.len().next_multiple_of(4)).expect("blocks are short");
    file.u32(kind);
    file.u32(total);
    file.bytes(body);
    file.pad();
    file.u32(total);
}

pub(crate) fn section_header(file: &mut Bytes, comment: &str) {
    let mut body = Bytes::new(file.order);
    body.u32(0x1a2b_3c4d);
    body.u16(1);
    body.u16(0);
    body.bytes(&[0xff; 8]); // section length unknown
    option(&mut body, 1, comment.as_bytes());
    option(&mut body, 0, &[]);
    block(file, 0x0a0d_0d0a, &body.out);
}

pub(crate) fn interface_description(file: &mut Bytes, linktype: u16, interface: &Interface) {
    let mut body = Bytes::new(file.order);
    body.u16(linktype);
    body.u16(0);
    body.u32(interface.snaplen);
    option(&mut body, 2, interface.name.as_bytes());
    match interface.resolution {
        Resolution::Unsaid => {}
        Resolution::Decimal(digits) => option(&mut body, 9, &[digits]),
        Resolution::Binary(bits) => option(&mut body, 9, &[0x80 | bits]),
    }
    option(&mut body, 0, &[]);
    block(file, 1, &body.out);
}

pub(crate) fn enhanced_packet(file: &mut Bytes, resolution: Resolution, packet: &Packet) {
    let ticks = resolution.ticks(packet.time);
    let mut body = Bytes::new(file.order);
    body.u32(packet.interface);
    body.u32((ticks >> 32) as u32);
    body.u32(ticks as u32);
    body.u32(size(&packet.bytes));
    body.u32(packet.length);
    body.bytes(&packet.bytes);
    body.pad();
    block(file, 6, &body.out);
}

/// A packet without time or interface; its captured length is the smaller of its
/// length and the snap length of interface 0.
pub(crate) fn simple_packet(file: &mut Bytes, packet: &Packet) {
    let mut body = Bytes::new(file.order);
    body.u32(packet.length);
    body.bytes(&packet.bytes);
    block(file, 3, &body.out);
}

/// A section of a pcapng file: interfaces first, then packets.
pub(crate) fn section(order: Order, interfaces: &[Interface], packets: &[Packet]) -> Vec<u8> {
    let mut file = Bytes::new(order);
    section_header(&mut file, "generated by cargo xtask pcaps");
    for interface in interfaces {
        interface_description(&mut file, LINKTYPE_ETHERNET as u16, interface);
    }
    for packet in packets {
        let interface = &interfaces[packet.interface as usize];
        enhanced_packet(&mut file, interface.resolution, packet);
    }
    file.out
}

fn option(body: &mut Bytes, code: u16, value: &[u8]) {
    body.u16(code);
    body.u16(u16::try_from(value.len()).expect("options are short"));
    body.bytes(value);
    body.pad();
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("frames are short")
}
