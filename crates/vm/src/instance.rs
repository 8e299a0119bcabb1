//! Putting an object into a machine: maps with what they hold at first, then
//! programs, then the entries that name programs.

use std::collections::BTreeMap;

use abi::{Initial, InitialEntry, MapDef, ProgType, Program};
use isa::{CodeError, Pc};

use crate::interp::{Resolve, load};
use crate::machine::{Error, Machine, ProgId};
use crate::map::{self, Lookup, MapError, MapId, update};
use crate::memory::{Addr, OutOfSpace};

/// Why a program cannot be run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A helper that is not simulated, or that Linux does not have.
    #[error("program {program}: {pc}: {helper} is not simulated{}", because(*.why))]
    Helper {
        /// Program name.
        program: String,
        /// The call.
        pc: Pc,
        /// Name, or number where there is no name.
        helper: String,
        /// Why, where there is more to say.
        why: Option<&'static str>,
    },
    /// A helper that Linux does not offer to programs of this type.
    #[error("program {program}: {pc}: Linux does not offer {helper} to {prog_type} programs")]
    NotAllowed {
        /// Program name.
        program: String,
        /// The call.
        pc: Pc,
        /// Name of the helper.
        helper: String,
        /// Type of the program.
        prog_type: ProgType,
    },
    /// A strong reference to something of the kernel that is not simulated.
    #[error("program {program}: {pc}: {what} {name} is not simulated{}", because(*.why))]
    Extern {
        /// Program name.
        program: String,
        /// The instruction that names it.
        pc: Pc,
        /// What kind of thing it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// Why, where there is more to say.
        why: Option<&'static str>,
    },
    /// A reference to a map, by index or descriptor, that the program does not
    /// have, or to the value of a map that does not have a single one.
    #[error("program {program}: {pc}: there is no map number {number} that could be used so")]
    Map {
        /// Program name.
        program: String,
        /// The instruction that names it.
        pc: Pc,
        /// Index or descriptor.
        number: i32,
    },
    /// Control would leave the program.
    #[error("program {program}: {source}")]
    Structure {
        /// Program name.
        program: String,
        /// What is wrong.
        source: CodeError,
    },
    /// No memory for the stacks of its functions.
    #[error("program {program}: {source}")]
    Space {
        /// Program name.
        program: String,
        /// What is missing.
        source: OutOfSpace,
    },
    /// More functions are used as callbacks than the machine has addresses for.
    #[error("more callback functions than a machine can hold")]
    TooManyFunctions,
    /// An entry that a map should hold at first names nothing.
    #[error("map {map}: slot {slot} should hold {what}, which was not given")]
    Initial {
        /// Name of the map.
        map: String,
        /// Key of the entry.
        slot: u32,
        /// What is missing.
        what: String,
    },
    /// Linux does not take an entry that a map should hold at first.
    #[error("map {map}: Linux refuses what slot {slot} should hold: {errno}")]
    Refused {
        /// Name of the map.
        map: String,
        /// Key of the entry.
        slot: u32,
        /// Linux's answer.
        errno: abi::Errno,
    },
}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

impl LoadError {
    /// The program that cannot be run, where it is one.
    pub fn program(&self) -> Option<&str> {
        match self {
            LoadError::Helper { program, .. }
            | LoadError::NotAllowed { program, .. }
            | LoadError::Extern { program, .. }
            | LoadError::Map { program, .. }
            | LoadError::Structure { program, .. }
            | LoadError::Space { program, .. } => Some(program),
            _ => None,
        }
    }
}

/// The maps and programs of one object in a machine.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// One for each map of the object, in its order.
    pub maps: Vec<MapId>,
    /// One for each program that was given, in order.
    pub programs: Vec<ProgId>,
}

impl Machine {
    /// Makes the maps of an object with what they hold at first, loads programs
    /// of it, and fills its program arrays.
    ///
    /// `programs` refer to `maps` by index; entries of program arrays whose
    /// program was not given stay empty, as when it is not loaded.
    pub fn instantiate(
        &mut self,
        maps: &[MapDef],
        programs: &[Program],
    ) -> Result<Instance, Error> {
        self.instantiate_with(maps, &BTreeMap::new(), programs)
    }

