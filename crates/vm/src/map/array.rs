//! Arrays: `array` and `percpu_array`.
//!
//! Facts (measured on Linux 6.18): a key outside of the array finds nothing and
//! is `E2BIG` in an update; there is always an entry, so `BPF_NOEXIST` is `EEXIST`
//! and a deletion `EINVAL`. A program's update of a per-CPU array changes only
//! the running CPU's value.

use abi::{Errno, Initial, MapDef};

use super::slab::{Layout, Slab};
use super::{Direct, Map, MapId, Walk, update};
use crate::memory::{Addr, OutOfSpace, RegionKind, Rights, Space};

/// `array`, or `percpu_array`.
#[derive(Debug)]
pub(super) struct Array {
    id: MapId,
    def: MapDef,
    values: Slab,
    /// The keys as callbacks see them, from the first walk on.
    keys: Option<Slab>,
    percpu: bool,
}

impl Array {
    pub(super) fn new(
        space: &mut Space,
        id: MapId,
        def: MapDef,
        rights: Rights,
        cpus: u32,
    ) -> Result<Array, OutOfSpace> {
        let percpu = def.map_type.is_percpu();
        let layout = Layout {
            kind: RegionKind::MapValues(id),
            rights,
            len: def.value_size,
            parts: if percpu { cpus } else { 1 },
            capacity: def.max_entries,
        };
        let values = Slab::whole(space, layout)?;
        if let Initial::Bytes(bytes) = &def.initial {
            // As far as the first value goes.
            let len = bytes.len().min(def.value_size as usize);
            space
                .bytes_mut(values.addr(0), len as u32)
                .copy_from_slice(&bytes[..len]);
        }
        Ok(Array {
            id,
            values,
            keys: None,
            percpu,
            def,
        })
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        index(key).filter(|i| *i < self.def.max_entries)
    }

    fn writable(&self, key: &[u8], flags: u64) -> Result<u32, Errno> {
        // The lock flag gets past the first check.
        if flags & !update::LOCK > update::EXIST {
            return Err(Errno::EINVAL);
        }
        let index = self.find(key).ok_or(Errno::E2BIG)?;
        if flags & update::NOEXIST != 0 {
            return Err(Errno::EEXIST);
        }
        if flags & update::LOCK != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(index)
    }

    /// The key `index` where a callback can read it.
    fn show_key(&mut self, space: &mut Space, index: u32) -> Result<Addr, Errno> {
        let keys = match &mut self.keys {
            Some(keys) => keys,
            none => {
                let layout = Layout {
                    kind: RegionKind::MapKeys(self.id),
                    rights: Rights::Read,
                    len: 4,
                    parts: 1,
                    capacity: self.def.max_entries,
                };
                none.insert(Slab::new(layout).map_err(|_| Errno::ENOMEM)?)
            }
        };
        keys.reserve(space, index)?;
        keys.set(space, index, &index.to_le_bytes());
        Ok(keys.addr(index))
    }
}

/// The index that a key of 4 bytes is.
pub(super) fn index(key: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(key.try_into().ok()?))
}

/// `next_key` of every map whose keys are the numbers below `entries`.
pub(super) fn next_index(entries: u32, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
    let after = match key.and_then(index) {
        Some(i) if i < entries => i + 1,
        _ => 0,
    };
    if after >= entries {
        return Err(Errno::ENOENT);
    }
    next.copy_from_slice(&after.to_le_bytes());
    Ok(())
}

impl Map for Array {
    fn def(&self) -> &MapDef {
        &self.def
    }

    #[inline]
    fn lookup(&mut self, _: &Space, cpu: u32, key: &[u8]) -> Option<Addr> {
        let index = self.find(key)?;
        Some(self.values.part(index, if self.percpu { cpu } else { 0 }))
    }

    fn lookup_percpu(&mut self, _: &Space, cpu: u32, key: &[u8]) -> Option<Addr> {
        let index = self.find(key).filter(|_| self.percpu)?;
        self.values
            .has_part(cpu)
            .then(|| self.values.part(index, cpu))
    }

    fn direct(&self) -> Option<Direct> {
        Some(Direct {
            base: self.values.addr(0),
            stride: self.values.element_size(),
            entries: self.def.max_entries,
            cpu_stride: if self.percpu { self.values.stride() } else { 0 },
        })
    }

    fn update(
        &mut self,
        space: &mut Space,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        let index = self.writable(key, flags)?;
        let cpu = if self.percpu { cpu } else { 0 };
        self.values.set_part(space, index, cpu, value);
        Ok(())
    }

    fn delete(&mut self, _: &Space, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn walk(
        &mut self,
        space: &mut Space,
        cpu: u32,
        walk: &mut Walk,
    ) -> Result<Option<(Addr, Addr)>, Errno> {
        let index = walk.position;
        if index >= self.def.max_entries {
            return Ok(None);
        }
        walk.position += 1;
        let key = self.show_key(space, index)?;
        let value = self.values.part(index, if self.percpu { cpu } else { 0 });
        Ok(Some((key, value)))
    }

    fn next_key(&self, _: &Space, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        next_index(self.def.max_entries, key, next)
    }

    fn sys_value_size(&self) -> usize {
        if self.percpu {
            self.values.element_size() as usize
        } else {
            self.def.value_size as usize
        }
    }

    fn sys_lookup(&mut self, space: &mut Space, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let index = self.find(key).ok_or(Errno::ENOENT)?;
        Ok(if self.percpu {
            self.values.all(space, index).to_vec()
        } else {
            self.values.get(space, index).to_vec()
        })
    }

    fn sys_update(
        &mut self,
        space: &mut Space,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        let index = self.writable(key, flags)?;
        if self.percpu {
            self.values.set_all(space, index, value);
        } else {
            self.values.set(space, index, value);
        }
        Ok(())
    }
}
