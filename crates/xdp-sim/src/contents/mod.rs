//! What maps hold, as JSON: by type where the object's BTF gives one, else as
//! raw bytes. What is dumped can be filled in again.
//!
//! | kind of map | an entry |
//! |---|---|
//! | with keys | `{"key": …, "value": …}` |
//! | per-CPU | `{"key": …, "values": [{"cpu": 0, "value": …}, …]}`; `"value"` alone fills every CPU |
//! | queue, stack, bloom filter | `{"value": …}` in the order of taking them out |
//! | program array | the value is the name of a program |
//! | array or hash of maps | the value is the name of a map |
//! | devmap, cpumap | the value is `{"ifindex": N, "prog": "name"}`, `{"qsize": N, "prog": "name"}` |
//!
//! Raw bytes are a string `"0x…"` or, as bpftool prints them, an array of one
//! `"0x…"` string a byte. Bloom filters, event arrays, ring buffers and socket
//! maps have contents that cannot be listed; their dump is empty.

mod bytes;
mod json;

use std::sync::Arc;

pub use bytes::to_hex;

use abi::{Errno, MapDef, MapType};
use btf::{Btf, TypeId};
use serde_json::{Map as Object, Value as Json, json};
use vm::map::{self, update};
use vm::{MapId, ProgId};

use crate::{Host, ObjectId};

/// Why contents could not be put into a map.
#[derive(Debug, thiserror::Error)]
#[error("entry {entry}: {problem}")]
pub struct FillError {
    /// Which entry, from 0.
    pub entry: usize,
    /// What is wrong with it.
    pub problem: FillProblem,
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FillProblem {
    /// The whole is no array.
    #[error("expected an array of entries, as in [{{\"key\": …, \"value\": …}}]")]
    NotEntries,
    /// It is no object, or a part is missing or not known.
    #[error("expected {expected}")]
    Shape {
        /// The members that it must have.
        expected: &'static str,
    },
    /// The key or value cannot be made of what was given.
    #[error("{part}: {source}")]
    Typed {
        /// `key` or `value`.
        part: &'static str,
        /// Why, and where inside.
        source: btf::value::Error,
    },
    /// Raw bytes of the wrong form or number.
    #[error("{part}: expected {size} bytes, as \"0x…\" or an array of \"0x..\", one a byte")]
    Raw {
        /// `key` or `value`.
        part: &'static str,
        /// Bytes wanted.
        size: u32,
    },
    /// A name of nothing.
    #[error("value: no {kind} is called {name:?}")]
    Unknown {
        /// `program` or `map`.
        kind: &'static str,
        /// The name given.
        name: String,
    },
    /// A CPU that the machine does not have.
    #[error("no CPU {cpu}; the machine has {count}")]
    Cpu {
        /// The number given.
        cpu: u64,
        /// CPUs there are.
        count: u32,
    },
    /// Linux's answer to the update.
    #[error("the map refuses it: {0}")]
    Refused(Errno),
}

/// The bytes of a value of type `ty` and `size` bytes: typed where `btf` knows
/// the type, else raw.
pub fn encode(
    btf: Option<&Btf>,
    ty: TypeId,
    size: u32,
    value: &Json,
) -> Result<Vec<u8>, FillProblem> {
    encode_part("value", btf, ty, size, value)
}

fn encode_part(
    part: &'static str,
    btf: Option<&Btf>,
    ty: TypeId,
    size: u32,
    value: &Json,
) -> Result<Vec<u8>, FillProblem> {
    if let Some(bytes) = bytes::from_array(value, size) {
        return Ok(bytes);
    }
    match btf.filter(|_| ty != TypeId(0)) {
        Some(btf) => {
            let tree = json::to_value(value).ok_or(FillProblem::Raw { part, size })?;
            btf::value::encode(btf, ty, &tree).map_err(|source| FillProblem::Typed { part, source })
        }
        None => bytes::from_json(value, size).ok_or(FillProblem::Raw { part, size }),
    }
}

/// What bytes of type `ty` mean: typed where `btf` knows the type, else as raw
/// bytes. The other way round as [`encode`].
pub fn decode(btf: Option<&Btf>, ty: TypeId, bytes: &[u8]) -> Json {
    let typed = btf
        .filter(|_| ty != TypeId(0))
        .and_then(|btf| btf::value::decode(btf, ty, bytes).ok());
    match typed {
        Some(value) => json::from_value(value),
        None => Json::String(to_hex(bytes)),
    }
}

/// Everything about one map that its contents need.
struct Schema {
    /// The object that it is of.
    owner: ObjectId,
    def: MapDef,
    btf: Option<Arc<Btf>>,
    cpus: u32,
}

impl Host {
    /// The map of this name, of the first object that has one.
    pub fn map_named(&self, name: &str) -> Option<MapId> {
        self.object_ids()
            .find_map(|object| self.map_of(object, name))
    }

