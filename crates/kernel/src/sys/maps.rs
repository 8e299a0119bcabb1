//! Maps: BPF_MAP_CREATE and the commands on elements.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use abi::{Errno, MapType};

use super::attr::{MapCreate, MapElem, MapInfo, ObjInfo};
use super::{Command, address, address_mut, bpf, bpf_fd, number};

/// What BPF_MAP_CREATE is given.
#[derive(Debug)]
pub(crate) struct MapSpec<'a> {
    pub(crate) map_type: MapType,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
    pub(crate) extra: u64,
    pub(crate) numa_node: u32,
    pub(crate) name: [u8; 16],
    pub(crate) inner: Option<BorrowedFd<'a>>,
    /// BTF, key type, value type.
    pub(crate) types: Option<(BorrowedFd<'a>, u32, u32)>,
}

/// A map together with the sizes that Linux reads and writes by.
#[derive(Debug)]
pub(crate) struct MapFd {
    fd: OwnedFd,
    key_size: usize,
    /// Bytes of a value as the system call sees it.
    value_size: usize,
}

impl MapFd {
    /// Makes a map. `cpus` is the number of possible CPUs.
    pub(crate) fn create(spec: &MapSpec<'_>, cpus: usize) -> Result<MapFd, Errno> {
        let value_size = value_size(spec, cpus).ok_or(Errno::E2BIG)?;
        let (btf, key_type, value_type) = match spec.types {
            Some((btf, key, value)) => (number(btf), key, value),
            None => (0, 0, 0),
        };
        let mut attr = MapCreate {
            map_type: spec.map_type as u32,
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            map_flags: spec.flags,
            inner_map_fd: spec.inner.map_or(0, number),
            numa_node: spec.numa_node,
            map_name: spec.name,
            btf_fd: btf,
            btf_key_type_id: key_type,
            btf_value_type_id: value_type,
            map_extra: spec.extra,
            ..MapCreate::default()
        };
        // SAFETY: the command's structure, without addresses.
        let fd = unsafe { bpf_fd(Command::MapCreate, &mut attr) }?;
        Ok(MapFd {
            fd,
            key_size: spec.key_size as usize,
            value_size,
        })
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn value_size(&self) -> usize {
        self.value_size
    }

    /// Sets an element. Sizes that are not the map's are EINVAL.
    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.check(key, value)?;
        let mut attr = self.elem(key, address(value), flags);
        // SAFETY: `key` and `value` have the sizes that Linux reads.
        unsafe { bpf(Command::MapUpdate, &mut attr) }.map(drop)
    }

    /// Reads an element into `value`, which bloom filters read instead.
    pub(crate) fn lookup(&self, key: &[u8], value: &mut [u8], flags: u64) -> Result<(), Errno> {
        self.check(key, value)?;
        let mut attr = self.elem(key, address_mut(value), flags);
        // SAFETY: `key` and `value` have the sizes that Linux reads and writes.
        unsafe { bpf(Command::MapLookup, &mut attr) }.map(drop)
    }

    /// Reads an element into `value` and removes it.
    pub(crate) fn take(&self, key: &[u8], value: &mut [u8], flags: u64) -> Result<(), Errno> {
        self.check(key, value)?;
        let mut attr = self.elem(key, address_mut(value), flags);
        // SAFETY: `key` and `value` have the sizes that Linux reads and writes.
        unsafe { bpf(Command::MapTake, &mut attr) }.map(drop)
    }

    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.check_key(key)?;
        let mut attr = self.elem(key, 0, 0);
        // SAFETY: `key` has the size that Linux reads.
        unsafe { bpf(Command::MapDelete, &mut attr) }.map(drop)
    }

    /// Writes the key after `key`, the first for `None`, into `next`.
    pub(crate) fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<(), Errno> {
        let key = key.unwrap_or(&[]);
        if !key.is_empty() {
            self.check_key(key)?;
        }
        self.check_key(next)?;
        let mut attr = self.elem(key, address_mut(next), 0);
        // SAFETY: `key` is absent or of the size that Linux reads, `next` of the
        // size that it writes.
        unsafe { bpf(Command::MapNextKey, &mut attr) }.map(drop)
    }

    pub(crate) fn freeze(&self) -> Result<(), Errno> {
        let mut attr = self.elem(&[], 0, 0);
        // SAFETY: the command's structure, without addresses.
        unsafe { bpf(Command::MapFreeze, &mut attr) }.map(drop)
    }

    pub(crate) fn info(&self) -> Result<MapInfo, Errno> {
        let mut info = [MapInfo::default()];
        let mut attr = ObjInfo {
            bpf_fd: number(self.as_fd()),
            info_len: size_of::<MapInfo>() as u32,
            info: address_mut(&mut info),
        };
        // SAFETY: Linux writes at most `info_len` bytes, the size of `info`, for
        // which any bytes are valid.
        unsafe { bpf(Command::ObjInfo, &mut attr) }?;
        Ok(info[0])
    }

    fn elem(&self, key: &[u8], value: u64, flags: u64) -> MapElem {
        MapElem {
            map_fd: number(self.as_fd()),
            pad: 0,
            key: address(key),
            value,
            flags,
        }
    }

    fn check(&self, key: &[u8], value: &[u8]) -> Result<(), Errno> {
        match value.len() == self.value_size {
            true => self.check_key(key),
            false => Err(Errno::EINVAL),
        }
    }

    fn check_key(&self, key: &[u8]) -> Result<(), Errno> {
        match key.len() == self.key_size {
            true => Ok(()),
            false => Err(Errno::EINVAL),
        }
    }
}

/// Bytes of a value as the system call reads and writes it: all CPUs' values,
/// each rounded up to 8 bytes, or a descriptor, or the value.
fn value_size(spec: &MapSpec<'_>, cpus: usize) -> Option<usize> {
    let declared = spec.value_size as usize;
    match spec.map_type {
        MapType::PercpuHash
        | MapType::PercpuArray
        | MapType::LruPercpuHash
        | MapType::PercpuCgroupStorage => declared.checked_next_multiple_of(8)?.checked_mul(cpus),
        MapType::PerfEventArray
        | MapType::ProgArray
        | MapType::CgroupArray
        | MapType::ArrayOfMaps
        | MapType::HashOfMaps => Some(4),
        _ => Some(declared),
    }
}
