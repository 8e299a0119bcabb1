//! Regions: making, changing and removing them, and the checks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::fault::{distance, neighbours};
use super::pages::{HostMemory, Pages, Window, remainder};
use super::reservation::Reservation;
use super::{
    Access, Addr, Elements, Fault, GRANULE, GRANULES, OutOfSpace, Region, RegionId, RegionKind,
    Rights,
};

/// How far from a region, in bytes, an access in another granule is still taken
/// for one that missed it.
const NEAR: u32 = 4096;

/// The address space.
#[derive(Debug)]
pub struct Space {
    /// Unlike that of any other space of the process.
    id: u64,
    pages: Pages,
    slots: Vec<Slot>,
    /// Numbers of regions that were removed, to be used again, last first.
    vacant: Vec<u32>,
    /// Free granules: first and how many, not adjacent to each other.
    free: BTreeMap<u32, u32>,
}

/// A region and the granules that belong to it.
#[derive(Clone, Copy, Debug)]
struct Slot {
    region: Region,
    first: u32,
    count: u32,
    /// Bytes from the start of the first granule that were ever in bounds.
    used: u32,
}

fn out_of_space(bytes: u32) -> OutOfSpace {
    OutOfSpace {
        bytes: bytes.into(),
    }
}

impl Space {
    /// An empty space.
    pub fn new() -> Result<Space, OutOfSpace> {
        Ok(Space::over(Reservation::new()))
    }

    /// An empty space over a growing buffer instead of a mapping, as on systems
    /// without one.
    pub fn buffered() -> Space {
        Space::over(Reservation::buffer())
    }

    fn over(host: Reservation) -> Space {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Space {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            pages: Pages::new(host),
            slots: Vec::new(),
            vacant: Vec::new(),
            free: BTreeMap::from([(1, GRANULES as u32 - 1)]),
        }
    }

    /// A number that no other space of this process ever has.
    #[inline]
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Makes a region with room for `capacity` bytes, zeroed, all in bounds at
    /// first, at the lowest address where it fits.
    pub fn add(
        &mut self,
        capacity: u32,
        rights: Rights,
        kind: RegionKind,
    ) -> Result<RegionId, OutOfSpace> {
        let count = capacity.div_ceil(GRANULE).max(1);
        let first = self.take(count).ok_or(out_of_space(capacity))?;
        let placed = self.place((first, count), capacity, rights, kind);
        if placed.is_err() {
            self.give_back(first, count);
        }
        placed
    }

    /// Makes regions that programs may read and write, each in the granule behind
    /// that of the one before.
    pub(crate) fn add_row(
        &mut self,
        capacity: u32,
        kinds: impl ExactSizeIterator<Item = RegionKind>,
    ) -> Result<Vec<RegionId>, OutOfSpace> {
        assert!(capacity <= GRANULE);
        let count = kinds.len() as u32;
        let first = self.take(count).ok_or(out_of_space(capacity))?;
        let mut row = Vec::with_capacity(kinds.len());
        for (granule, kind) in (first..).zip(kinds) {
            match self.place((granule, 1), capacity, Rights::ReadWrite, kind) {
                Ok(region) => row.push(region),
                Err(full) => {
                    self.give_back(granule, first + count - granule);
                    for region in row {
                        self.remove(region);
                    }
                    return Err(full);
                }
            }
        }
        Ok(row)
    }

    /// Makes a region in granules that were taken for it.
    fn place(
        &mut self,
        (first, count): (u32, u32),
        capacity: u32,
        rights: Rights,
        kind: RegionKind,
    ) -> Result<RegionId, OutOfSpace> {
        // What only names something needs no memory behind it.
        if rights != Rights::None && !self.pages.commit(first as usize, count as usize) {
            return Err(out_of_space(capacity));
        }
        let slot = Slot {
            region: Region {
                start: Addr(first * GRANULE),
                len: capacity,
                rights,
                kind,
                elements: None,
            },
            first,
            count,
            used: capacity,
        };
        let id = match self.vacant.pop() {
            Some(number) => {
                self.slots[number as usize] = slot;
                RegionId(number)
            }
            None => {
                self.slots.push(slot);
                RegionId(self.slots.len() as u32 - 1)
            }
        };
        self.show(id);
        Ok(id)
    }

    /// Removes a region. Its addresses are nobody's until a new region is made
    /// there, with zeroes in it; `id` may name another region from then on.
    pub fn remove(&mut self, id: RegionId) {
        let Slot {
            first, count, used, ..
        } = self.slots[id.0 as usize];
        if count == 0 {
            return;
        }
        self.pages.release(first as usize, count as usize, used);
        self.give_back(first, count);
        let slot = &mut self.slots[id.0 as usize];
        slot.count = 0;
        slot.region.len = 0;
        self.vacant.push(id.0);
    }