    /// The map of this name of an object.
    pub fn map_of(&self, object: ObjectId, name: &str) -> Option<MapId> {
        self.maps(object).iter().copied().find(|id| {
            let map = self.machine().map(*id);
            map.is_some_and(|map| map.def().name == name)
        })
    }

    /// All entries of a map.
    pub fn dump_map(&mut self, id: MapId) -> Vec<Json> {
        let Some(schema) = self.schema(id) else {
            return Vec::new();
        };
        self.raw_entries(id, &schema.def)
            .into_iter()
            .map(|(key, value)| self.show(&schema, &key, &value))
            .collect()
    }

    /// Puts entries into a map. Those before a faulty one stay.
    pub fn fill_map(&mut self, id: MapId, entries: &Json) -> Result<(), FillError> {
        let Some(schema) = self.schema(id) else {
            return Ok(());
        };
        for (place, entry) in in_order(&schema.def, entries)? {
            self.make_entry(&schema, entry)
                .and_then(|(key, value)| {
                    self.machine_mut()
                        .map_update(id, &key, &value, update::ANY)
                        .map_err(FillProblem::Refused)
                })
                .map_err(fail(place))?;
        }
        Ok(())
    }

    /// The keys and values that [`Host::fill_map`] would put into the map,
    /// in its order.
    pub fn encode_entries(&self, id: MapId, entries: &Json) -> Result<Vec<vm::Entry>, FillError> {
        let Some(schema) = self.schema(id) else {
            return Ok(Vec::new());
        };
        in_order(&schema.def, entries)?
            .map(|(place, entry)| self.make_entry(&schema, entry).map_err(fail(place)))
            .collect()
    }

    /// The bytes of all entries, for comparing contents.
    pub fn raw_entries(&mut self, id: MapId, def: &MapDef) -> Vec<(Vec<u8>, Vec<u8>)> {
        let Some((map, space)) = self.machine_mut().map_mut(id) else {
            return Vec::new();
        };
        match def.map_type {
            MapType::Queue | MapType::Stack => {
                let mut values = Vec::new();
                while let Ok(value) = map.sys_take(space, &[]) {
                    values.push((Vec::new(), value));
                }
                // Taking out was the only way to look: put everything back.
                let restore: Box<dyn Iterator<Item = &(Vec<u8>, Vec<u8>)>> = match def.map_type {
                    MapType::Queue => Box::new(values.iter()),
                    _ => Box::new(values.iter().rev()),
                };
                for (_, value) in restore {
                    let _ = map.push(space, value, update::ANY);
                }
                values
            }
            MapType::BloomFilter | MapType::Ringbuf | MapType::PerfEventArray => Vec::new(),
            _ => map::entries(map, space),
        }
    }

    fn schema(&self, id: MapId) -> Option<Schema> {
        Some(Schema {
            def: self.machine().map(id)?.def().clone(),
            owner: self.owner(id)?,
            btf: self.btf(self.owner(id)?).cloned(),
            cpus: self.machine().world.cpu.count,
        })
    }

