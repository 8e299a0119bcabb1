//! Objects as a scenario wants them: loaded, with variables and map sizes set,
//! and judged.

use std::path::Path;
use std::sync::Arc;

use abi::{MapDef, MapKind, ProgType, Program, Proven};
use btf::{Btf, Kind, TypeId};
use loader::{Global, Object, Options};
use verifier::{Config, Verdict};
use xdp_sim::RunConfig;

use super::stage::MapRef;
use crate::file::{Error, Problem, Spot};
use crate::model::{ChainSpec, Interface, Name, ObjectSpec, ReplaceSpec, Scenario};
use crate::typed::{Typed, Wrong};

/// The objects of a scenario, loaded: what its names mean.
#[derive(Debug)]
pub struct Prepared {
    /// The objects, in the scenario's order.
    pub objects: Vec<LoadedObject>,
    /// For each interface of the scenario, the programs on it.
    pub attached: Vec<Vec<Attached>>,
    /// Programs of which functions are replaced.
    pub replaced: Vec<Replaced>,
    /// What the verifier found to hold of programs: object, name.
    pub verified: Vec<(usize, String, Proven)>,
    /// What a person should know beside the result.
    pub notes: Vec<String>,
}

/// A program of which functions are replaced (`freplace`), in place of the original.
#[derive(Debug)]
pub struct Replaced {
    /// The object of the program, by its place.
    pub object: usize,
    /// The program, linked with what replaces its functions.
    pub program: Program,
    /// Its maps, of its own object and those of the others.
    pub maps: Vec<MapRef>,
    /// Where the scenario says so.
    spot: Spot,
}

/// A program on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The object, by its place.
    pub object: usize,
    /// The program's name.
    pub program: String,
    /// How a dispatcher runs it; `None` for one that is there alone.
    pub dispatched: Option<RunConfig>,
}

/// An object, loaded.
#[derive(Debug)]
pub struct LoadedObject {
    /// What the scenario calls it.
    pub name: String,
    /// The host that it is on, by its place.
    pub host: usize,
    /// What the scenario calls that.
    pub host_name: String,
    /// Its programs that can be had.
    pub programs: Vec<Program>,
    /// Its maps, as all of its programs know them.
    pub maps: Vec<MapDef>,
    /// Its variables.
    pub globals: Vec<Global>,
    /// Its types.
    pub btf: Option<Arc<Btf>>,
}

impl Prepared {
    /// Loads the objects of a scenario and verifies the programs on interfaces.
    ///
    /// # Errors
    ///
    /// Objects that cannot be loaded, names that they do not have, programs that
    /// Linux would refuse.
    pub fn new(scenario: &Scenario) -> Result<Prepared, Error> {
        let mut prepared = Prepared {
            objects: Vec::new(),
            attached: Vec::new(),
            replaced: Vec::new(),
            verified: Vec::new(),
            notes: Vec::new(),
        };
        for spec in &scenario.objects {
            let object = load(scenario, spec)?;
            prepared.objects.push(object);
        }
        for spec in &scenario.replacements {
            let replaced = prepared.replace(spec);
            replaced.map_err(|(spot, problem)| at(scenario, spot, problem))?;
        }
        for interface in &scenario.interfaces {
            let mut attached = Vec::new();
            for link in &interface.chain {
                let (name, object) = (Some(&link.program), link.object.as_ref());
                let mut place = prepared.attach(scenario, interface, name, object)?;
                let fits = prepared.fits_dispatcher(&place);
                fits.map_err(|problem| at(scenario, &link.program.spot, problem))?;
                place.dispatched = Some(prepared.run_config(&place, link));
                attached.push(place);
            }
            if interface.program.is_some() || interface.object.is_some() {
                let (name, object) = (interface.program.as_ref(), interface.object.as_ref());
                attached.push(prepared.attach(scenario, interface, name, object)?);
            }
            prepared.attached.push(attached);
        }
        // The only program of the only object needs no name.
        if prepared.attached.iter().all(Vec::is_empty) {
            let first = scenario.interfaces.first().cloned().unwrap_or_default();
            let object = scenario.objects.first().map(|o| o.spot.clone());
            let first = Interface {
                spot: object.unwrap_or_default(),
                ..first
            };
            let place = prepared.attach(scenario, &first, None, None)?;
            match prepared.attached.first_mut() {
                Some(first) => first.push(place),
                None => prepared.attached.push(vec![place]),
            }
        }
        if !scenario.unverified {
            prepared.verify(scenario)?;
        }
        Ok(prepared)
    }

