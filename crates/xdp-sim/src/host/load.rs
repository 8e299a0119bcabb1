//! Putting an object on a host.

use std::collections::BTreeMap;

use abi::{MapDef, MapType, Pinning, ProgType, Program};
use vm::world::Cpu;
use vm::{Machine, MapId, World};

use super::dispatch::RunConfig;
use super::{Chained, Error, Host, InterfaceId, Loaded, ObjectId};

impl Host {
    /// Loads the programs of one object with their maps.
    ///
    /// Those that are not for XDP, that are optional or that cannot be loaded stay
    /// out ([`Host::left_out`]), but for the `needed` ones; entries of maps that
    /// should hold them stay empty. `freplace` programs are loaded as what libxdp
    /// takes them for: parts of a dispatcher.
    pub fn load(&mut self, programs: &[Program], needed: &[&str]) -> Result<ObjectId, Error> {
        let maps: &[MapDef] = programs.first().map_or(&[], |program| &program.maps);
        let btf = programs.first().and_then(|program| program.btf.clone());
        let shared = self.pinned(maps)?;
        let (programs, left_out) = together(maps, programs, needed, self.machine.world.cpu)?;
        let instance = self.machine.instantiate_with(maps, &shared, &programs)?;
        let rings = maps.iter().zip(&instance.maps);
        let rings = rings.filter(|(def, _)| def.map_type == MapType::Ringbuf);
        for (_, id) in rings {
            if !self.rings.contains(id) {
                self.rings.push(*id);
            }
        }
        self.objects.push(Loaded {
            instance,
            left_out,
            btf,
            configs: programs.iter().map(RunConfig::of).collect(),
            frags: programs.iter().map(|p| p.flags.xdp_frags).collect(),
        });
        Ok(ObjectId(self.objects.len() - 1))
    }

    /// Loads a program in place of the one of its name in an object, for those that
    /// are put on interfaces or into maps from now on. `maps` are those that it names
    /// by number, which may be of several objects: an extension brings its own along.
    pub fn replace(
        &mut self,
        object: ObjectId,
        program: &Program,
        maps: &[MapId],
    ) -> Result<(), Error> {
        let missing = || Error::NoProgram {
            name: program.name.clone(),
            known: self.programs(object).map(|(_, n)| n.to_owned()).collect(),
        };
        let old = self.program_named(object, &program.name);
        let old = old.ok_or_else(missing)?;
        let new = self
            .machine
            .load_program(program, maps)
            .map_err(vm::Error::from)?;
        if let Some(loaded) = self.objects.get_mut(object.0) {
            let mut programs = loaded.instance.programs.iter_mut();
            if let Some(place) = programs.find(|id| **id == old) {
                *place = new;
            }
        }
        Ok(())
    }

    /// The maps of the host that an object shares by the name that they are pinned
    /// by.
    fn pinned(&self, maps: &[MapDef]) -> Result<BTreeMap<usize, MapId>, Error> {
        let mut shared = BTreeMap::new();
        for (place, def) in maps.iter().enumerate() {
            if def.pinning != Pinning::ByName {
                continue;
            }
            let mut known = self.objects.iter().flat_map(|o| &o.instance.maps);
            let same = known.find_map(|id| {
                let map = self.machine.map(*id)?.def();
                (map.pinning == Pinning::ByName && map.name == def.name).then_some((*id, map))
            });
            let Some((id, map)) = same else {
                continue;
            };
            // As libbpf compares them before it reuses one.
            let alike = map.map_type == def.map_type
                && map.key_size == def.key_size
                && map.value_size == def.value_size
                && map.max_entries == def.max_entries
                && map.flags == def.flags;
            if !alike {
                return Err(Error::Pinned {
                    map: def.name.clone(),
                });
            }
            shared.insert(place, id);
        }
        Ok(shared)
    }

    /// Puts a program on an interface, alone.
    pub fn attach(
        &mut self,
        interface: InterfaceId,
        object: ObjectId,
        program: &str,
    ) -> Result<(), Error> {
        let chained = self.chained(object, program)?;
        self.free(interface, true)?.push(Chained {
            config: None,
            ..chained
        });
        Ok(())
    }

