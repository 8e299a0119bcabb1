//! Arrays of references: `prog_array`, `perf_event_array`, `cgroup_array`,
//! `array_of_maps` and `xskmap`.
//!
//! Facts (measured on Linux 6.18): updates of all but `xskmap` take no flags
//! (`EINVAL`); an index outside of the array is `E2BIG` in an update. Deleting
//! what is not there is `ENOENT` (nothing in `xskmap`), outside of the array
//! `E2BIG` (`EINVAL` in `xskmap`). Perf events, cgroups and sockets cannot be read
//! back.
//!
//! Every CPU's perf event is open from the start, as libbpf's `perf_buffer__new`
//! leaves it; Linux makes the array empty. A socket of an `xskmap` is written as
//! the number of its queue.

use std::collections::BTreeMap;

use abi::{Errno, MapDef, MapType};

use super::array::{index, next_index};
use super::slab::{Layout, Slab};
use super::{Map, MapId, Target, update};
use crate::machine::ProgId;
use crate::memory::{Addr, OutOfSpace, RegionKind, Rights, Space};

/// An array of references.
#[derive(Debug)]
pub(super) struct References {
    def: MapDef,
    /// What is there, by index.
    slots: BTreeMap<u32, u32>,
    /// What programs see of a socket (`struct bpf_xdp_sock`).
    sockets: Option<Slab>,
}

impl References {
    pub(super) fn new(id: MapId, def: MapDef, cpus: u32) -> Result<References, OutOfSpace> {
        let mut slots = BTreeMap::new();
        if def.map_type == MapType::PerfEventArray {
            slots.extend((0..cpus.min(def.max_entries)).map(|cpu| (cpu, 0)));
        }
        let sockets = match def.map_type {
            MapType::Xskmap => Some(Slab::new(Layout {
                kind: RegionKind::MapValues(id),
                rights: Rights::Read,
                len: 4,
                parts: 1,
                capacity: def.max_entries,
            })?),
            _ => None,
        };
        Ok(References {
            def,
            slots,
            sockets,
        })
    }

    fn get(&self, key: &[u8]) -> Option<u32> {
        self.slots.get(&index(key)?).copied()
    }

    fn writable(&self, index: u32, flags: u64) -> Result<(), Errno> {
        let sockets = self.def.map_type == MapType::Xskmap;
        let highest = if sockets { update::EXIST } else { update::ANY };
        if flags > highest {
            return Err(Errno::EINVAL);
        }
        if index >= self.def.max_entries {
            return Err(Errno::E2BIG);
        }
        match self.slots.contains_key(&index) {
            true if flags == update::NOEXIST => Err(Errno::EEXIST),
            false if flags == update::EXIST => Err(Errno::ENOENT),
            _ => Ok(()),
        }
    }
}

impl Map for References {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn lookup(&mut self, _: &Space, _: u32, key: &[u8]) -> Option<Addr> {
        let value = self.get(key)?;
        match self.def.map_type {
            MapType::ArrayOfMaps => Some(MapId(value).handle()),
            _ => Some(self.sockets.as_ref()?.addr(index(key)?)),
        }
    }

    fn target(&self, _: &Space, key: &[u8]) -> Option<Target> {
        let value = self.get(key)?;
        match self.def.map_type {
            MapType::ArrayOfMaps => Some(Target::Map(MapId(value))),
            MapType::ProgArray => Some(Target::Program(ProgId(value))),
            MapType::PerfEventArray => Some(Target::PerfEvent),
            MapType::Xskmap => Some(Target::Socket),
            _ => None,
        }
    }

    fn delete(&mut self, _: &Space, key: &[u8]) -> Result<(), Errno> {
        let index = index(key).ok_or(Errno::EINVAL)?;
        let sockets = self.def.map_type == MapType::Xskmap;
        if index >= self.def.max_entries {
            return Err(if sockets { Errno::EINVAL } else { Errno::E2BIG });
        }
        match self.slots.remove(&index) {
            None if !sockets => Err(Errno::ENOENT),
            _ => Ok(()),
        }
    }

    fn next_key(&self, _: &Space, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        next_index(self.def.max_entries, key, next)
    }

    fn sys_lookup(&mut self, _: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        match self.def.map_type {
            MapType::ProgArray | MapType::ArrayOfMaps => {
                let value = self.get(key).ok_or(Errno::ENOENT)?;
                Ok(value.to_le_bytes().to_vec())
            }
            MapType::Xskmap => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::ENOTSUPP),
        }
    }

    fn sys_update(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        let index = index(key).ok_or(Errno::EINVAL)?;
        self.writable(index, flags)?;
        if let Some(sockets) = &mut self.sockets {
            sockets.reserve(space, index)?;
            sockets.set(space, index, value);
        }
        let value = value.try_into().map_err(|_| Errno::EINVAL)?;
        self.slots.insert(index, u32::from_le_bytes(value));
        Ok(())
    }
}