    fn show(&self, schema: &Schema, key: &[u8], value: &[u8]) -> Json {
        let mut entry = Object::new();
        if schema.def.key_size > 0 {
            entry.insert("key".into(), schema.show(schema.def.key_type, key));
        }
        if schema.def.map_type.is_percpu() {
            let size = schema.def.value_size as usize;
            let values = value
                .chunks(size.next_multiple_of(8).max(8))
                .enumerate()
                .map(|(cpu, value)| {
                    let value = value.get(..size).unwrap_or(value);
                    json!({"cpu": cpu, "value": schema.show(schema.def.value_type, value)})
                })
                .collect();
            entry.insert("values".into(), Json::Array(values));
        } else {
            let shown = self
                .show_reference(&schema.def, value)
                .unwrap_or_else(|| schema.show(schema.def.value_type, value));
            entry.insert("value".into(), shown);
        }
        Json::Object(entry)
    }

    /// The value of a map whose values stand for something else.
    fn show_reference(&self, def: &MapDef, value: &[u8]) -> Option<Json> {
        let word = |at: usize| Some(u32::from_le_bytes(*value.get(at..)?.first_chunk()?));
        let named = |field: &str| {
            let mut object = Object::new();
            object.insert(field.into(), word(0)?.into());
            if let Some(number @ 1..) = word(4) {
                let name = self
                    .machine()
                    .program_name(ProgId(number - 1))
                    .unwrap_or("?");
                object.insert("prog".into(), name.into());
            }
            Some(Json::Object(object))
        };
        match def.map_type {
            MapType::ProgArray => Some(self.machine().program_name(ProgId(word(0)?))?.into()),
            MapType::ArrayOfMaps | MapType::HashOfMaps => Some(
                self.machine()
                    .map(MapId(word(0)?))?
                    .def()
                    .name
                    .clone()
                    .into(),
            ),
            MapType::Devmap | MapType::DevmapHash => named("ifindex"),
            MapType::Cpumap => named("qsize"),
            _ => None,
        }
    }

    fn make_entry(&self, schema: &Schema, entry: &Json) -> Result<vm::Entry, FillProblem> {
        let entry = entry.as_object().ok_or(FillProblem::Shape {
            expected: "an object with \"key\" and \"value\"",
        })?;
        let key = match entry.get("key") {
            Some(key) => schema.make(schema.def.key_type, schema.def.key_size, "key", key)?,
            None if schema.def.key_size == 0 => Vec::new(),
            None => {
                return Err(FillProblem::Shape {
                    expected: "a \"key\"",
                });
            }
        };
        let value = match (entry.get("value"), entry.get("values")) {
            (Some(value), None) if schema.def.map_type.is_percpu() => {
                schema.make_value(value)?.repeat(schema.cpus as usize)
            }
            (Some(value), None) => match self.make_reference(schema, value)? {
                Some(bytes) => bytes,
                None => {
                    schema.make(schema.def.value_type, schema.def.value_size, "value", value)?
                }
            },
            (None, Some(values)) if schema.def.map_type.is_percpu() => {
                schema.make_values(values)?
            }
            _ => {
                return Err(FillProblem::Shape {
                    expected: "a \"value\"",
                });
            }
        };
        Ok((key, value))
    }

