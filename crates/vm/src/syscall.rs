//! The system call's side of a machine's maps: what a user-space program beside
//! the BPF programs would do with bpf(2). Maps of constants are frozen: from
//! this side they can only be read.

use abi::Errno;

use crate::machine::Machine;
use crate::map::{self, Map, MapId};
use crate::memory::{Addr, Space};

/// An entry as the system call sees it: key and value.
pub type Entry = (Vec<u8>, Vec<u8>);

impl Machine {
    /// The map.
    pub fn map(&self, id: MapId) -> Option<&dyn Map> {
        self.maps.get(id.0 as usize).map(|map| &**map)
    }

    /// The map and the memory that its values lie in, to work on both.
    pub fn map_mut(&mut self, id: MapId) -> Option<(&mut dyn Map, &mut Space)> {
        let map = self.maps.get_mut(id.0 as usize)?;
        Some((&mut **map, &mut self.space))
    }

    /// All maps, by id.
    pub fn map_ids(&self) -> impl Iterator<Item = MapId> + use<> {
        (0..self.maps.len() as u32).map(MapId)
    }

    /// The first map with this name.
    pub fn map_by_name(&self, name: &str) -> Option<MapId> {
        let index = self.maps.iter().position(|map| map.def().name == name)?;
        Some(MapId(index as u32))
    }

    /// `BPF_MAP_LOOKUP_ELEM`: the value; of per-CPU maps all values, each rounded
    /// up to 8 bytes.
    pub fn map_lookup(&mut self, id: MapId, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let (map, space) = self.with_key(id, key)?;
        map.sys_lookup(space, key)
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`.
    pub fn map_take(&mut self, id: MapId, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.not_frozen(id)?;
        let (map, space) = self.with_key(id, key)?;
        map.sys_take(space, key)
    }

    /// `BPF_MAP_UPDATE_ELEM`, with values as [`Machine::map_lookup`] gives them.
    pub fn map_update(
        &mut self,
        id: MapId,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        self.not_frozen(id)?;
        let old = self.replaced(id, key);
        map::sys_update(&mut self.maps, &mut self.space, id, key, value, flags)?;
        self.forget_timers(old);
        Ok(())
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub fn map_delete(&mut self, id: MapId, key: &[u8]) -> Result<(), Errno> {
        self.not_frozen(id)?;
        let old = self.replaced(id, key);
        let (map, space) = self.with_key(id, key)?;
        map.delete(space, key)?;
        self.forget_timers(old);
        Ok(())
    }

    /// Adds a record to a ring buffer that user space writes (libbpf's
    /// `user_ring_buffer__submit`): `E2BIG` when it never fits, `ENOSPC` when it
    /// does not now.
    pub fn user_ringbuf_push(&mut self, id: MapId, record: &[u8]) -> Result<(), Errno> {
        let (map, space) = self.map_mut(id).ok_or(Errno::EBADF)?;
        let ring = map.user_ringbuf().ok_or(Errno::EINVAL)?;
        ring.push(space, record)
    }

    /// The value that goes with its element, if there are timers that could be in
    /// it.
    fn replaced(&mut self, id: MapId, key: &[u8]) -> Option<(Addr, u32)> {
        if self.timers.is_empty() {
            return None;
        }
        let cpu = self.world.cpu.id;
        let (map, space) = self.with_key(id, key).ok()?;
        crate::helper::replaced(map, space, cpu, key)
    }

    fn forget_timers(&mut self, old: Option<(Addr, u32)>) {
        if let Some((at, len)) = old {
            self.timers.forget(at, len);
        }
    }

    /// `BPF_MAP_GET_NEXT_KEY`: the key after `key`, the first for `None` and for
    /// a key that is not there; `ENOENT` after the last.
    pub fn map_next_key(&mut self, id: MapId, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let (map, space) = self.map_mut(id).ok_or(Errno::EBADF)?;
        let size = map.def().key_size as usize;
        if key.is_some_and(|key| key.len() != size) {
            return Err(Errno::EINVAL);
        }
        let mut next = vec![0; size];
        map.next_key(space, key, &mut next)?;
        Ok(next)
    }

    /// All entries in the map's order: keys and values, as the system call sees
    /// them.
    pub fn map_entries(&mut self, id: MapId) -> Result<Vec<Entry>, Errno> {
        let (map, space) = self.map_mut(id).ok_or(Errno::EBADF)?;
        Ok(map::entries(map, space))
    }

    fn not_frozen(&self, id: MapId) -> Result<(), Errno> {
        match self.map(id).ok_or(Errno::EBADF)?.def().kind.is_constant() {
            true => Err(Errno::EPERM),
            false => Ok(()),
        }
    }

    fn with_key(&mut self, id: MapId, key: &[u8]) -> Result<(&mut dyn Map, &mut Space), Errno> {
        let (map, space) = self.map_mut(id).ok_or(Errno::EBADF)?;
        if key.len() != map.def().key_size as usize {
            return Err(Errno::EINVAL);
        }
        Ok((map, space))
    }
}
