//! Which programs see the packet itself, and which may write it.
//!
//! Asked of Linux 6.18 with a store through the pointers that each program type
//! finds in its context (`corpus/verify/packets/write_by_*`).

use crate::ProgType;

/// What a program may do with the bytes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketAccess {
    /// It has none.
    None,
    /// Read it.
    Read,
    /// Read and write it.
    ReadWrite,
}

impl ProgType {
    /// What programs of this type may do with the bytes of a packet (or of a
    /// socket option, which is handed over the same way).
    pub fn packet_access(self) -> PacketAccess {
        match self {
            ProgType::LwtIn
            | ProgType::LwtOut
            | ProgType::LwtSeg6local
            | ProgType::SkReuseport
            | ProgType::FlowDissector
            | ProgType::CgroupSkb => PacketAccess::Read,
            ProgType::SchedCls
            | ProgType::SchedAct
            | ProgType::Xdp
            | ProgType::LwtXmit
            | ProgType::SkSkb
            | ProgType::SkMsg
            | ProgType::CgroupSockopt => PacketAccess::ReadWrite,
            _ => PacketAccess::None,
        }
    }
}
