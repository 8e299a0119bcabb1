//! What became of a packet.

use std::ops::Range;

use abi::xdp::XdpAction;
use vm::{ProgId, Trap};

use crate::redirect::Destination;

/// What a program made of a packet, and where it went.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// What the program answered, as Linux takes it: return values that are no
    /// action, and traps, are [`XdpAction::Aborted`].
    pub action: XdpAction,
    /// The return value itself; 0 after a trap.
    pub ret: u32,
    /// Why the program stopped without an answer.
    pub trap: Option<Trap>,
    /// Instructions executed, those of second programs included.
    pub executed: u64,
    /// The packet as the program left it, without metadata.
    pub output: &'a [u8],
    /// The metadata in front of it.
    pub metadata: &'a [u8],
    /// Where copies of it went. Empty for packets that were dropped.
    pub deliveries: &'a [Delivery],
    /// The programs that ran on it, in order.
    pub ran: &'a [Ran],
    /// Why a redirected packet reached nobody.
    pub lost: Option<Lost>,
    pub(crate) arena: &'a [u8],
}

impl<'a> Outcome<'a> {
    /// The bytes that went there.
    pub fn delivered(&self, delivery: &Delivery) -> &'a [u8] {
        match &delivery.changed {
            Some(range) => self.arena.get(range.clone()).unwrap_or_default(),
            None => self.output,
        }
    }
}

/// A program that ran on a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The program.
    pub program: ProgId,
    /// What it returned; 0 after a trap.
    pub ret: u32,
    /// Instructions that it took.
    pub executed: u64,
}

/// A copy of a packet on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where it went.
    pub to: Destination,
    /// The second program that let it through, if the map entry had one.
    pub second: Option<ProgId>,
    /// Where its bytes are, when a second program made them.
    pub(crate) changed: Option<Range<usize>>,
}

/// Why a redirected packet reached nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// `XDP_REDIRECT` without a call of a redirect helper.
    #[error("XDP_REDIRECT without a redirect helper")]
    NoTarget,
    /// The map entry is gone, or the map is empty.
    #[error("no entry in the map")]
    NoEntry,
    /// A second program dropped it.
    #[error("dropped by the program of the map entry")]
    Second(ProgId),
    /// A second program trapped.
    #[error("program of the map entry: {0}")]
    Trap(Trap),
    /// The interface is down.
    #[error("interface {0} is down")]
    Down(u32),
    /// More bytes than the interface sends.
    #[error("{len} bytes, and the interface sends {limit} at most")]
    TooLong {
        /// Bytes of the packet.
        len: usize,
        /// Bytes of the largest frame.
        limit: usize,
    },
    /// The other end of a veth pair does not take what programs send: it has no
    /// program itself, and no GRO.
    #[error("the other end of the veth pair has neither a program nor GRO")]
    NotReceiving,
    /// The socket in the map receives from another queue.
    #[error("the socket is bound to queue {queue} of interface {ifindex}")]
    OtherQueue {
        /// Its interface.
        ifindex: u32,
        /// Its queue.
        queue: u32,
    },
    /// Nobody reads from the socket.
    #[error("the socket's receive ring is full")]
    RingFull,
    /// Redirects by second programs went round too often.
    #[error("redirected too often")]
    Loop,
}
