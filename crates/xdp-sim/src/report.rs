//! What a whole run came to, as data: counts that do not grow with its length.

use std::collections::BTreeMap;

use abi::xdp::{MAX_LINEAR, XdpAction};
use vm::Trap;

use crate::{Destination, Outcome};

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes of these packets, as they came in.
    pub bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// How many traps are kept whole; the rest is counted.
const TRAPS_KEPT: usize = 10;

/// The sum of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Everything that a program was run on.
    pub total: Count,
    /// By action, in the order of [`XdpAction::ALL`].
    pub actions: [Count; 5],
    /// Return values that are no action; Linux treats them as `XDP_ABORTED`,
    /// and they are counted there too.
    pub invalid_returns: BTreeMap<u32, u64>,
    /// Where frames went, with those of second programs.
    pub destinations: BTreeMap<Destination, Count>,
    /// Redirected frames that reached nobody.
    pub lost: u64,
    /// Packets on which a program trapped.
    pub traps: u64,
    /// The first few traps, with the index of the packet.
    pub first_traps: Vec<(u64, Trap)>,
    /// Instructions executed.
    pub instructions: u64,
    /// Most instructions on one packet, and its index.
    pub worst: Option<(u64, u64)>,
    /// Frames too short for an Ethernet header, which no driver delivers.
    pub too_short: u64,
    /// Packets that the capture holds only in part.
    pub cut: u64,
    /// Packets above [`abi::xdp::MAX_LINEAR`] bytes, which programs see as
    /// multi-buffer frames.
    pub multi_buffer: u64,
}

impl Report {
    /// Counts the outcome of the packet with this index.
    pub fn count(&mut self, index: u64, len_in: usize, outcome: &Outcome<'_>) {
        self.total.add(len_in);
        self.multi_buffer += u64::from(len_in > MAX_LINEAR as usize);
        self.actions[outcome.action as usize].add(len_in);
        if XdpAction::from_ret(outcome.ret).is_none() {
            *self.invalid_returns.entry(outcome.ret).or_default() += 1;
        }
        for delivery in outcome.deliveries {
            self.destinations
                .entry(delivery.to)
                .or_default()
                .add(outcome.delivered(delivery).len());
        }
        self.lost += u64::from(outcome.lost.is_some());
        if let Some(trap) = outcome.trap {
            self.traps += 1;
            if self.first_traps.len() < TRAPS_KEPT {
                self.first_traps.push((index, trap));
            }
        }
        self.instructions += outcome.executed;
        if self.worst.is_none_or(|(most, _)| outcome.executed > most) {
            self.worst = Some((outcome.executed, index));
        }
    }

    /// The count of one action.
    pub fn action(&self, action: XdpAction) -> Count {
        self.actions[action as usize]
    }
}
