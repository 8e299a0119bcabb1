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

use std::fmt;

use crate::map::MapId;

/// Regions begin at multiples of this many bytes.
pub const GRANULE: u32 = 1 << 16;

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

/// The layout of a region that is an array of equal elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elements {
    /// Bytes from one element to the next.
    pub stride: u32,
    /// Bytes from the start of an element to its accessible part.
    pub at: u32,
    /// Bytes that are accessible.
    pub len: u32,
}

/// Names a region of a [`Space`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegionId(u32);

/// An access that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The whole 64-bit address that the program used.
    pub addr: u64,
    /// Bytes.
    pub size: u32,
    /// What it tried.
    pub access: Access,
    /// The region that it fell short of, if it was anywhere near one.
    pub near: Option<Region>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} of {} bytes at {:#x}",
            self.access, self.size, self.addr
        )
    }
}

/// The address space is exhausted, or the host has no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no room for {bytes} bytes in the machine's address space")]
pub struct OutOfSpace {
    /// Bytes that were wanted.
    pub bytes: u64,
}

/// The address space.
#[derive(Debug)]
pub struct Space {
    bytes: Vec<u8>,
    regions: Vec<Region>,
    /// Region number + 1 for each granule; 0 for none.
    granules: Vec<u32>,
}

impl Space {
    /// An empty space.
    pub fn new() -> Result<Space, OutOfSpace> {
        Ok(Space {
            bytes: Vec::new(),
            regions: Vec::new(),
            granules: vec![0; 1],
        })
    }

    /// Makes a region with room for `capacity` bytes, zeroed, of which
    /// `region.len` are in bounds at first. `region.start` is filled in.
    pub fn add(
        &mut self,
        capacity: u32,
        rights: Rights,
        kind: RegionKind,
    ) -> Result<RegionId, OutOfSpace> {
        let bytes = u64::from(capacity);
        let count = capacity.div_ceil(GRANULE).max(1) as usize;
        let first = self.granules.len();
        if first + count > (u32::MAX / GRANULE) as usize {
            return Err(OutOfSpace { bytes });
        }
        self.regions.push(Region {
            start: Addr(first as u32 * GRANULE),
            len: capacity,
            rights,
            kind,
            elements: None,
        });
        let id = self.regions.len() as u32;
        self.granules.resize(first + count, id);
        self.bytes.resize((first + count) * GRANULE as usize, 0);
        Ok(RegionId(id - 1))
    }

    /// The region as it is now.
    pub fn region(&self, id: RegionId) -> &Region {
        &self.regions[id.0 as usize]
    }

    /// Changes what of a region is in bounds. `start` may move inside the
    /// granules of the region (a packet that grows at its head).
    pub fn set_bounds(&mut self, id: RegionId, start: Addr, len: u32) {
        let region = &mut self.regions[id.0 as usize];
        region.start = start;
        region.len = len;
    }

    /// Declares a region to be an array of elements.
    pub fn set_elements(&mut self, id: RegionId, elements: Elements) {
        self.regions[id.0 as usize].elements = Some(elements);
    }

    /// Checks a program's access and gives its address.
    pub fn check(&self, addr: u64, size: u32, access: Access) -> Result<Addr, Fault> {
        let region = u32::try_from(addr)
            .ok()
            .and_then(|a| self.granules.get((a / GRANULE) as usize))
            .and_then(|id| self.regions.get((*id as usize).wrapping_sub(1)));
        let fault = Fault {
            addr,
            size,
            access,
            near: region.copied(),
        };
        let region = region.ok_or(fault)?;
        let offset = addr.checked_sub(u64::from(region.start.0)).ok_or(fault)?;
        let inside = offset + u64::from(size) <= u64::from(region.len)
            && region.rights.allow(access)
            && region.elements.is_none_or(|e| {
                let at = (offset % u64::from(e.stride)).checked_sub(u64::from(e.at));
                at.is_some_and(|at| at + u64::from(size) <= u64::from(e.len))
            });
        if inside {
            Ok(Addr(addr as u32))
        } else {
            Err(fault)
        }
    }

    /// A program's load of `N` bytes.
    pub fn load<const N: usize>(&self, addr: u64) -> Result<[u8; N], Fault> {
        let addr = self.check(addr, N as u32, Access::Read)?;
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.bytes(addr, N as u32));
        Ok(bytes)
    }

    /// A program's store of `N` bytes.
    pub fn store<const N: usize>(&mut self, addr: u64, value: [u8; N]) -> Result<(), Fault> {
        let addr = self.check(addr, N as u32, Access::Write)?;
        self.bytes_mut(addr, N as u32).copy_from_slice(&value);
        Ok(())
    }

    /// Memory that a program asks a helper to read.
    pub fn read(&self, addr: u64, len: u32) -> Result<&[u8], Fault> {
        let addr = self.check(addr, len, Access::Read)?;
        Ok(self.bytes(addr, len))
    }

    /// Memory that a program asks a helper to write.
    pub fn write(&mut self, addr: u64, len: u32) -> Result<&mut [u8], Fault> {
        let addr = self.check(addr, len, Access::Write)?;
        Ok(self.bytes_mut(addr, len))
    }

    /// The host's view. Panics outside of regions that were made.
    pub fn bytes(&self, addr: Addr, len: u32) -> &[u8] {
        &self.bytes[addr.0 as usize..][..len as usize]
    }

    /// The host's view, to write. Panics outside of regions that were made.
    pub fn bytes_mut(&mut self, addr: Addr, len: u32) -> &mut [u8] {
        &mut self.bytes[addr.0 as usize..][..len as usize]
    }
}