    /// Links a program with what replaces one of its functions, on every host that has
    /// it.
    fn replace<'a>(&mut self, spec: &'a ReplaceSpec) -> Result<(), (&'a Spot, Problem)> {
        let ReplaceSpec {
            function: place,
            program: extension,
            object: of,
        } = spec;
        let fail = |problem| (&place.spot, problem);
        let (rest, function) = place.text.rsplit_once(':').unwrap_or(("", &place.text));
        let (owner, name) = rest.rsplit_once(':').unwrap_or(("", rest));
        let objects = self.objects.iter().enumerate();
        let here = objects.filter(|(_, object)| object.is(owner));
        let named = |object: &LoadedObject, name: &str| {
            let mut programs = object.programs.iter();
            programs.find(|program| program.name == name).cloned()
        };
        let targets = here
            .clone()
            .filter_map(|(place, object)| Some((place, named(object, name)?)));
        let targets: Vec<(usize, Program)> = targets.collect();
        if targets.is_empty() {
            let known =
                here.flat_map(|(_, object)| object.programs.iter().map(|p| p.name.as_str()));
            return Err(fail(Problem::unknown(
                "program",
                name,
                known.collect::<Vec<_>>(),
            )));
        }
        for (target, original) in targets {
            let host = self.objects[target].host;
            let sources = self.objects.iter().enumerate().filter(|(_, object)| {
                let wanted = of.as_ref().is_none_or(|of| object.name == of.text);
                object.host == host && wanted
            });
            let mut found = sources
                .clone()
                .filter_map(|(place, object)| Some((place, named(object, &extension.text)?)));
            let Some((source, extending)) = found.next() else {
                let known = sources.flat_map(|(_, object)| &object.programs);
                let known = known.filter(|program| program.prog_type == ProgType::Ext);
                let known: Vec<&str> = known.map(|program| program.name.as_str()).collect();
                let problem = Problem::unknown("freplace program", &extension.text, known);
                return Err((&extension.spot, problem));
            };
            let maps = |object: usize| {
                (0..self.objects[object].maps.len()).map(move |map| MapRef { object, map })
            };
            let before = self
                .replaced
                .iter()
                .position(|known| known.object == target && known.program.name == name);
            let mut replaced = match before {
                Some(before) => self.replaced.remove(before),
                None => Replaced {
                    object: target,
                    program: original,
                    maps: maps(target).collect(),
                    spot: extension.spot.clone(),
                },
            };
            let linked = loader::replace_function(&replaced.program, function, &extending);
            let linked =
                linked.map_err(|error| (&extension.spot, Problem::Extension(Box::new(error))))?;
            replaced.program = linked;
            replaced.maps.extend(maps(source));
            self.replaced.push(replaced);
        }
        Ok(())
    }

    /// The object and program that names mean.
    fn attach(
        &self,
        scenario: &Scenario,
        interface: &Interface,
        program: Option<&Name>,
        object: Option<&Name>,
    ) -> Result<Attached, Error> {
        let spot = &interface.spot;
        let host = interface.host;
        let place = match object {
            Some(name) => self
                .object_named(name, host)
                .map_err(|p| at(scenario, &name.spot, p))?,
            None => {
                let here = |o: &LoadedObject| o.host == host;
                let has = |o: &LoadedObject| {
                    let named = |p: &Program| program.is_some_and(|name| p.name == name.text);
                    here(o) && o.programs.iter().any(named)
                };
                let found = self.objects.iter().position(has);
                let first = || self.objects.iter().position(here);
                found.or_else(first).unwrap_or(usize::MAX)
            }
        };
        let Some(object) = self.objects.get(place) else {
            let problem = Problem::MissingKey {
                key: "object",
                what: "the compiled object to test",
            };
            return Err(at(scenario, spot, problem));
        };
        let fit = object.programs.iter();
        let fit: Vec<&str> = fit
            .filter(|p| xdp_sim::attachable(p).is_ok())
            .map(|p| p.name.as_str())
            .collect();
        let name = match program {
            Some(name) => {
                let found = object.programs.iter().find(|p| p.name == name.text);
                let Some(found) = found else {
                    let problem = Problem::unknown("program", &name.text, fit);
                    return Err(at(scenario, &name.spot, problem));
                };
                xdp_sim::attachable(found).map_err(|e| at(scenario, &name.spot, e.into()))?;
                name.text.clone()
            }
            None => match fit[..] {
                [only] => only.to_owned(),
                _ => {
                    let problem = Problem::Expected {
                        expected: format!("`program`, one of: {}", fit.join(", ")),
                        found: "none".to_owned(),
                    };
                    return Err(at(scenario, spot, problem));
                }
            },
        };
        Ok(Attached {
            object: place,
            program: name,
            dispatched: None,
        })
    }

    /// Whether a dispatcher could be extended by a program that is written for one.
    fn fits_dispatcher(&self, place: &Attached) -> Result<(), Problem> {
        let object = self.objects.get(place.object);
        let mut programs = object.iter().flat_map(|object| &object.programs);
        let program = programs.find(|program| program.name == place.program);
        match program.filter(|program| program.prog_type == ProgType::Ext) {
            Some(program) => loader::fits_dispatcher(program)
                .map_err(|error| Problem::Extension(Box::new(error))),
            None => Ok(()),
        }
    }

    /// How a dispatcher runs a program: as the scenario says, or its object.
    fn run_config(&self, place: &Attached, link: &ChainSpec) -> RunConfig {
        let object = self.objects.get(place.object);
        let mut programs = object.iter().flat_map(|object| &object.programs);
        let program = programs.find(|program| program.name == place.program);
        let said = program.map(RunConfig::of).unwrap_or_default();
        RunConfig {
            priority: link.priority.unwrap_or(said.priority),
            chain_call_actions: link.chain_call_actions.unwrap_or(said.chain_call_actions),
        }
    }

    /// Asks the verifier about the programs on interfaces.
    fn verify(&mut self, scenario: &Scenario) -> Result<(), Error> {
        let config = Config {
            cpus: scenario.world.cpus,
            ..Config::default()
        };
        let all = self.attached.iter().enumerate();
        let all = all.flat_map(|(place, attached)| attached.iter().map(move |a| (place, a)));
        for (place, attached) in all {
            let Attached {
                object,
                program: name,
                dispatched,
            } = attached;
            let programs = &self.objects[*object].programs;
            let Some(program) = programs.iter().find(|p| p.name == *name) else {
                continue;
            };
            // What replaces a function of a dispatcher is held to its rules.
            let part;
            let program = match program.prog_type {
                ProgType::Ext => {
                    part = Program {
                        prog_type: ProgType::Xdp,
                        attach_target: String::new(),
                        ..program.clone()
                    };
                    &part
                }
                _ => program,
            };
            // Whoever asks the device is loaded for it.
            let bound;
            let program = match asks_device(program) {
                true => {
                    bound = bound_to_device(program);
                    &bound
                }
                false => program,
            };
            let verdict = verifier::verify(program, &config, None);
            // What replaces functions is held to the rules of those.
            let mut replaced = self.replaced.iter();
            let replaced = replaced.find(|r| r.object == *object && r.program.name == *name);
            let (verdict, name, named) = match (verdict, replaced) {
                (Verdict::Accepted(_), Some(replaced)) => {
                    let verdict = verifier::verify(&replaced.program, &config, None);
                    (verdict, name, Some(replaced.spot.clone()))
                }
                (verdict, _) => (verdict, name, None),
            };
            match verdict {
                Verdict::Accepted(acceptance) => {
                    let proven = acceptance.into_proven();
                    self.verified.push((*object, name.clone(), proven));
                }
                Verdict::Refused(rejection) => {
                    let message = rejection.reason.to_string();
                    let sentence = message.lines().next_back().unwrap_or_default();
                    let problem = Problem::Refused {
                        program: name.clone(),
                        sentence: sentence.to_owned(),
                    };
                    let interface = scenario.interfaces.get(place);
                    let of_interface = || {
                        interface.and_then(|i| match dispatched {
                            None => Some(i.program.as_ref()?.spot.clone()),
                            Some(_) => {
                                let mut chain = i.chain.iter();
                                Some(
                                    chain
                                        .find(|c| c.program.text == *name)?
                                        .program
                                        .spot
                                        .clone(),
                                )
                            }
                        })
                    };
                    let object = scenario.objects.first().map(|o| o.spot.clone());
                    let spot = named.or_else(of_interface).or(object).unwrap_or_default();
                    return Err(at(scenario, &spot, problem));
                }
                Verdict::Unsupported(undecided) => self.notes.push(format!(
                    "program {name} is not verified: it uses {}",
                    undecided.unsupported.feature
                )),
            }
        }
        Ok(())
    }

    fn object_named(&self, name: &Name, host: usize) -> Result<usize, Problem> {
        let mut objects = self.objects.iter();
        let found = objects.position(|o| o.name == name.text && o.host == host);
        let here = self.objects.iter().filter(|o| o.host == host);
        let known = here.map(|o| o.name.as_str());
        found.ok_or_else(|| Problem::unknown("object", &name.text, known))
    }

    /// The map of this name, `map`, `object:map`, `host:map` or `host:object:map`.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub fn map(&self, name: &str) -> Result<(MapRef, &MapDef), Problem> {
        let (owner, name) = name.rsplit_once(':').unwrap_or(("", name));
        let objects = self.objects.iter().enumerate();
        let maps = objects
            .filter(|(_, o)| o.is(owner))
            .flat_map(|(object, o)| {
                let maps = o.maps.iter().enumerate();
                maps.map(move |(map, def)| (MapRef { object, map }, def))
            });
        let mut known = Vec::new();
        for (place, def) in maps {
            if def.name == name {
                return Ok((place, def));
            }
            if def.kind == MapKind::User {
                known.push(def.name.as_str());
            }
        }
        Err(Problem::unknown("map", name, known))
    }

    /// The definition of a map.
    pub fn def(&self, map: MapRef) -> Option<&MapDef> {
        self.objects.get(map.object)?.maps.get(map.map)
    }

    /// The variable of this name, in the forms that a map has, and its map.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub fn global(&self, name: &str) -> Result<(MapRef, &Global), Problem> {
        let (owner, name) = name.rsplit_once(':').unwrap_or(("", name));
        let objects = self.objects.iter().enumerate();
        let objects = objects.filter(|(_, o)| o.is(owner));
        let mut known = Vec::new();
        for (object, loaded) in objects {
            for global in &loaded.globals {
                if global.name == name {
                    let map = global.map;
                    return Ok((MapRef { object, map }, global));
                }
                known.push(global.name.as_str());
            }
        }
        Err(Problem::unknown("global variable", name, known))
    }

    /// The type of a map's keys.
    pub(crate) fn key_type(&self, map: MapRef) -> Option<Typed<'_>> {
        let def = self.def(map)?;
        Some(self.typed(map.object, def.key_type, def.key_size))
    }

    /// The type of a map's values.
    pub(crate) fn value_type(&self, map: MapRef) -> Option<Typed<'_>> {
        let def = self.def(map)?;
        Some(self.typed(map.object, def.value_type, def.value_size))
    }

    /// The type of this name, with or without `struct`.
    pub(crate) fn type_named(&self, object: usize, name: &str) -> Option<Typed<'_>> {
        let btf = self.objects.get(object)?.btf.as_deref()?;
        let name = name.strip_prefix("struct ").unwrap_or(name);
        let kinds = [
            Kind::Struct,
            Kind::Union,
            Kind::Typedef,
            Kind::Int,
            Kind::Enum,
        ];
        let ty = kinds.into_iter().find_map(|kind| btf.find(name, kind))?;
        Some(self.typed(object, ty, btf.size_of(ty)?))
    }

    pub(crate) fn typed(&self, object: usize, ty: TypeId, size: u32) -> Typed<'_> {
        let btf = self.objects.get(object).and_then(|o| o.btf.as_deref());
        Typed { btf, ty, size }
    }
}

