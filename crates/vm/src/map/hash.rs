//! Hash maps: `hash`, `percpu_hash`, `lru_hash`, `lru_percpu_hash` and
//! `hash_of_maps`.
//!
//! Facts (measured on Linux 6.18):
//!
//! * Replacing a value moves the entry to another element: a pointer that a
//!   program holds keeps showing the old value, until the element is used again.
//!   That is at the next replacement on this CPU, whatever the key; with
//!   `BPF_F_NO_PREALLOC` and in LRU maps, at the next new entry as well. Per-CPU
//!   values are overwritten in place.
//! * A full map is `E2BIG`; an LRU map makes room, even when the update then
//!   fails because of its flags, and even when the key is there.
//! * A program's update of a per-CPU map writes the running CPU's value; a new
//!   entry is zero on the other CPUs.
//! * Only programs' look-ups and updates count as use of an LRU entry; those of
//!   the system call do not.
//! * Deleted elements are used again at once, the last one first.

use abi::{Errno, MapDef, MapFlags};

use super::lru::Lru;
use super::slab::{Layout, Slab};
use super::table::Table;
use super::{Map, MapId, ShortKey, Target, Walk, WideKey, update};
use crate::memory::{Addr, OutOfSpace, RegionKind, Rights, Space};

/// A hash map.
#[derive(Debug)]
pub(super) struct Hash {
    def: MapDef,
    table: Table,
    values: Slab,
    /// Where the value of each entry is.
    places: Vec<Place>,
    pool: Pool,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Element of the slab.
    element: u32,
    /// Its address: that of the first CPU's value.
    first: Addr,
}

/// Which elements are free.
#[derive(Debug)]
enum Pool {
    Fixed(Fixed),
    Lru {
        lru: Lru,
        /// Entry that uses each element.
        entry: Vec<u32>,
    },
}

/// Elements of a map that refuses when it is full.
#[derive(Debug)]
struct Fixed {
    free: Vec<u32>,
    fresh: u32,
    /// The element that each CPU's next replacement goes to; none of maps that
    /// are not preallocated.
    spare: Vec<Option<u32>>,
}

/// Who updates: a program on a CPU, or the system call, with the values of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Program { cpu: u32 },
    Syscall,
}

impl Side {
    fn cpu(self) -> u32 {
        match self {
            Side::Program { cpu } => cpu,
            Side::Syscall => 0,
        }
    }
}

impl Hash {
    pub(super) fn new(
        id: MapId,
        def: MapDef,
        rights: Rights,
        cpus: u32,
    ) -> Result<Hash, OutOfSpace> {
        let percpu = def.map_type.is_percpu();
        let entries = def.max_entries;
        let keys = Layout {
            kind: RegionKind::MapKeys(id),
            rights: Rights::Read,
            len: def.key_size,
            parts: 1,
            capacity: entries,
        };
        let pool = if def.map_type.is_lru() {
            Pool::Lru {
                lru: Lru::new(entries, cpus, !def.flags.contains(MapFlags::NO_COMMON_LRU)),
                entry: Vec::new(),
            }
        } else {
            let spares = if def.flags.contains(MapFlags::NO_PREALLOC) {
                0
            } else {
                cpus as usize
            };
            Pool::Fixed(Fixed {
                free: Vec::new(),
                fresh: 0,
                spare: vec![None; spares],
            })
        };
        let values = Layout {
            kind: RegionKind::MapValues(id),
            rights,
            len: def.value_size,
            parts: if percpu { cpus } else { 1 },
            capacity: entries.saturating_add(cpus),
        };
        Ok(Hash {
            table: Table::new(keys)?,
            values: Slab::new(values)?,
            places: Vec::new(),
            pool,
            def,
        })
    }

    fn percpu(&self) -> bool {
        self.def.map_type.is_percpu()
    }

    #[inline]
    fn find(&self, space: &Space, key: &[u8]) -> Option<u32> {
        self.table.entry(space, key)
    }

    fn element(&self, entry: u32) -> u32 {
        self.places[entry as usize].element
    }

    /// The value of an entry is there from now on.
    fn place(&mut self, entry: u32, element: u32) {
        let at = entry as usize;
        if at >= self.places.len() {
            self.places.resize(at + 1, Place::default());
        }
        let first = self.values.addr(element);
        self.places[at] = Place { element, first };
    }

    #[inline]
    fn value(&self, entry: u32, cpu: u32) -> Addr {
        let first = self.places[entry as usize].first;
        match self.percpu() {
            true => first.offset(cpu * self.values.stride()),
            false => first,
        }
    }