    /// Removes all regions of a sort.
    pub(crate) fn remove_where(&mut self, gone: impl Fn(&Region) -> bool) {
        for number in 0..self.slots.len() {
            let slot = self.slots[number];
            if slot.count > 0 && gone(&slot.region) {
                self.remove(RegionId(number as u32));
            }
        }
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        let (&first, &room) = self.free.iter().find(|(_, room)| **room >= count)?;
        self.free.remove(&first);
        if room > count {
            self.free.insert(first + count, room - count);
        }
        Some(first)
    }

    fn give_back(&mut self, mut first: u32, mut count: u32) {
        if let Some(after) = self.free.remove(&(first + count)) {
            count += after;
        }
        if let Some((&before, &room)) = self.free.range(..first).next_back()
            && before + room == first
        {
            first = before;
            count += room;
        }
        self.free.insert(first, count);
    }

    /// The region as it is now.
    pub fn region(&self, id: RegionId) -> &Region {
        &self.slots[id.0 as usize].region
    }

    /// All regions, in no order that means anything.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        let slots = self.slots.iter().filter(|slot| slot.count > 0);
        slots.map(|slot| &slot.region)
    }

    /// Changes what of a region is in bounds. `start` may move inside the
    /// granules of the region (a packet that grows at its head).
    ///
    /// Panics outside of them.
    pub fn set_bounds(&mut self, id: RegionId, start: Addr, len: u32) {
        let slot = &mut self.slots[id.0 as usize];
        let (first, count) = (u64::from(slot.first), u64::from(slot.count));
        let granule = u64::from(GRANULE);
        let end = start.to_reg() + u64::from(len);
        assert!(start.to_reg() >= first * granule && end <= (first + count) * granule);
        slot.region.start = start;
        slot.region.len = len;
        slot.used = slot.used.max((end - first * granule) as u32);
        self.show(id);
    }

    /// Declares a region to be an array of elements.
    ///
    /// Panics when the stride is 0.
    pub fn set_elements(&mut self, id: RegionId, elements: Elements) {
        assert!(elements.stride != 0);
        self.slots[id.0 as usize].region.elements = Some(elements);
        self.show(id);
    }

    /// Puts a region's window into the table.
    fn show(&mut self, id: RegionId) {
        let Slot {
            region,
            first,
            count,
            ..
        } = self.slots[id.0 as usize];
        let mut window = Window {
            start: region.start.0,
            region: id.0 + 1,
            ..Window::default()
        };
        let right = |access, len| if region.rights.allow(access) { len } else { 0 };
        match region.elements {
            None => {
                window.read = right(Access::Read, region.len);
                window.write = right(Access::Write, region.len);
            }
            // A single element is a plain extent.
            Some(e) if region.len <= e.stride && e.at.saturating_add(e.len) <= region.len => {
                window.start = region.start.offset(e.at).0;
                window.read = right(Access::Read, e.len);
                window.write = right(Access::Write, e.len);
            }
            // One-way rights are rare, and left to `check`.
            Some(elements) if region.rights == Rights::ReadWrite => {
                window.array = region.len;
                window.elements = elements;
            }
            Some(_) => {}
        }
        self.pages
            .set_window(first as usize, count as usize, window);
    }

    /// Where the space lies in the host's memory.
    pub fn host(&mut self) -> HostMemory {
        self.pages.host()
    }

    /// Checks a program's access and gives its address.
    #[inline]
    pub fn check(&self, addr: u64, size: u32, access: Access) -> Result<Addr, Fault> {
        match self.pages.allows(addr, size, access) {
            true => Ok(Addr(addr as u32)),
            false => self.check_otherwise(addr, size, access),
        }
    }

    /// A check of what is not plainly allowed.
    #[inline(never)]
    fn check_otherwise(&self, addr: u64, size: u32, access: Access) -> Result<Addr, Fault> {
        let inside = self
            .region_at(addr)
            .is_some_and(|region| is_inside(region, addr, size, access));
        if inside {
            Ok(Addr(addr as u32))
        } else {
            Err(self.fault(addr, size, access))
        }
    }

    /// The region whose granules an address lies in.
    pub fn region_at(&self, addr: u64) -> Option<&Region> {
        let number = self.pages.region(addr).checked_sub(1)?;
        self.slots.get(number as usize).map(|slot| &slot.region)
    }

    /// The fault that an access is which is not allowed.
    #[cold]
    pub fn fault(&self, addr: u64, size: u32, access: Access) -> Fault {
        let own = self.region_at(addr);
        let beside = neighbours(addr).into_iter().flatten();
        let beside = beside
            .filter_map(|at| self.region_at(at))
            .filter(|region| distance(addr, region) <= u64::from(NEAR));
        let near = own.into_iter().chain(beside);
        let near = near.min_by_key(|region| distance(addr, region)).copied();
        Fault {
            addr,
            size,
            access,
            near,
        }
    }

    /// A program's load of `N` bytes.
    #[inline(always)]
    pub fn load<const N: usize>(&self, addr: u64) -> Result<[u8; N], Fault> {
        match self.try_load(addr) {
            Some(bytes) => Ok(bytes),
            None => Err(self.fault(addr, N as u32, Access::Read)),
        }
    }

    /// A program's load; `None` for a [`Space::fault`].
    #[inline(always)]
    pub(crate) fn try_load<const N: usize>(&self, addr: u64) -> Option<[u8; N]> {
        match self.pages.load(addr) {
            Some(bytes) => Some(bytes),
            None => self.load_otherwise(addr),
        }
    }

    /// A load that is not plainly allowed.
    #[inline(never)]
    fn load_otherwise<const N: usize>(&self, addr: u64) -> Option<[u8; N]> {
        let element = self.pages.load_element(addr);
        element.or_else(|| self.read(addr, N as u32).ok()?.try_into().ok())
    }

    /// A program's store of `N` bytes.
    #[inline(always)]
    pub fn store<const N: usize>(&mut self, addr: u64, value: [u8; N]) -> Result<(), Fault> {
        match self.try_store(addr, value) {
            Some(()) => Ok(()),
            None => Err(self.fault(addr, N as u32, Access::Write)),
        }
    }

    /// A program's store; `None` for a [`Space::fault`].
    #[inline(always)]
    pub(crate) fn try_store<const N: usize>(&mut self, addr: u64, value: [u8; N]) -> Option<()> {
        match self.pages.store(addr, value) {
            Some(()) => Some(()),
            None => self.store_otherwise(addr, value),
        }
    }

    /// A store that is not plainly allowed.
    #[inline(never)]
    fn store_otherwise<const N: usize>(&mut self, addr: u64, value: [u8; N]) -> Option<()> {
        if self.pages.store_element(addr, value).is_some() {
            return Some(());
        }
        let bytes = self.write(addr, N as u32).ok()?;
        bytes.copy_from_slice(&value);
        Some(())
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

    /// A program's word for an atomic operation; `None` when it is not aligned.
    pub fn atomic32(&mut self, addr: u64) -> Result<Option<&AtomicU32>, Fault> {
        let word = self.check_both(addr, 4)?;
        Ok(self.pages.atomic32(word))
    }

    /// A program's double word for an atomic operation; `None` when it is not
    /// aligned.
    pub fn atomic64(&mut self, addr: u64) -> Result<Option<&AtomicU64>, Fault> {
        let word = self.check_both(addr, 8)?;
        Ok(self.pages.atomic64(word))
    }

    fn check_both(&self, addr: u64, size: u32) -> Result<Addr, Fault> {
        self.check(addr, size, Access::Read)?;
        self.check(addr, size, Access::Write)
    }

    /// The host's view. Panics outside of regions that were made.
    #[inline]
    pub fn bytes(&self, addr: Addr, len: u32) -> &[u8] {
        self.pages
            .bytes(addr, len)
            .expect("the host asks for memory of a region")
    }

    /// The host's view, to write. Panics outside of regions that were made.
    #[inline]
    pub fn bytes_mut(&mut self, addr: Addr, len: u32) -> &mut [u8] {
        self.pages
            .bytes_mut(addr, len)
            .expect("the host asks for memory of a region")
    }
}

/// Whether an access is allowed, where its region is `region`.
#[inline(always)]
fn is_inside(region: &Region, addr: u64, size: u32, access: Access) -> bool {
    let Some(offset) = addr.checked_sub(region.start.to_reg()) else {
        return false;
    };
    if offset + u64::from(size) > u64::from(region.len) || !region.rights.allow(access) {
        return false;
    }
    region.elements.is_none_or(|e| {
        // The offset is at most `region.len`, so it fits.
        let at = remainder(offset as u32, e.stride).checked_sub(e.at);
        at.is_some_and(|at| u64::from(at) + u64::from(size) <= u64::from(e.len))
    })
}
