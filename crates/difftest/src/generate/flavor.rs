//! Program types, with what their programs find in the context.
//!
//! Offsets are of the structs in the UAPI headers; which fields may be read and
//! written was measured on Linux 6.18.

use abi::{AttachType, ProgType};
use isa::Size;

/// A kind of program.
#[derive(Debug)]
pub(super) struct Flavor {
    pub(super) prog_type: ProgType,
    pub(super) attach_type: Option<AttachType>,
    /// Numbers of four bytes in the context.
    pub(super) words: &'static [i16],
    /// Numbers of eight bytes.
    pub(super) longs: &'static [i16],
    /// Words that may be written.
    pub(super) writable: &'static [i16],
    pub(super) packet: Option<Packet>,
    /// The largest number that may be returned.
    pub(super) returns: Option<u64>,
}

/// Where the context has the packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) size: Size,
    pub(super) data: i16,
    pub(super) end: i16,
    pub(super) meta: Option<i16>,
    pub(super) writable: bool,
    /// Whether the legacy loads are allowed.
    pub(super) legacy: bool,
}

impl Flavor {
    /// Where the one of XDP stands.
    pub(super) const XDP: usize = 0;

    /// All of them.
    pub(super) fn all() -> &'static [Flavor] {
        FLAVORS
    }
}

const SKB: &[i16] = &[
    0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 164, 176,
];
const SKB_LONGS: &[i16] = &[48, 56];
const REGISTERS: &[i16] = &[0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88];

const fn skb(meta: bool, writable: bool, legacy: bool) -> Option<Packet> {
    Some(Packet {
        size: Size::B4,
        data: 76,
        end: 80,
        meta: if meta { Some(140) } else { None },
        writable,
        legacy,
    })
}

const fn wide(data: i16, end: i16, writable: bool) -> Option<Packet> {
    Some(Packet {
        size: Size::B8,
        data,
        end,
        meta: None,
        writable,
        legacy: false,
    })
}

const fn flavor(prog_type: ProgType, words: &'static [i16]) -> Flavor {
    Flavor {
        prog_type,
        attach_type: None,
        words,
        longs: &[],
        writable: &[],
        packet: None,
        returns: None,
    }
}

static FLAVORS: &[Flavor] = &[
    Flavor {
        attach_type: Some(AttachType::Xdp),
        packet: Some(Packet {
            size: Size::B4,
            data: 0,
            end: 4,
            meta: Some(8),
            writable: true,
            legacy: false,
        }),
        ..flavor(ProgType::Xdp, &[12, 16])
    },
    Flavor {
        longs: SKB_LONGS,
        writable: &[8, 12, 32, 44, 48, 52, 56, 60, 64, 72],
        packet: skb(true, true, true),
        ..flavor(ProgType::SchedCls, SKB)
    },
    Flavor {
        longs: SKB_LONGS,
        writable: &[48, 52, 56, 60, 64],
        packet: Some(Packet {
            size: Size::B4,
            // The packet itself is out of reach but for the legacy loads.
            data: -1,
            end: -1,
            meta: None,
            writable: false,
            legacy: true,
        }),
        ..flavor(ProgType::SocketFilter, SKB)
    },
    Flavor {
        attach_type: Some(AttachType::CgroupInetIngress),
        longs: SKB_LONGS,
        writable: &[8, 32, 48, 52, 56, 60, 64],
        packet: skb(false, false, false),
        returns: Some(1),
        ..flavor(ProgType::CgroupSkb, SKB)
    },
    Flavor {
        attach_type: Some(AttachType::CgroupInetEgress),
        longs: SKB_LONGS,
        packet: skb(false, false, false),
        returns: Some(3),
        ..flavor(ProgType::CgroupSkb, SKB)
    },
    Flavor {
        longs: REGISTERS,
        ..flavor(ProgType::Kprobe, &[0, 4, 8, 12, 100, 164])
    },
    Flavor {
        longs: &[8, 16, 24, 32, 40, 48, 56],
        ..flavor(ProgType::Tracepoint, &[8, 12, 16, 20, 60])
    },
    Flavor {
        longs: &[0, 8, 16, 24],
        ..flavor(ProgType::RawTracepoint, &[0, 4, 8, 28])
    },
    Flavor {
        longs: REGISTERS,
        ..flavor(ProgType::PerfEvent, &[168, 172, 176, 180])
    },
    Flavor {
        longs: SKB_LONGS,
        writable: &[48, 52],
        packet: skb(false, false, false),
        ..flavor(ProgType::LwtIn, SKB)
    },
    Flavor {
        longs: SKB_LONGS,
        writable: &[48, 52],
        packet: skb(false, true, false),
        ..flavor(ProgType::LwtXmit, SKB)
    },
    Flavor {
        longs: SKB_LONGS,
        writable: &[32, 44],
        packet: skb(false, true, false),
        ..flavor(ProgType::SkSkb, &[0, 4, 12, 16, 20, 48, 68, 84])
    },
    Flavor {
        packet: wide(0, 8, true),
        ..flavor(ProgType::SkMsg, &[16, 20, 24, 68])
    },
    Flavor {
        attach_type: Some(AttachType::CgroupInet4Connect),
        writable: &[4, 24],
        returns: Some(1),
        ..flavor(ProgType::CgroupSockAddr, &[0, 4, 24, 28, 32, 36])
    },
    Flavor {
        attach_type: Some(AttachType::CgroupInetSockCreate),
        writable: &[0, 16, 20],
        returns: Some(1),
        ..flavor(ProgType::CgroupSock, &[0, 4, 8, 12, 16, 20, 76])
    },
    Flavor {
        longs: &[168, 176],
        writable: &[4, 164],
        returns: Some(1),
        ..flavor(ProgType::SockOps, &[0, 4, 8, 20, 68, 100, 164])
    },
    Flavor {
        returns: Some(1),
        ..flavor(ProgType::CgroupDevice, &[0, 4, 8])
    },
    Flavor {
        writable: &[4],
        returns: Some(1),
        ..flavor(ProgType::CgroupSysctl, &[0, 4])
    },
    Flavor {
        attach_type: Some(AttachType::CgroupGetsockopt),
        writable: &[32, 36],
        packet: wide(8, 16, true),
        returns: Some(1),
        ..flavor(ProgType::CgroupSockopt, &[24, 28, 32, 36])
    },
    Flavor {
        attach_type: Some(AttachType::SkLookup),
        returns: Some(1),
        ..flavor(ProgType::SkLookup, &[8, 12, 16, 60, 64])
    },
    Flavor {
        attach_type: Some(AttachType::SkReuseportSelect),
        packet: wide(0, 8, false),
        ..flavor(ProgType::SkReuseport, &[16, 20, 24, 28, 32])
    },
];
