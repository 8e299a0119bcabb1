//! Objects as a scenario wants them: loaded, with variables and map sizes set,
//! and judged.

use std::path::Path;
use std::sync::Arc;

use abi::{MapDef, MapKind, Program};
use btf::{Btf, Kind, TypeId};
use loader::{Global, Object, Options};
use verifier::{Config, Verdict};

use super::stage::MapRef;
use crate::file::{Error, Problem, Spot};
use crate::model::{Name, ObjectSpec, Scenario};
use crate::typed::{Typed, Wrong};

/// The objects of a scenario, loaded: what its names mean.
#[derive(Debug)]
pub struct Prepared {
    /// The objects, in the scenario's order.
    pub objects: Vec<LoadedObject>,
    /// For each interface of the scenario, the program on it: object and name.
    pub attached: Vec<Option<(usize, String)>>,
    /// What a person should know beside the result.
    pub notes: Vec<String>,
}

/// An object, loaded.
#[derive(Debug)]
pub struct LoadedObject {
    /// What the scenario calls it.
    pub name: String,
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
            notes: Vec::new(),
        };
        for spec in &scenario.objects {
            let object = load(scenario, spec)?;
            prepared.objects.push(object);
        }
        for interface in &scenario.interfaces {
            let attached = match (&interface.program, &interface.object) {
                (None, None) => None,
                (program, object) => {
                    let spot = &interface.spot;
                    let place =
                        prepared.attach(scenario, program.as_ref(), object.as_ref(), spot)?;
                    Some(place)
                }
            };
            prepared.attached.push(attached);
        }
        // The only program of the only object needs no name.
        if prepared.attached.iter().all(Option::is_none) {
            let spot = scenario.objects.first().map(|o| o.spot.clone());
            let place = prepared.attach(scenario, None, None, &spot.unwrap_or_default())?;
            match prepared.attached.first_mut() {
                Some(first) => *first = Some(place),
                None => prepared.attached.push(Some(place)),
            }
        }
        if !scenario.unverified {
            prepared.verify(scenario)?;
        }
        Ok(prepared)
    }

    /// The object and program that names mean.
    fn attach(
        &self,
        scenario: &Scenario,
        program: Option<&Name>,
        object: Option<&Name>,
        spot: &Spot,
    ) -> Result<(usize, String), Error> {
        let place = match object {
            Some(name) => self
                .object_named(name)
                .map_err(|p| at(scenario, &name.spot, p))?,
            None => match (&self.objects[..], program) {
                ([_], _) => 0,
                (objects, Some(program)) => {
                    let has = |o: &LoadedObject| o.programs.iter().any(|p| p.name == program.text);
                    objects.iter().position(has).unwrap_or(0)
                }
                _ => 0,
            },
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
        Ok((place, name))
    }

    /// Asks the verifier about the programs on interfaces.
    fn verify(&mut self, scenario: &Scenario) -> Result<(), Error> {
        let config = Config {
            cpus: scenario.world.cpus,
            ..Config::default()
        };
        for (place, attached) in self.attached.iter().enumerate() {
            let Some((object, name)) = attached else {
                continue;
            };
            let programs = &self.objects[*object].programs;
            let Some(program) = programs.iter().find(|p| p.name == *name) else {
                continue;
            };
            let verdict = verifier::verify(program, &config, None);
            match verdict {
                Verdict::Accepted(_) => {}
                Verdict::Refused(rejection) => {
                    let message = rejection.reason.to_string();
                    let sentence = message.lines().next_back().unwrap_or_default();
                    let problem = Problem::Refused {
                        program: name.clone(),
                        sentence: sentence.to_owned(),
                    };
                    let interface = scenario.interfaces.get(place);
                    let named = interface.and_then(|i| Some(i.program.as_ref()?.spot.clone()));
                    let object = scenario.objects.first().map(|o| o.spot.clone());
                    let spot = named.or(object).unwrap_or_default();
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

    fn object_named(&self, name: &Name) -> Result<usize, Problem> {
        let found = self.objects.iter().position(|o| o.name == name.text);
        let known = self.objects.iter().map(|o| o.name.as_str());
        found.ok_or_else(|| Problem::unknown("object", &name.text, known))
    }

    /// The map of this name, `map` or `object:map`.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub fn map(&self, name: &str) -> Result<(MapRef, &MapDef), Problem> {
        let (object, name) = match name.split_once(':') {
            Some((object, map)) => (Some(object), map),
            None => (None, name),
        };
        let objects = self.objects.iter().enumerate();
        let maps = objects
            .filter(|(_, o)| object.is_none_or(|wanted| o.name == wanted))
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

    /// The variable of this name, `variable` or `object:variable`, and its map.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub fn global(&self, name: &str) -> Result<(MapRef, &Global), Problem> {
        let (wanted, name) = match name.split_once(':') {
            Some((object, variable)) => (Some(object), variable),
            None => (None, name),
        };
        let objects = self.objects.iter().enumerate();
        let objects = objects.filter(|(_, o)| wanted.is_none_or(|wanted| o.name == wanted));
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
