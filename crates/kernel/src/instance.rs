//! A whole object in the running kernel: maps with what they hold at first,
//! then programs, then the entries that name programs.

use std::os::fd::{AsFd, AsRawFd};

use abi::{Errno, Initial, InitialEntry, MapDef, Program};

use crate::map::update;
use crate::{Kernel, LoadError, LoadOptions, Loaded, LoadedBtf, Map, Refusal};

/// The maps and programs of one object.
#[derive(Debug)]
pub struct Instance {
    /// One for each map of the object, in its order.
    pub maps: Vec<Map>,
    /// One for each program that was given, in order; some may be refused.
    pub programs: Vec<Result<Loaded, LoadError>>,
}

/// Why an object is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// Linux refuses the object's types.
    #[error("BTF: {0}")]
    Btf(#[source] Refusal),
    /// Linux refuses a map.
    #[error("map {map}: {refusal}")]
    Map {
        /// Its name.
        map: String,
        /// Linux's answer.
        refusal: Refusal,
    },
    /// Linux refuses what a map should hold at first.
    #[error("map {map}: its contents: {errno}")]
    Contents {
        /// Its name.
        map: String,
        /// Linux's answer.
        errno: Errno,
    },
    /// Linux refuses an entry that a map should hold at first.
    #[error("map {map}: slot {slot}: {errno}")]
    Entry {
        /// Its name.
        map: String,
        /// The key.
        slot: u32,
        /// Linux's answer, `EBADF` when the entry names nothing.
        errno: Errno,
    },
}

impl Instance {
    /// The first map with this name.
    pub fn map(&self, name: &str) -> Option<&Map> {
        self.maps.iter().find(|map| map.def().name == name)
    }

    /// The first program with this name, if it is loaded.
    pub fn program(&self, name: &str) -> Option<&Loaded> {
        let mut loaded = self.programs.iter().filter_map(|p| p.as_ref().ok());
        loaded.find(|program| program.name() == name)
    }
}

impl Kernel {
    /// Makes the maps of an object with what they hold at first, loads programs
    /// of it, and fills its program arrays.
    ///
    /// `programs` refer to `maps` by index; entries of program arrays whose
    /// program is not there stay empty. A program that is refused keeps nothing
    /// else from being made.
    ///
    /// # Errors
    ///
    /// When Linux refuses a map or its contents.
    pub fn instantiate(
        &self,
        maps: &[MapDef],
        programs: &[Program],
    ) -> Result<Instance, InstanceError> {
        self.instantiate_with(maps, programs, &LoadOptions::default())
    }

    /// As [`Kernel::instantiate`], with options for loading the programs.
    ///
    /// # Errors
    ///
    /// As [`Kernel::instantiate`].
    pub fn instantiate_with(
        &self,
        maps: &[MapDef],
        programs: &[Program],
        options: &LoadOptions<'_>,
    ) -> Result<Instance, InstanceError> {
        let own_btf = match options.btf {
            None if !options.without_btf => self.common_btf(programs)?,
            _ => None,
        };
        let btf = options.btf.or(own_btf.as_ref());
        let mut live = Vec::new();
        for def in maps {
            live.push(self.create_filled(def, btf)?);
        }
        for map in &live {
            fill_with_maps(map, &live)?;
        }
        let options = LoadOptions { btf, ..*options };
        let loaded: Vec<_> = programs
            .iter()
            .map(|program| self.load(program, &live, &options))
            .collect();
        let instance = Instance {
            maps: live,
            programs: loaded,
        };
        for map in &instance.maps {
            fill_with_programs(map, &instance)?;
        }
        Ok(instance)
    }

    /// The types that the programs of an object share.
    fn common_btf(&self, programs: &[Program]) -> Result<Option<LoadedBtf>, InstanceError> {
        let Some(btf) = programs.iter().find_map(|program| program.btf.as_ref()) else {
            return Ok(None);
        };
        self.load_btf(btf).map(Some).map_err(InstanceError::Btf)
    }

    fn create_filled(&self, def: &MapDef, btf: Option<&LoadedBtf>) -> Result<Map, InstanceError> {
        let map = self.create_map(def, btf);
        let map = map.map_err(|refusal| InstanceError::Map {
            map: def.name.clone(),
            refusal,
        })?;
        map.fill().map_err(|errno| InstanceError::Contents {
            map: def.name.clone(),
            errno,
        })?;
        Ok(map)
    }
}

fn fill_with_maps(map: &Map, maps: &[Map]) -> Result<(), InstanceError> {
    for entry in entries(map) {
        if let InitialEntry::Map { slot, map: index } = entry {
            let held = maps.get(*index).ok_or_else(|| InstanceError::Entry {
                map: map.def().name.clone(),
                slot: *slot,
                errno: Errno::EBADF,
            })?;
            put(map, *slot, held)?;
        }
    }
    Ok(())
}

fn fill_with_programs(map: &Map, instance: &Instance) -> Result<(), InstanceError> {
    for entry in entries(map) {
        if let InitialEntry::Program { slot, program } = entry
            && let Some(held) = instance.program(program)
        {
            put(map, *slot, held)?;
        }
    }
    Ok(())
}

/// Puts a map or program into a slot.
fn put(map: &Map, slot: u32, held: &impl AsFd) -> Result<(), InstanceError> {
    let fd = held.as_fd().as_raw_fd();
    let filled = map.update(&slot.to_ne_bytes(), &fd.to_ne_bytes(), update::ANY);
    filled.map_err(|errno| InstanceError::Entry {
        map: map.def().name.clone(),
        slot,
        errno,
    })
}

fn entries(map: &Map) -> &[InitialEntry] {
    match &map.def().initial {
        Initial::Entries(entries) => entries,
        Initial::Empty | Initial::Bytes(_) => &[],
    }
}