    /// The bytes of a value that names something.
    fn make_reference(
        &self,
        schema: &Schema,
        value: &Json,
    ) -> Result<Option<Vec<u8>>, FillProblem> {
        let def = &schema.def;
        let field = match def.map_type {
            MapType::ProgArray => {
                let Some(name) = value.as_str() else {
                    return Ok(None);
                };
                return Ok(Some(
                    self.program(schema.owner, name)?.0.to_le_bytes().to_vec(),
                ));
            }
            MapType::ArrayOfMaps | MapType::HashOfMaps => {
                let Some(name) = value.as_str() else {
                    return Ok(None);
                };
                let id = self.map_of(schema.owner, name);
                let id = id.or_else(|| self.map_named(name));
                let id = id.ok_or_else(|| unknown("map", name))?;
                return Ok(Some(id.0.to_le_bytes().to_vec()));
            }
            MapType::Devmap | MapType::DevmapHash => "ifindex",
            MapType::Cpumap => "qsize",
            _ => return Ok(None),
        };
        let shape = || FillProblem::Shape {
            expected: "a value such as {\"ifindex\": 2, \"prog\": \"name\"} (\"qsize\" in a cpumap)",
        };
        let (number, program) = match value {
            Json::Number(number) => (number.as_u64(), None),
            Json::Object(object) if object.keys().all(|k| k == field || k == "prog") => {
                (object.get(field).and_then(Json::as_u64), object.get("prog"))
            }
            Json::Object(_) => return Err(shape()),
            _ => return Ok(None),
        };
        let number = number
            .and_then(|n| u32::try_from(n).ok())
            .ok_or_else(shape)?;
        let program = match program.map(|p| p.as_str().ok_or_else(shape)).transpose()? {
            Some(name) => self.program(schema.owner, name)?.0 + 1,
            None => 0,
        };
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.extend(program.to_le_bytes());
        bytes.truncate(def.value_size as usize);
        Ok(Some(bytes))
    }

    /// A program by name, of the map's own object before others.
    fn program(&self, owner: ObjectId, name: &str) -> Result<ProgId, FillProblem> {
        let mut objects = Some(owner).into_iter().chain(self.object_ids());
        let found = objects.find_map(|object| self.program_named(object, name));
        found.ok_or_else(|| unknown("program", name))
    }
}

impl Schema {
    fn show(&self, ty: TypeId, bytes: &[u8]) -> Json {
        decode(self.btf.as_deref(), ty, bytes)
    }

    fn make_value(&self, value: &Json) -> Result<Vec<u8>, FillProblem> {
        let mut bytes = self.make(self.def.value_type, self.def.value_size, "value", value)?;
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        Ok(bytes)
    }

    /// The values of all CPUs; those that are not given are zero.
    fn make_values(&self, values: &Json) -> Result<Vec<u8>, FillProblem> {
        let shape = || FillProblem::Shape {
            expected: "\"values\" such as [{\"cpu\": 0, \"value\": …}]",
        };
        let size = (self.def.value_size as usize).next_multiple_of(8);
        let mut all = vec![0; size * self.cpus as usize];
        for one in values.as_array().ok_or_else(shape)? {
            let cpu = one.get("cpu").and_then(Json::as_u64).ok_or_else(shape)?;
            let value = self.make_value(one.get("value").ok_or_else(shape)?)?;
            let place = all
                .chunks_mut(size.max(1))
                .nth(usize::try_from(cpu).unwrap_or(usize::MAX))
                .ok_or(FillProblem::Cpu {
                    cpu,
                    count: self.cpus,
                })?;
            place.copy_from_slice(&value);
        }
        Ok(all)
    }

    fn make(
        &self,
        ty: TypeId,
        size: u32,
        part: &'static str,
        value: &Json,
    ) -> Result<Vec<u8>, FillProblem> {
        encode_part(part, self.btf.as_deref(), ty, size, value)
    }
}

/// The entries with their places, in the order in which they are put in.
fn in_order<'a>(
    def: &MapDef,
    entries: &'a Json,
) -> Result<Box<dyn Iterator<Item = (usize, &'a Json)> + 'a>, FillError> {
    let list = entries.as_array();
    let list = list.ok_or(FillProblem::NotEntries).map_err(fail(0))?;
    let entries = list.iter().enumerate();
    Ok(match def.map_type {
        // The first to be taken out is the last to be put in.
        MapType::Stack => Box::new(entries.rev()),
        _ => Box::new(entries),
    })
}

fn fail(entry: usize) -> impl Fn(FillProblem) -> FillError {
    move |problem| FillError { entry, problem }
}

fn unknown(kind: &'static str, name: &str) -> FillProblem {
    FillProblem::Unknown {
        kind,
        name: name.to_owned(),
    }
}