    /// The same, but for maps that are there already, by their place among those of
    /// the object: they stay as they are.
    pub fn instantiate_with(
        &mut self,
        maps: &[MapDef],
        shared: &BTreeMap<usize, MapId>,
        programs: &[Program],
    ) -> Result<Instance, Error> {
        let mut instance = Instance::default();
        for (place, def) in maps.iter().enumerate() {
            let id = match shared.get(&place) {
                Some(id) => *id,
                None => self.create_map(def)?,
            };
            instance.maps.push(id);
        }
        for (place, (def, id)) in maps.iter().zip(&instance.maps).enumerate() {
            if !shared.contains_key(&place) {
                self.fill_with_maps(def, *id, &instance.maps)?;
            }
        }
        for program in programs {
            let id = self.load_program(program, &instance.maps)?;
            instance.programs.push(id);
        }
        for (def, id) in maps.iter().zip(&instance.maps) {
            self.fill_with_programs(def, *id, programs, &instance.programs)?;
        }
        Ok(instance)
    }

    /// Makes a map. Entries that name other maps or programs are not filled in.
    pub fn create_map(&mut self, def: &MapDef) -> Result<MapId, MapError> {
        let id = MapId(self.maps.len() as u32);
        let room = MapId::from_handle(id.handle().to_reg()) == Some(id);
        if !room {
            return Err(MapError::Space {
                map: def.name.clone(),
                source: crate::memory::OutOfSpace { bytes: 0 },
            });
        }
        let map = map::create(&mut self.space, id, def, self.world.cpu.count)?;
        self.lookups.push(Lookup::of(&*map));
        self.maps.push(map);
        Ok(id)
    }

    /// Loads a program; `maps` are those that its instructions name by index.
    pub fn load_program(&mut self, program: &Program, maps: &[MapId]) -> Result<ProgId, LoadError> {
        let id = ProgId(self.programs.len() as u32);
        let mut resolver = Resolver {
            machine: self,
            program: id,
            maps,
        };
        let loaded = load(program, &mut resolver).and_then(|loaded| {
            if loaded.nests_programs() {
                self.deepen().map_err(|source| LoadError::Space {
                    program: program.name.clone(),
                    source,
                })?;
            }
            Ok(loaded)
        });
        match loaded {
            Ok(loaded) => {
                self.programs.push(loaded);
                Ok(id)
            }
            Err(error) => {
                self.forget_functions(id);
                Err(error)
            }
        }
    }

    fn fill_with_maps(&mut self, def: &MapDef, id: MapId, maps: &[MapId]) -> Result<(), LoadError> {
        for entry in entries(def) {
            let InitialEntry::Map { slot, map } = entry else {
                continue;
            };
            let value = maps.get(*map).ok_or_else(|| LoadError::Initial {
                map: def.name.clone(),
                slot: *slot,
                what: format!("map number {map}"),
            })?;
            self.fill(def, id, *slot, value.0)?;
        }
        Ok(())
    }

    fn fill_with_programs(
        &mut self,
        def: &MapDef,
        id: MapId,
        programs: &[Program],
        ids: &[ProgId],
    ) -> Result<(), LoadError> {
        for entry in entries(def) {
            let InitialEntry::Program { slot, program } = entry else {
                continue;
            };
            let named = programs.iter().zip(ids).find(|(p, _)| p.name == *program);
            if let Some((_, value)) = named {
                self.fill(def, id, *slot, value.0)?;
            }
        }
        Ok(())
    }

    fn fill(&mut self, def: &MapDef, id: MapId, slot: u32, value: u32) -> Result<(), LoadError> {
        let (key, value) = (slot.to_le_bytes(), value.to_le_bytes());
        let filled = map::sys_update(
            &mut self.maps,
            &mut self.space,
            id,
            &key,
            &value,
            update::ANY,
        );
        filled.map_err(|errno| LoadError::Refused {
            map: def.name.clone(),
            slot,
            errno,
        })
    }
}

fn entries(def: &MapDef) -> &[InitialEntry] {
    match &def.initial {
        Initial::Entries(entries) => entries,
        Initial::Empty | Initial::Bytes(_) => &[],
    }
}

struct Resolver<'a> {
    machine: &'a mut Machine,
    program: ProgId,
    maps: &'a [MapId],
}

impl Resolver<'_> {
    fn id(&self, index: i32) -> Option<MapId> {
        let index = usize::try_from(index).ok()?;
        self.maps.get(index).copied()
    }
}

impl Resolve for Resolver<'_> {
    fn map(&mut self, index: i32) -> Option<Addr> {
        self.id(index).map(MapId::handle)
    }

    fn map_value(&mut self, index: i32) -> Option<Addr> {
        let direct = self.machine.map(self.id(index)?)?.direct()?;
        (direct.entries == 1 && direct.cpu_stride == 0).then_some(direct.base)
    }

    fn function(&mut self, number: usize) -> Option<Addr> {
        self.machine.function_address(self.program, number)
    }
}
