//! A space with maps in it, and short ways to define them.

use abi::{Errno, MapDef, MapFlags, MapType};
use vm::map::{self, Map, MapError, MapId};
use vm::memory::{Access, Addr, Space};

/// CPUs of the kernel that was asked.
pub(crate) const CPUS: u32 = 2;

/// A map without BTF, inner map and contents.
pub(crate) fn def(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapDef {
    MapDef {
        name: map_type.name().into(),
        flags: MapFlags(match map_type {
            MapType::LpmTrie => MapFlags::NO_PREALLOC.0,
            _ => 0,
        }),
        ..MapDef::bare(map_type, key_size, value_size, max_entries)
    }
}

/// The type that bpftool calls `name`.
pub(crate) fn map_type(name: &str) -> MapType {
    let mut all = MapType::ALL.iter();
    *all.find(|t| t.name() == name).unwrap()
}

/// Maps and their memory.
pub(crate) struct Maps {
    pub(crate) space: Space,
    pub(crate) maps: Vec<Box<dyn Map>>,
}

impl Maps {
    pub(crate) fn new() -> Maps {
        Maps {
            space: Space::new().unwrap(),
            maps: Vec::new(),
        }
    }

    /// A space with this one map.
    pub(crate) fn with(def: &MapDef) -> Maps {
        let mut maps = Maps::new();
        maps.create(def).unwrap();
        maps
    }

    pub(crate) fn create(&mut self, def: &MapDef) -> Result<MapId, MapError> {
        let id = MapId(self.maps.len() as u32);
        self.maps.push(map::create(&mut self.space, id, def, CPUS)?);
        Ok(id)
    }

    /// The last map.
    pub(crate) fn last(&mut self) -> &mut dyn Map {
        &mut **self.maps.last_mut().unwrap()
    }

    pub(crate) fn sys_update(&mut self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        let id = MapId(self.maps.len() as u32 - 1);
        map::sys_update(&mut self.maps, &mut self.space, id, key, value, flags)
    }

    pub(crate) fn sys_lookup(&mut self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let map = self.maps.last_mut().unwrap();
        map.sys_lookup(&mut self.space, key)
    }

    pub(crate) fn update(
        &mut self,
        cpu: u32,
        key: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        let map = self.maps.last_mut().unwrap();
        map.update(&mut self.space, cpu, key, value, flags)
    }

    pub(crate) fn lookup(&mut self, cpu: u32, key: &[u8]) -> Option<Addr> {
        let map = self.maps.last_mut().unwrap();
        map.lookup(&self.space, cpu, key)
    }

    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<(), Errno> {
        let map = self.maps.last_mut().unwrap();
        map.delete(&self.space, key)
    }

    pub(crate) fn next_key(&mut self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        let map = self.maps.last_mut().unwrap();
        let mut next = vec![0; map.def().key_size as usize];
        map.next_key(&self.space, key, &mut next).map(|()| next)
    }

    /// All entries in the map's order.
    pub(crate) fn entries(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        map::entries(&mut **self.maps.last_mut().unwrap(), &mut self.space)
    }

    /// Whether a program may make this access.
    pub(crate) fn allows(&self, addr: Addr, size: u32, access: Access) -> bool {
        self.space.check(addr.to_reg(), size, access).is_ok()
    }

    /// What a program reads at `addr`.
    pub(crate) fn read_u64(&self, addr: Addr) -> u64 {
        u64::from_le_bytes(self.space.load(addr.to_reg()).unwrap())
    }
}