    /// Puts a program beside those that are on an interface, as libxdp does with its
    /// dispatcher: in the order of their priorities, and each next one runs if the
    /// one before it answered with one of its chain-call actions. `config` is used
    /// in place of the one that the object brings along.
    pub fn attach_beside(
        &mut self,
        interface: InterfaceId,
        object: ObjectId,
        program: &str,
        config: Option<RunConfig>,
    ) -> Result<(), Error> {
        let mut chained = self.chained(object, program)?;
        chained.config = config.or(chained.config);
        let chain = self.free(interface, false)?;
        let priority = |link: &Chained| link.config.map_or(0, |config| config.priority);
        // Those that are there already come first among equals.
        let place = chain.partition_point(|link| priority(link) <= priority(&chained));
        chain.insert(place, chained);
        Ok(())
    }

    /// Takes all programs off an interface.
    pub fn detach(&mut self, interface: InterfaceId) {
        if let Some(interface) = self.interfaces.get_mut(interface.0) {
            interface.chain.clear();
        }
    }

    /// Whether a program is marked for multi-buffer packets (`xdp.frags`).
    pub fn understands_frags(&self, program: vm::ProgId) -> bool {
        let mut objects = self.objects.iter().flat_map(|object| {
            let programs = object.instance.programs.iter();
            programs.zip(&object.frags)
        });
        objects.any(|(id, frags)| *id == program && *frags)
    }

    fn chained(&self, object: ObjectId, name: &str) -> Result<Chained, Error> {
        let missing = || Error::NoProgram {
            name: name.to_owned(),
            known: self.programs(object).map(|(_, n)| n.to_owned()).collect(),
        };
        let loaded = self.objects.get(object.0).ok_or_else(missing)?;
        let ids = loaded.instance.programs.iter().zip(&loaded.configs);
        let found = ids.into_iter().find(|(id, _)| {
            let known = self.machine.program_name(**id);
            known == Some(name)
        });
        let (program, config) = found.ok_or_else(missing)?;
        Ok(Chained {
            program: *program,
            config: Some(*config),
        })
    }

    /// The programs of an interface that has room for one more.
    fn free(&mut self, id: InterfaceId, alone: bool) -> Result<&mut Vec<Chained>, Error> {
        let known = || self.interfaces.iter().map(|i| i.name.clone()).collect();
        let Some(interface) = self.interfaces.get(id.0) else {
            return Err(Error::NoInterface {
                name: format!("number {}", id.0),
                known: known(),
            });
        };
        let there = interface.chain.first();
        if let Some(there) = there.filter(|there| alone || there.config.is_none()) {
            let program = self.machine.program_name(there.program).unwrap_or("?");
            return Err(Error::Busy {
                interface: interface.name.clone(),
                program: program.to_owned(),
            });
        }
        if interface.chain.len() >= RunConfig::MAX_PROGRAMS {
            return Err(Error::Full {
                interface: interface.name.clone(),
            });
        }
        Ok(&mut self.interfaces[id.0].chain)
    }
}

/// The needed programs and those beside them that can be loaded with them.
fn together(
    maps: &[MapDef],
    programs: &[Program],
    needed: &[&str],
    cpu: Cpu,
) -> Result<(Vec<Program>, Vec<vm::LoadError>), Error> {
    // Tried in a machine of its own, so that nothing of a failure stays behind.
    let mut trial = Machine::new(World {
        cpu,
        ..World::default()
    })?;
    let maps = trial.instantiate(maps, &[])?.maps;
    let mut loadable = Vec::new();
    let mut left_out = Vec::new();
    for program in programs {
        let beside = !needed.contains(&program.name.as_str());
        let mut program = program.clone();
        if program.prog_type == ProgType::Ext && !beside {
            program.prog_type = ProgType::Xdp;
        }
        if beside && (program.prog_type != ProgType::Xdp || program.optional) {
            continue;
        }
        match trial.load_program(&program, &maps) {
            Err(error) if beside => left_out.push(error),
            _ => loadable.push(program),
        }
    }
    Ok((loadable, left_out))
}
