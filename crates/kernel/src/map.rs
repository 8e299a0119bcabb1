//! A live map, and the commands on its elements.

use std::os::fd::{AsFd, BorrowedFd};

use abi::{Errno, Initial, MapDef, MapType};

use crate::info::MapInfo;
use crate::program::{Refusal, object_name};
use crate::sys::{MapFd, MapSpec};
use crate::{Kernel, LoadedBtf};

/// A key and a value, as the system call has them.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Flags of [`Map::update`].
pub mod update {
    /// Make the element or replace it.
    pub const ANY: u64 = 0;
    /// Make it only if it is not there.
    pub const NOEXIST: u64 = 1;
    /// Replace it only if it is there.
    pub const EXIST: u64 = 2;
    /// Hold its spin lock meanwhile.
    pub const LOCK: u64 = 4;
}

/// Flag of [`Map::lookup_with`] and [`Map::take_with`]: hold the element's spin
/// lock meanwhile (`BPF_F_LOCK`).
pub const LOCKED: u64 = 4;

/// A map of the running kernel, gone when this value and every program that
/// uses it are.
///
/// Keys and values are bytes as the system call has them: all CPUs' values of a
/// per-CPU map, each rounded up to 8 bytes; in maps of maps and program arrays a
/// descriptor going in and an id coming out. A key or value of another size than
/// the map's is `EINVAL` here, since Linux is not told the sizes.
#[derive(Debug)]
pub struct Map {
    fd: MapFd,
    def: MapDef,
}

impl Kernel {
    /// Makes a map, empty, with the types of its key and value where `btf` is
    /// given and Linux takes types for this kind of map.
    ///
    /// A map of maps is made after a template of its own that is gone when this
    /// returns.
    ///
    /// # Errors
    ///
    /// Linux's answer, to the inner map or to this one.
    pub fn create_map(&self, def: &MapDef, btf: Option<&LoadedBtf>) -> Result<Map, Refusal> {
        let inner = match &def.inner {
            Some(inner) => Some(self.create_map(inner, btf)?),
            None => None,
        };
        let typed = btf.filter(|_| takes_types(def));
        let mut spec = MapSpec {
            map_type: def.map_type,
            key_size: def.key_size,
            value_size: def.value_size,
            max_entries: self.max_entries(def),
            flags: def.flags.0,
            extra: def.extra,
            numa_node: def.numa_node,
            name: object_name(&def.name),
            inner: inner.as_ref().map(|map| map.as_fd()),
            types: typed.map(|btf| (btf.as_fd(), def.key_type.0, def.value_type.0)),
        };
        let cpus = self.cpus() as usize;
        let mut made = MapFd::create(&spec, cpus);
        if made.is_err() && spec.types.is_some() {
            // libbpf does the same: many kinds of map take no types, which ones
            // has changed from release to release.
            spec.types = None;
            made = MapFd::create(&spec, cpus);
        }
        match made {
            Ok(fd) => Ok(Map {
                fd,
                def: def.clone(),
            }),
            Err(errno) => Err(Refusal {
                errno,
                log: String::new(),
            }),
        }
    }

    /// As many entries as CPUs where the definition of a perf event array leaves
    /// it open, as libbpf does.
    fn max_entries(&self, def: &MapDef) -> u32 {
        match (def.map_type, def.max_entries) {
            (MapType::PerfEventArray, 0) => self.cpus(),
            (_, given) => given,
        }
    }
}

/// Whether a definition has types worth giving to Linux.
fn takes_types(def: &MapDef) -> bool {
    let none = def.key_type == btf::TypeId::VOID && def.value_type == btf::TypeId::VOID;
    !none && def.map_type != MapType::StructOps
}

impl Map {
    /// What it was made from.
    pub fn def(&self) -> &MapDef {
        &self.def
    }

    /// Bytes of a value as the system call has it.
    pub fn value_len(&self) -> usize {
        self.fd.value_size()
    }

    /// `BPF_MAP_UPDATE_ELEM`, with flags of [`update`].
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.fd.update(key, value, flags)
    }

    /// `BPF_MAP_LOOKUP_ELEM`.
    pub fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.lookup_with(key, 0)
    }

    /// `BPF_MAP_LOOKUP_ELEM` with flags.
    pub fn lookup_with(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; self.value_len()];
        self.fd.lookup(key, &mut value, flags)?;
        Ok(value)
    }

    /// Whether a bloom filter may hold the value: `ENOENT` when it does not.
    pub fn test(&self, value: &[u8]) -> Result<(), Errno> {
        self.fd.lookup(&[], &mut value.to_vec(), 0)
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`.
    pub fn take(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.take_with(key, 0)
    }

    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM` with flags.
    pub fn take_with(&self, key: &[u8], flags: u64) -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; self.value_len()];
        self.fd.take(key, &mut value, flags)?;
        Ok(value)
    }

    /// `BPF_MAP_DELETE_ELEM`.
    pub fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.fd.delete(key)
    }

    /// `BPF_MAP_GET_NEXT_KEY`: the key after `key`, the first for `None` and for
    /// a key that is not there; `ENOENT` after the last.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let mut next = vec![0; self.def.key_size as usize];
        self.fd.next_key(key, &mut next)?;
        Ok(next)
    }

    /// All keys, in the map's order.
    pub fn keys(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let mut keys = Vec::new();
        loop {
            match self.next_key(keys.last().map(Vec::as_slice)) {
                Ok(key) => keys.push(key),
                Err(Errno::ENOENT) => return Ok(keys),
                Err(errno) => return Err(errno),
            }
        }
    }

    /// All entries, in the map's order. Keys without a value (the empty slots of
    /// an array of maps) are left out.
    pub fn entries(&self) -> Result<Vec<Entry>, Errno> {
        let mut entries = Vec::new();
        for key in self.keys()? {
            match self.lookup(&key) {
                Ok(value) => entries.push((key, value)),
                Err(Errno::ENOENT) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(entries)
    }

    /// Takes everything out of a queue or stack, in the order of popping.
    pub fn pop_all(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let mut values = Vec::new();
        loop {
            match self.take(&[]) {
                Ok(value) => values.push(value),
                Err(Errno::ENOENT) => return Ok(values),
                Err(errno) => return Err(errno),
            }
        }
    }

    /// `BPF_MAP_FREEZE`: no more changes through the system call.
    pub fn freeze(&self) -> Result<(), Errno> {
        self.fd.freeze()
    }

    /// What Linux says of it.
    pub fn info(&self) -> Result<MapInfo, Errno> {
        self.fd.info().map(MapInfo::from)
    }

    /// Fills global data and freezes constants.
    pub(crate) fn fill(&self) -> Result<(), Errno> {
        if let Initial::Bytes(bytes) = &self.def.initial {
            self.update(&0u32.to_ne_bytes(), bytes, update::ANY)?;
        }
        match self.def.kind.is_constant() {
            true => self.freeze(),
            false => Ok(()),
        }
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
