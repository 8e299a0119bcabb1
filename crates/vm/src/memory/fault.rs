//! A miss, and the words for it.

use std::fmt;

use super::{Access, Addr, GRANULE, Region, RegionKind};
use crate::map::MapId;

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

impl Fault {
    /// The whole sentence; `name` knows the names of maps.
    pub fn explain(&self, name: &dyn Fn(MapId) -> Option<String>) -> String {
        Explained { fault: self, name }.to_string()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let explained = Explained {
            fault: self,
            name: &|_| None,
        };
        explained.fmt(f)
    }
}

struct Explained<'a> {
    fault: &'a Fault,
    name: &'a dyn Fn(MapId) -> Option<String>,
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            addr, size, access, ..
        } = *self.fault;
        let access = match access {
            Access::Read => "read",
            Access::Write => "write",
        };
        let plural = if size == 1 { "" } else { "s" };
        write!(f, "{access} of {size} byte{plural} at {addr:#x}, ")?;
        match self.fault.near {
            _ if addr < u64::from(GRANULE) => f.write_str("which is a NULL pointer or a number"),
            Some(region) => self.near(f, &region),
            None if addr > u64::from(u32::MAX) => f.write_str("which is not an address"),
            None => f.write_str("where nothing is, or is any more"),
        }
    }
}

impl Explained<'_> {
    fn near(&self, f: &mut fmt::Formatter<'_>, region: &Region) -> fmt::Result {
        let fault = self.fault;
        if matches!(region.kind, RegionKind::MapHandles) {
            return f.write_str("which stands for a map and is not memory");
        }
        if matches!(region.kind, RegionKind::Code) {
            return f.write_str("which stands for a function and is not memory");
        }
        let (start, len, index) = self.part(region);
        if self.against(f, start, len)? {
            self.thing(f, region.kind)?;
            return match index {
                Some(index) => write!(f, " (element {index})"),
                None => Ok(()),
            };
        }
        self.thing(f, region.kind)?;
        match fault.access {
            Access::Read => f.write_str(" may not be read"),
            Access::Write => f.write_str(" may not be written"),
        }
    }

    /// The part of a region that the access was about: the element, where it
    /// has elements.
    fn part(&self, region: &Region) -> (u64, u64, Option<u64>) {
        let start = region.start.to_reg();
        let inside = self.fault.addr >= start && self.fault.addr < region.end();
        match region.elements {
            Some(e) if inside && region.len > e.stride => {
                let index = (self.fault.addr - start) / u64::from(e.stride);
                let first = start + index * u64::from(e.stride) + u64::from(e.at);
                (first, e.len.into(), Some(index))
            }
            Some(e) if inside => (start + u64::from(e.at), e.len.into(), None),
            _ => (start, region.len.into(), None),
        }
    }

    /// Says where the access lies against an extent. `false` when it is inside.
    fn against(
        &self,
        f: &mut fmt::Formatter<'_>,
        start: u64,
        len: u64,
    ) -> Result<bool, fmt::Error> {
        let Fault { addr, size, .. } = *self.fault;
        let (end, last) = (start + len, addr + u64::from(size));
        if addr < start {
            write!(f, "{} before ", Bytes(start - addr))?;
        } else if last > end {
            write!(f, "{} past the end of ", Bytes(last - end))?;
        }
        Ok(addr < start || last > end)
    }

    fn thing(&self, f: &mut fmt::Formatter<'_>, kind: RegionKind) -> fmt::Result {
        let map = |f: &mut fmt::Formatter<'_>, what: &str, id: MapId| match (self.name)(id) {
            Some(name) => write!(f, "{what} of map {name}"),
            None => write!(f, "{what} of map number {}", id.0),
        };
        match kind {
            RegionKind::Stack(frame) => write!(f, "the stack of frame {frame}"),
            RegionKind::Context => f.write_str("the context"),
            RegionKind::Packet => f.write_str("the packet"),
            RegionKind::MapValues(id) => map(f, "the value", id),
            RegionKind::MapKeys(id) => map(f, "the key", id),
            RegionKind::RingBuffer(id) => map(f, "the record", id),
            RegionKind::MapHandles => f.write_str("the maps"),
            RegionKind::Code => f.write_str("the functions"),
            RegionKind::Platform => f.write_str("an object of the platform"),
        }
    }
}

/// A number of bytes, in words.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 byte"),
            n => write!(f, "{n} bytes"),
        }
    }
}

/// How far an address is from an extent.
pub(super) fn distance(addr: u64, region: &Region) -> u64 {
    let start = region.start.to_reg();
    if addr < start {
        start - addr
    } else {
        (addr + 1).saturating_sub(region.end())
    }
}

/// Addresses in the granules beside that of `addr`.
pub(super) fn neighbours(addr: u64) -> [Option<u64>; 2] {
    let granule = u64::from(GRANULE);
    [
        addr.checked_sub(granule),
        addr.checked_add(granule)
            .filter(|a| *a <= Addr(u32::MAX).to_reg()),
    ]
}