impl LoadedObject {
    /// Whether `object`, `host` or `host:object` means it; nothing means any.
    fn is(&self, owner: &str) -> bool {
        match owner.split_once(':') {
            None => [&self.name, &self.host_name].iter().any(|n| *n == owner) || owner.is_empty(),
            Some((host, object)) => self.host_name == host && self.name == object,
        }
    }
}

/// Whether a program calls a kernel function that only programs for one device may
/// call.
fn asks_device(program: &Program) -> bool {
    let named = program.externs.iter();
    let known = named.filter_map(|named| abi::kfuncs::by_name(&named.name));
    known.into_iter().any(abi::kfuncs::Kfunc::asks_device)
}

/// The program as it is loaded for one device.
fn bound_to_device(program: &Program) -> Program {
    let mut program = program.clone();
    program.flags.device_bound = true;
    program
}

/// An error at a place of the scenario.
pub(crate) fn at(scenario: &Scenario, spot: &Spot, problem: Problem) -> Error {
    Error::at(scenario.source.as_ref(), &spot.span, problem)
}

/// A value that has not the type it should have.
pub(crate) fn wrong(scenario: &Scenario, (span, problem): Wrong) -> Error {
    Error::at(
        scenario.source.as_ref(),
        &span,
        Problem::Contents(Box::new(problem)),
    )
}

