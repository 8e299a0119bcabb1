//! Where packets can be sent to: `devmap`, `devmap_hash` and `cpumap`.
//!
//! Values are `struct bpf_devmap_val` and `struct bpf_cpumap_val`: the device or
//! the length of the queue, then, in values of 8 bytes, a program. Programs see
//! them read-only.
//!
//! Facts (measured on Linux 6.18): in the arrays `BPF_NOEXIST` is always `EEXIST`,
//! `BPF_EXIST` asks for nothing, deleting an empty slot is nothing and deleting
//! outside is `EINVAL`; writing device 0, or a queue of length 0, empties a slot.
//! In `devmap_hash` device 0 is `EINVAL`, `BPF_EXIST` asks for nothing either, and
//! a full map is `E2BIG`. A queue of more than 16384 packets is `EOVERFLOW`, a CPU
//! that does not exist `ENODEV`. Whether a device exists is not asked here.

use abi::{Errno, MapDef, MapType};

use super::array::{index, next_index};
use super::slab::{Layout, Slab};
use super::table::Table;
use super::{Map, MapId, Target, update};
use crate::machine::ProgId;
use crate::memory::{Addr, OutOfSpace, RegionKind, Rights, Space};

/// Longest queue of a CPU.
const MAX_QUEUE: u32 = 16384;

/// A map of redirect targets.
#[derive(Debug)]
pub(super) struct Redirects {
    def: MapDef,
    /// The keys that have a target; arrays are sparse.
    table: Table,
    values: Slab,
    cpus: u32,
}

impl Redirects {
    pub(super) fn new(id: MapId, def: MapDef, cpus: u32) -> Result<Redirects, OutOfSpace> {
        let layout = Layout {
            kind: RegionKind::MapValues(id),
            rights: Rights::Read,
            len: def.value_size,
            parts: 1,
            capacity: def.max_entries,
        };
        let keys = Layout {
            kind: RegionKind::MapKeys(id),
            len: 4,
            ..layout
        };
        Ok(Redirects {
            table: Table::new(keys)?,
            values: Slab::new(layout)?,
            cpus,
            def,
        })
    }

    fn is_hash(&self) -> bool {
        self.def.map_type == MapType::DevmapHash
    }

    fn find(&self, space: &Space, key: &[u8]) -> Option<u32> {
        self.table.find(space, Table::hash(key), key)
    }

    /// Checks an update of an array; whether it empties the slot.
    fn array_update(
        &self,
        index: u32,
        first: u32,
        program: u32,
        flags: u64,
    ) -> Result<bool, Errno> {
        if index >= self.def.max_entries {
            return Err(Errno::E2BIG);
        }
        if flags == update::NOEXIST {
            return Err(Errno::EEXIST);
        }
        if self.def.map_type == MapType::Cpumap {
            if first > MAX_QUEUE {
                return Err(Errno::EOVERFLOW);
            }
            if index >= self.cpus {
                return Err(Errno::ENODEV);
            }
        } else if first == 0 && program != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(first == 0)
    }

    /// Checks an update of a hash.
    fn hash_update(&self, there: bool, first: u32, flags: u64) -> Result<(), Errno> {
        if first == 0 {
            Err(Errno::EINVAL)
        } else if there && flags == update::NOEXIST {
            Err(Errno::EEXIST)
        } else if !there && self.table.len() >= self.def.max_entries {
            Err(Errno::E2BIG)
        } else {
            Ok(())
        }
    }
}

/// The two words of a value; 0 for a program where there is no room for one.
fn words(value: &[u8]) -> Option<(u32, u32)> {
    let (first, rest) = value.split_first_chunk()?;
    let second = rest.first_chunk().copied().unwrap_or_default();
    Some((u32::from_le_bytes(*first), u32::from_le_bytes(second)))
}

impl Map for Redirects {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn lookup(&mut self, space: &Space, _: u32, key: &[u8]) -> Option<Addr> {
        let slot = self.find(space, key)?;
        Some(self.values.addr(slot))
    }

    fn target(&self, space: &Space, key: &[u8]) -> Option<Target> {
        let slot = self.find(space, key)?;
        let (first, program) = words(self.values.get(space, slot))?;
        let program = program.checked_sub(1).map(ProgId);
        Some(if self.def.map_type == MapType::Cpumap {
            Target::Cpu {
                cpu: index(key)?,
                qsize: first,
                program,
            }
        } else {
            Target::Device {
                ifindex: first,
                program,
            }
        })
    }

    fn delete(&mut self, space: &Space, key: &[u8]) -> Result<(), Errno> {
        let slot = self.find(space, key);
        if let Some(slot) = slot {
            self.table.remove(space, slot);
        } else if self.is_hash() {
            return Err(Errno::ENOENT);
        } else if index(key).is_none_or(|i| i >= self.def.max_entries) {
            return Err(Errno::EINVAL);
        }
        Ok(())
    }

    fn next_key(&self, space: &Space, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        if self.is_hash() {
            self.table.next_key(space, key, next)
        } else {
            next_index(self.def.max_entries, key, next)
        }
    }

    fn sys_lookup(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let slot = self.find(space, key).ok_or(Errno::ENOENT)?;
        Ok(self.values.get(space, slot).to_vec())
    }

    fn sys_update(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        if flags > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let (first, program) = words(value).ok_or(Errno::EINVAL)?;
        let hash = Table::hash(key);
        let old = self.table.find(space, hash, key);
        if self.is_hash() {
            self.hash_update(old.is_some(), first, flags)?;
        } else {
            let index = index(key).ok_or(Errno::EINVAL)?;
            if self.array_update(index, first, program, flags)? {
                return self.delete(space, key);
            }
        }
        let slot = match old {
            Some(slot) => slot,
            None => self.table.insert(space, hash, key)?,
        };
        if let Err(errno) = self.values.reserve(space, slot) {
            self.table.remove(space, slot);
            return Err(errno);
        }
        self.values.set(space, slot, value);
        Ok(())
    }
}