    /// What a program finds in an entry.
    #[inline]
    fn look_up(&mut self, space: &Space, cpu: u32, entry: u32) -> Option<Addr> {
        if self.def.map_type.is_map_in_map() {
            return Some(self.inner(space, entry)?.handle());
        }
        if let Pool::Lru { lru, .. } = &mut self.pool {
            lru.touch(self.places[entry as usize].element);
        }
        Some(self.value(entry, cpu))
    }

    fn set(
        &mut self,
        space: &mut Space,
        side: Side,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        if flags > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let hash = Table::hash(key);
        let taken = self.take_before(space, side, flags)?;
        let old = self.table.find(space, hash, key);
        let allowed = match old {
            Some(_) if flags == update::NOEXIST => Err(Errno::EEXIST),
            None if flags == update::EXIST => Err(Errno::ENOENT),
            _ => Ok(()),
        };
        let result = match (allowed, old) {
            (Err(errno), _) => Err(errno),
            (Ok(()), Some(entry)) if self.percpu() => {
                self.overwrite(space, side, entry, value);
                Ok(())
            }
            (Ok(()), Some(entry)) => return self.replace(space, side, entry, taken, value),
            (Ok(()), None) => return self.insert(space, side, hash, key, taken, value),
        };
        if let Some(element) = taken {
            self.free(element);
        }
        result
    }

    /// LRU maps take an element before they look whether the key is there.
    fn take_before(
        &mut self,
        space: &mut Space,
        side: Side,
        flags: u64,
    ) -> Result<Option<u32>, Errno> {
        let needless = self.percpu() && flags == update::EXIST;
        let Pool::Lru { lru, entry } = &mut self.pool else {
            return Ok(None);
        };
        if needless {
            return Ok(None);
        }
        let table = &mut self.table;
        let evict = &mut |element: u32| table.remove(space, entry[element as usize]);
        let element = lru.take(side.cpu(), evict).ok_or(Errno::ENOMEM)?;
        self.values.reserve(space, element)?;
        Ok(Some(element))
    }

    fn overwrite(&mut self, space: &mut Space, side: Side, entry: u32, value: &[u8]) {
        let element = self.element(entry);
        match side {
            Side::Program { cpu } => self.values.set_part(space, element, cpu, value),
            Side::Syscall => self.values.set_all(space, element, value),
        }
        if let Pool::Lru { lru, .. } = &mut self.pool {
            lru.touch(element);
        }
    }

    fn replace(
        &mut self,
        space: &mut Space,
        side: Side,
        entry: u32,
        taken: Option<u32>,
        value: &[u8],
    ) -> Result<(), Errno> {
        let old = self.element(entry);
        let new = match (&mut self.pool, taken) {
            (Pool::Fixed(fixed), _) => fixed.replacement(side.cpu()),
            (Pool::Lru { .. }, taken) => taken.ok_or(Errno::ENOMEM)?,
        };
        if let Err(errno) = self.values.reserve(space, new) {
            self.free(new);
            return Err(errno);
        }
        self.values.set(space, new, value);
        self.place(entry, new);
        match &mut self.pool {
            Pool::Fixed(fixed) => fixed.replaced(side.cpu(), old),
            Pool::Lru { lru, entry: owner } => {
                lru.touch(new);
                lru.give_back(old);
                own(owner, new, entry);
            }
        }
        Ok(())
    }

    fn insert(
        &mut self,
        space: &mut Space,
        side: Side,
        hash: u64,
        key: &[u8],
        taken: Option<u32>,
        value: &[u8],
    ) -> Result<(), Errno> {
        let element = match (&mut self.pool, taken) {
            (Pool::Fixed(_), _) if self.table.len() >= self.def.max_entries => {
                return Err(Errno::E2BIG);
            }
            (Pool::Fixed(fixed), _) => fixed.take(),
            (Pool::Lru { .. }, taken) => taken.ok_or(Errno::ENOMEM)?,
        };
        let ready = self.values.reserve(space, element);
        let entry = match ready.and_then(|()| self.table.insert(space, hash, key)) {
            Ok(entry) => entry,
            Err(errno) => {
                self.free(element);
                return Err(errno);
            }
        };
        self.place(entry, element);
        if let Pool::Lru { entry: owner, .. } = &mut self.pool {
            own(owner, element, entry);
        }
        match side {
            Side::Program { cpu } if self.percpu() => {
                self.values.clear(space, element);
                self.values.set_part(space, element, cpu, value);
            }
            Side::Syscall if self.percpu() => self.values.set_all(space, element, value),
            _ => self.values.set(space, element, value),
        }
        Ok(())
    }

