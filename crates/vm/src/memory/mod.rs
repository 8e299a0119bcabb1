//! One flat, deterministic address space of 32-bit program addresses.
//!
//! Everything a program may reach is a [`Region`] of it: stacks, context, packet
//! with the room around it, map values, ring buffers. Regions begin at multiples
//! of [`GRANULE`], so the region of an address is one table look-up, and every
//! gap between regions is at least what is left of a granule. The first granule
//! is never given out: NULL and small integers are never valid addresses.
//!
//! Why one space: `xdp_md.data` is a `u32`, so it simply *is* a pointer; and
//! addresses are the same in every run, so traces and reproducers are exact.
//!
//! Two ways in:
//! * [`Space::load`], [`Space::store`], [`Space::read`], [`Space::write`] are the
//!   program's: each is checked against region and rights, and a miss is a
//!   [`Fault`] that says which region it fell short of.
//! * [`Space::bytes`] and [`Space::bytes_mut`] are the host's (maps, helpers,
//!   simulator), for addresses that it took from a region itself.
//!
//! How it is laid out:
//! * `reservation`: the 4 GiB of host addresses behind a space (unsafe);
//! * `pages`: what of it is committed, and what of each granule programs may
//!   touch (unsafe);
//! * `space`: regions, their making and removal, the checks;
//! * `fault`: a miss, and the words for it.

use std::fmt;

use crate::map::MapId;

mod fault;
mod pages;
mod reservation;
mod space;

pub use fault::Fault;
pub use pages::{HostMemory, WINDOW_BYTES};
pub use space::Space;

/// Regions begin at multiples of this many bytes.
pub const GRANULE: u32 = 1 << 16;

/// How far in front of program address 0 the memory of engines begins, in a space
/// that is one reservation: a granule that they may read and write, zero at first,
/// and behind it a granule without access. No 32-bit program address leads there,
/// nor does one with an offset of 16 bits.
pub const ENGINE_BELOW: usize = 2 * GRANULE as usize;

/// Granules in the address space.
const GRANULES: usize = 1 << 16;

/// A program address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Addr(pub u32);

impl Addr {
    /// Never a valid address.
    pub const NULL: Addr = Addr(0);

    /// The address `offset` bytes further on, wrapping.
    #[must_use]
    pub fn offset(self, offset: u32) -> Addr {
        Addr(self.0.wrapping_add(offset))
    }

    /// As a register value.
    pub fn to_reg(self) -> u64 {
        u64::from(self.0)
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Access {
    Read,
    Write,
}

/// What programs may do with a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rights {
    /// Nothing: the address only names something (a map, a function).
    None,
    /// Read.
    Read,
    /// Read and write.
    ReadWrite,
    /// Write only (`BPF_F_WRONLY_PROG`).
    Write,
}

impl Rights {
    /// Whether `access` is allowed.
    pub fn allow(self, access: Access) -> bool {
        match access {
            Access::Read => matches!(self, Rights::Read | Rights::ReadWrite),
            Access::Write => matches!(self, Rights::Write | Rights::ReadWrite),
        }
    }
}

/// What a region is, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegionKind {
    /// The stack of the call frame with this depth, 0 for the entry function.
    Stack(u8),
    /// The context structure.
    Context,
    /// The packet, with metadata in front.
    Packet,
    /// The values of a map.
    MapValues(MapId),
    /// The keys of a map, as callbacks see them.
    MapKeys(MapId),
    /// The records of a ring buffer.
    RingBuffer(MapId),
    /// Not memory: the addresses that stand for maps.
    MapHandles,
    /// Not memory: the addresses that stand for functions of programs.
    Code,
    /// Whatever else the platform shows to programs.
    Platform,
}

/// An extent of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: Addr,
    /// Bytes that are in bounds now. May change (packets grow and shrink).
    pub len: u32,
    /// What programs may do.
    pub rights: Rights,
    /// What it is.
    pub kind: RegionKind,
    /// Where the region is an array of elements: what of each is in bounds.
    pub elements: Option<Elements>,
}

impl Region {
    /// One past the last byte.
    pub fn end(&self) -> u64 {
        self.start.to_reg() + u64::from(self.len)
    }
}

/// The layout of a region that is an array of equal elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elements {
    /// Bytes from one element to the next; not 0.
    pub stride: u32,
    /// Bytes from the start of an element to its accessible part.
    pub at: u32,
    /// Bytes that are accessible.
    pub len: u32,
}

/// Names a region of a [`Space`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegionId(u32);

/// The address space is exhausted, or the host has no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no room for {bytes} bytes in the machine's address space")]
pub struct OutOfSpace {
    /// Bytes that were wanted.
    pub bytes: u64,
}
