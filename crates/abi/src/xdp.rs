//! The XDP contract: context layout, actions, frame geometry
//! (`include/uapi/linux/bpf.h`; geometry measured with PROG_TEST_RUN on
//! Linux 6.18).

/// Byte offsets of the fields of `struct xdp_md`; each is a `u32`.
#[expect(missing_docs, reason = "the names are those of the structure")]
pub mod md {
    pub const DATA: u32 = 0;
    pub const DATA_END: u32 = 4;
    pub const DATA_META: u32 = 8;
    pub const INGRESS_IFINDEX: u32 = 12;
    pub const RX_QUEUE_INDEX: u32 = 16;
    pub const EGRESS_IFINDEX: u32 = 20;
    /// Bytes in the structure.
    pub const SIZE: u32 = 24;
}

/// What an XDP program may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
#[expect(missing_docs, reason = "the names are those of `enum xdp_action`")]
pub enum XdpAction {
    Aborted = 0,
    Drop = 1,
    Pass = 2,
    Tx = 3,
    Redirect = 4,
}

impl XdpAction {
    /// All actions, by number.
    pub const ALL: [XdpAction; 5] = [
        XdpAction::Aborted,
        XdpAction::Drop,
        XdpAction::Pass,
        XdpAction::Tx,
        XdpAction::Redirect,
    ];

    /// The action with this number. Linux treats every other return value as
    /// [`XdpAction::Aborted`].
    pub fn from_ret(ret: u32) -> Option<XdpAction> {
        XdpAction::ALL.get(ret as usize).copied()
    }

    /// The name that Linux gives it, such as `"XDP_DROP"`.
    pub fn name(self) -> &'static str {
        match self {
            XdpAction::Aborted => "XDP_ABORTED",
            XdpAction::Drop => "XDP_DROP",
            XdpAction::Pass => "XDP_PASS",
            XdpAction::Tx => "XDP_TX",
            XdpAction::Redirect => "XDP_REDIRECT",
        }
    }
}

/// Bytes in front of the packet.
pub const HEADROOM: u32 = 256;
/// Bytes of `struct skb_shared_info` at the end of a linear frame.
pub const SHARED_INFO: u32 = 320;
/// Bytes at the start of the headroom that programs cannot have: Linux keeps
/// `struct xdp_frame` there.
pub const FRAME_RESERVED: u32 = 40;
/// Pieces of a multi-buffer packet behind its linear part.
pub const MAX_FRAGS: usize = 17;
/// Largest linear part of a packet: a page less headroom and shared info.
pub const MAX_LINEAR: u32 = 3520;
/// Smallest packet that PROG_TEST_RUN takes: an Ethernet header.
pub const MIN_PACKET: u32 = 14;