    fn free(&mut self, element: u32) {
        match &mut self.pool {
            Pool::Fixed(fixed) => fixed.free.push(element),
            Pool::Lru { lru, .. } => lru.give_back(element),
        }
    }

    fn remove(&mut self, space: &Space, key: &[u8]) -> Result<u32, Errno> {
        let entry = self.find(space, key).ok_or(Errno::ENOENT)?;
        let element = self.element(entry);
        self.table.remove(space, entry);
        self.free(element);
        Ok(element)
    }

    fn shown(&self, space: &Space, element: u32) -> Vec<u8> {
        if self.percpu() {
            self.values.all(space, element).to_vec()
        } else {
            self.values.get(space, element).to_vec()
        }
    }

    fn inner(&self, space: &Space, entry: u32) -> Option<MapId> {
        let value = self.values.get(space, self.element(entry));
        Some(MapId(u32::from_le_bytes(value.try_into().ok()?)))
    }
}

impl Fixed {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.fresh += 1;
            self.fresh - 1
        })
    }

    /// The element that a replacement on `cpu` goes to.
    fn replacement(&mut self, cpu: u32) -> u32 {
        let spare = self.spare.get_mut(cpu as usize).and_then(Option::take);
        spare.unwrap_or_else(|| self.take())
    }

    /// Keeps the element that a replacement left.
    fn replaced(&mut self, cpu: u32, old: u32) {
        match self.spare.get_mut(cpu as usize) {
            Some(spare) => *spare = Some(old),
            None => self.free.push(old),
        }
    }
}

/// Notes that `entry` uses `element`.
fn own(owner: &mut Vec<u32>, element: u32, entry: u32) {
    if element as usize >= owner.len() {
        owner.resize(element as usize + 1, 0);
    }
    owner[element as usize] = entry;
}

impl Map for Hash {
    fn def(&self) -> &MapDef {
        &self.def
    }

    #[inline]
    fn lookup(&mut self, space: &Space, cpu: u32, key: &[u8]) -> Option<Addr> {
        let entry = self.find(space, key)?;
        self.look_up(space, cpu, entry)
    }

    fn lookup_short(&mut self, space: &Space, cpu: u32, key: ShortKey) -> Option<Addr> {
        let entry = self.table.entry_short(key)?;
        self.look_up(space, cpu, entry)
    }

    fn lookup_wide(&mut self, space: &Space, cpu: u32, key: WideKey) -> Option<Addr> {
        let entry = self.table.entry_wide(key)?;
        self.look_up(space, cpu, entry)
    }

    fn lookup_percpu(&mut self, space: &Space, cpu: u32, key: &[u8]) -> Option<Addr> {
        if !self.percpu() || !self.values.has_part(cpu) {
            return None;
        }
        self.lookup(space, cpu, key)
    }

    fn target(&self, space: &Space, key: &[u8]) -> Option<Target> {
        if !self.def.map_type.is_map_in_map() {
            return None;
        }
        let entry = self.find(space, key)?;
        self.inner(space, entry).map(Target::Map)
    }

    fn update(
        &mut self,
        space: &mut Space,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        self.set(space, Side::Program { cpu }, key, value, flags)
    }

    fn delete(&mut self, space: &Space, key: &[u8]) -> Result<(), Errno> {
        self.remove(space, key).map(|_| ())
    }

    fn walk(
        &mut self,
        _: &mut Space,
        cpu: u32,
        walk: &mut Walk,
    ) -> Result<Option<(Addr, Addr)>, Errno> {
        let Some(entry) = self.table.next(walk.position) else {
            return Ok(None);
        };
        walk.position = entry + 1;
        Ok(Some((self.table.key_addr(entry), self.value(entry, cpu))))
    }

    fn next_key(&self, space: &Space, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        self.table.next_key(space, key, next)
    }

    fn sys_value_size(&self) -> usize {
        if self.percpu() {
            self.values.element_size() as usize
        } else {
            self.def.value_size as usize
        }
    }

    fn sys_lookup(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let entry = self.find(space, key).ok_or(Errno::ENOENT)?;
        Ok(self.shown(space, self.element(entry)))
    }

    fn sys_take(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        if self.def.map_type.is_map_in_map() {
            return Err(Errno::ENOTSUPP);
        }
        let element = self.remove(space, key)?;
        Ok(self.shown(space, element))
    }

    fn sys_update(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        self.set(space, Side::Syscall, key, value, flags)
    }
}