fn load(scenario: &Scenario, spec: &ObjectSpec) -> Result<LoadedObject, Error> {
    let fail = |problem| at(scenario, &spec.spot, problem);
    let bytes = read(&spec.path).map_err(fail)?;
    let target_btf = match &spec.btf {
        Some(path) => {
            let bytes = read(path).map_err(fail)?;
            let btf = loader::read_btf(&bytes).map_err(|error| {
                let error = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
                let path = path.clone();
                fail(Problem::Read { path, error })
            })?;
            Some(Arc::new(btf))
        }
        None => None,
    };
    let file = spec.path.file_name().unwrap_or_default();
    let options = Options {
        name: file.to_string_lossy().into_owned(),
        target_btf,
        prog_type: spec.prog_type,
        ..Options::default()
    };
    let path = || spec.path.clone();
    let failed = |error| Problem::Load {
        path: path(),
        error: Box::new(error),
    };
    let mut object = Object::parse(&bytes, &options).map_err(|e| fail(failed(e)))?;
    for (map, size) in &spec.map_sizes {
        let known = object.maps().iter().map(|m| m.name.as_str());
        if object.map_index(&map.text).is_none() {
            let problem = Problem::unknown("map", &map.text, known);
            return Err(at(scenario, &map.spot, problem));
        }
        let done = object.set_max_entries(&map.text, *size);
        done.map_err(|e| at(scenario, &map.spot, failed(e)))?;
    }
    for (name, value) in &spec.globals {
        let known = object.globals().iter().map(|g| g.name.as_str());
        let Some(global) = object.globals().iter().find(|g| g.name == name.text) else {
            let problem = Problem::unknown("global variable", &name.text, known);
            return Err(at(scenario, &name.spot, problem));
        };
        let typed = Typed {
            btf: object.btf().map(|btf| &**btf),
            ty: global.type_id,
            size: global.size,
        };
        let bytes = typed.encode(value).map_err(|e| wrong(scenario, e))?;
        let done = object.set_global(&name.text, &bytes);
        done.map_err(|e| at(scenario, &name.spot, failed(e)))?;
    }
    let mut programs = Vec::new();
    let mut fault = None;
    for entry in object.entries() {
        match object.program(&entry.name) {
            Ok(program) => programs.push(program),
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    if let (true, Some(error)) = (programs.is_empty(), fault) {
        return Err(fail(failed(error)));
    }
    Ok(LoadedObject {
        name: spec.name.clone(),
        host: spec.host,
        host_name: match scenario.hosts.get(spec.host) {
            Some(host) => host.text.clone(),
            None => String::new(),
        },
        // Those of programs have the links between maps and programs.
        maps: match programs.first() {
            Some(program) => program.maps.to_vec(),
            None => object.maps().to_vec(),
        },
        globals: object.globals().to_vec(),
        btf: object.btf().cloned(),
        programs,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| Problem::Read {
        path: path.to_owned(),
        error,
    })
}
