//! Tests in Rust: an object with its maps and a world, fed by hand.
//!
//! Keys and values are anything that serde can serialize, and become bytes by the
//! object's types, as in scenario files: a `struct` of the same fields, a number,
//! an [`Ipv4Addr`](std::net::Ipv4Addr) for a `__be32`.

use std::path::PathBuf;
use std::time::Duration;

use abi::xdp::XdpAction;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use vm::packet::Hints;
use vm::world::Socket;
use xdp_sim::contents::FillProblem;

use crate::expect;
use crate::file::{Error, Node, Problem, Spot, blank as interface};
use crate::model::{Interface, Name, ObjectSpec, ReplaceSpec, Scenario, SocketSpec};
use crate::packet::{self, Pattern};
use crate::run::{Arrival, Engine, Event, Fate, MapRef, Prepared, SimulatorStage, Stage};

/// What a fixture is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    scenario: Scenario,
    engine: Engine,
}

impl Setup {
    /// A compiled object, whose only program is on the only interface.
    pub fn object(path: impl Into<PathBuf>) -> Setup {
        let object = ObjectSpec {
            name: "object".to_owned(),
            path: path.into(),
            ..ObjectSpec::default()
        };
        Setup {
            engine: Engine::Interpreter,
            scenario: Scenario {
                name: object.path.display().to_string(),
                objects: vec![object],
                ..Scenario::default()
            },
        }
    }

    /// The program on the first interface.
    #[must_use]
    pub fn program(self, name: &str) -> Setup {
        self.interface("eth0", name)
    }

    /// One more interface, and the program on it. Indices begin at 2.
    #[must_use]
    pub fn interface(mut self, name: &str, program: &str) -> Setup {
        let ifindex = self.scenario.interfaces.len() as u32 + 2;
        self.scenario.interfaces.push(Interface {
            program: Some(called(program)),
            ..interface(name, ifindex)
        });
        self
    }

    /// The value that a global variable starts with, constants included.
    #[must_use]
    pub fn global(mut self, name: &str, value: impl Serialize) -> Setup {
        if let Some(object) = self.scenario.objects.first_mut() {
            object.globals.push((called(name), node(&value)));
        }
        self
    }

    /// Another object, for programs that take the place of functions.
    #[must_use]
    pub fn with_object(mut self, name: &str, path: impl Into<PathBuf>) -> Setup {
        self.scenario.objects.push(ObjectSpec {
            name: name.to_owned(),
            path: path.into(),
            ..ObjectSpec::default()
        });
        self
    }

    /// An `freplace` program that takes the place of a function, which is
    /// `program:function`.
    #[must_use]
    pub fn replace(mut self, function: &str, extension: &str) -> Setup {
        self.scenario.replacements.push(ReplaceSpec {
            function: called(function),
            program: called(extension),
            object: None,
        });
        self
    }

    /// The size of a map.
    #[must_use]
    pub fn map_size(mut self, name: &str, entries: u32) -> Setup {
        if let Some(object) = self.scenario.objects.first_mut() {
            object.map_sizes.push((called(name), entries));
        }
        self
    }

    /// Who runs the programs; the interpreter, if nothing is said.
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Setup {
        self.engine = engine;
        self
    }

    /// A socket that programs look up.
    #[must_use]
    pub fn socket(mut self, socket: Socket) -> Setup {
        self.scenario.world.sockets.push((0, socket));
        self
    }

    /// An AF_XDP socket in an xskmap, on the queue of the first interface that has
    /// the number of its slot.
    #[must_use]
    pub fn af_xdp(mut self, map: &str, slot: u32) -> Setup {
        self.scenario.sockets.push(SocketSpec {
            map: called(map),
            slot,
            interface: 0,
            queue: slot,
        });
        self
    }

    /// CPUs of the machine.
    #[must_use]
    pub fn cpus(mut self, count: u32) -> Setup {
        self.scenario.world.cpus = count;
        self
    }

    /// Seed of the random numbers.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Setup {
        self.scenario.world.seed = seed;
        self
    }

    /// Runs programs that Linux would refuse.
    #[must_use]
    pub fn unverified(mut self) -> Setup {
        self.scenario.unverified = true;
        self
    }

    /// Loads the object.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or names that it does not have.
    pub fn start(self) -> Result<Fixture, Error> {
        let mut scenario = self.scenario;
        if scenario.interfaces.is_empty() {
            scenario.interfaces.push(interface("eth0", 2));
        }
        let sockets = scenario.sockets.iter();
        let queues = sockets.map(|socket| socket.queue.saturating_add(1)).max();
        if let (Some(first), Some(queues)) = (scenario.interfaces.first_mut(), queues) {
            first.queues = first.queues.max(queues);
        }
        let prepared = Prepared::new(&scenario)?;
        let stage = SimulatorStage::new(&scenario, &prepared, self.engine)?;
        Ok(Fixture {
            scenario,
            prepared,
            stage,
            events: Vec::new(),
            hints: Hints::default(),
        })
    }
}

/// An object with its maps and a world.
#[derive(Debug)]
pub struct Fixture {
    scenario: Scenario,
    prepared: Prepared,
    stage: SimulatorStage,
    /// What came and was not asked for yet.
    events: Vec<Event>,
    /// What devices say of packets.
    hints: Hints,
}

/// A packet that was sent, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What came.
    pub input: Vec<u8>,
    /// What became of it.
    pub fate: Fate,
}

/// A packet to send: bytes, or a description of them.
pub trait AsPacket {
    /// The bytes.
    ///
    /// # Errors
    ///
    /// What is wrong with the description.
    fn packet(&self) -> Result<Vec<u8>, packet::Error>;
}

impl AsPacket for str {
    fn packet(&self) -> Result<Vec<u8>, packet::Error> {
        packet::bytes(self)
    }
}

impl AsPacket for [u8] {
    fn packet(&self) -> Result<Vec<u8>, packet::Error> {
        Ok(self.to_vec())
    }
}

impl AsPacket for Vec<u8> {
    fn packet(&self) -> Result<Vec<u8>, packet::Error> {
        Ok(self.clone())
    }
}

impl Fixture {
    /// Sends a packet to the first interface with a program.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn send(&mut self, packet: &(impl AsPacket + ?Sized)) -> Result<Sent, Error> {
        let place = self.prepared.attached.iter().position(|on| !on.is_empty());
        self.arrive(place.unwrap_or(0), packet)
    }

    /// Sends a packet to an interface.
    ///
    /// # Errors
    ///
    /// What is wrong with it; that there is no such interface.
    pub fn send_to(
        &mut self,
        interface: &str,
        packet: &(impl AsPacket + ?Sized),
    ) -> Result<Sent, Error> {
        let mut names = self.scenario.interfaces.iter().map(|i| i.name.as_str());
        let place = names.position(|name| name == interface);
        let known = self.scenario.interfaces.iter().map(|i| i.name.as_str());
        let place = place.ok_or_else(|| Problem::unknown("interface", interface, known));
        self.arrive(place.map_err(nowhere)?, packet)
    }

    fn arrive(
        &mut self,
        interface: usize,
        packet: &(impl AsPacket + ?Sized),
    ) -> Result<Sent, Error> {
        let input = packet.packet().map_err(|e| nowhere(e.into()))?;
        let arrival = Arrival {
            interface,
            queue: 0,
            cpu: 0,
            hints: self.hints,
            data: &input,
        };
        let fate = self.stage.packet(&arrival).map_err(nowhere)?;
        self.events.extend(self.stage.take_events());
        Ok(Sent { input, fate })
    }

    /// What devices say of the packets that come from now on
    /// (`bpf_xdp_metadata_rx_timestamp` and so on).
    pub fn set_hints(&mut self, hints: Hints) {
        self.hints = hints;
    }

    /// Lets time pass, and the timers of maps run that are due by then.
    ///
    /// # Errors
    ///
    /// Why a timer's callback stopped without an end.
    pub fn advance(&mut self, time: Duration) -> Result<(), Error> {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.stage.set_time(self.stage.time().saturating_add(time));
        let ran = self.stage.catch_up();
        self.events.extend(self.stage.take_events());
        ran.map_err(|trap| nowhere(Problem::Timer(trap)))
    }

    /// Packets that the AF_XDP socket in a slot received since the last call.
    ///
    /// # Errors
    ///
    /// That there is no such map.
    pub fn received(&mut self, map: &str, slot: u32) -> Result<Vec<Vec<u8>>, Error> {
        let (wanted, _) = self.prepared.map(map).map_err(nowhere)?;
        let is = |event: &mut Event| matches!(event, Event::Received { map, slot: at, .. } if (*map, *at) == (wanted, slot));
        let taken = self.events.extract_if(.., is);
        let data = taken.filter_map(|event| match event {
            Event::Received { data, .. } => Some(data),
            Event::Printk(_) | Event::Record { .. } => None,
        });
        Ok(data.collect())
    }

    /// A map by name.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub fn map(&mut self, name: &str) -> Result<MapHandle<'_>, Error> {
        let (map, _) = self.prepared.map(name).map_err(nowhere)?;
        Ok(MapHandle { fixture: self, map })
    }

    /// The value of a global variable.
    ///
    /// # Errors
    ///
    /// That there is none, or that it is no `T`.
    pub fn global<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Error> {
        let (map, global) = self.prepared.global(name).map_err(nowhere)?;
        let typed = self.prepared.typed(map.object, global.type_id, global.size);
        let section = self.stage.lookup(map, &[0; 4]).unwrap_or_default();
        let start = global.offset as usize;
        let bytes = section.get(start..start + global.size as usize);
        read(&typed.decode(bytes.unwrap_or_default()))
    }

    /// Records that came through a map since the last call, by the type of this
    /// name in the object.
    ///
    /// # Errors
    ///
    /// That there is no such map or type, or that a record is no `T`.
    pub fn events<T: DeserializeOwned>(&mut self, map: &str, ty: &str) -> Result<Vec<T>, Error> {
        let (map, _) = self.prepared.map(map).map_err(nowhere)?;
        let records = self.raw_events(map);
        let typed = self.prepared.type_named(map.object, ty);
        let typed = typed.ok_or_else(|| nowhere(Problem::unknown("type of the object", ty, [])))?;
        records
            .iter()
            .map(|record| {
                let size = typed.size as usize;
                read(&typed.decode(record.get(..size).unwrap_or(record)))
            })
            .collect()
    }

    /// Records that came through a map since the last call, as bytes.
    fn raw_events(&mut self, wanted: MapRef) -> Vec<Vec<u8>> {
        let is = |event: &mut Event| matches!(event, Event::Record { map, .. } if *map == wanted);
        let taken = self.events.extract_if(.., is);
        let data = taken.filter_map(|event| match event {
            Event::Record { data, .. } => Some(data),
            Event::Printk(_) | Event::Received { .. } => None,
        });
        data.collect()
    }

    /// Lines of `bpf_printk` since the last call.
    pub fn printk(&mut self) -> Vec<String> {
        let is = |event: &mut Event| matches!(event, Event::Printk(_));
        let taken = self.events.extract_if(.., is);
        let lines = taken.filter_map(|event| match event {
            Event::Printk(line) => Some(line),
            Event::Record { .. } | Event::Received { .. } => None,
        });
        lines.collect()
    }
}

/// A map of a fixture.
#[derive(Debug)]
pub struct MapHandle<'a> {
    fixture: &'a mut Fixture,
    map: MapRef,
}

impl MapHandle<'_> {
    /// Sets the value under a key.
    ///
    /// # Errors
    ///
    /// A key or value that has not the map's type, or Linux's answer.
    pub fn set(&mut self, key: impl Serialize, value: impl Serialize) -> Result<(), Error> {
        let entry = Node::from(json!({"key": to_json(&key), "value": to_json(&value)}));
        let Fixture {
            scenario, prepared, ..
        } = &*self.fixture;
        let entry = expect::entry_json(scenario, prepared, self.map, &entry)?;
        let done = self.fixture.stage.set(self.map, &json!([entry]));
        done.map_err(|error| nowhere(Problem::Contents(Box::new(error.problem))))
    }

    /// The value under a key; of per-CPU maps that of the first CPU.
    ///
    /// # Errors
    ///
    /// A key that has not the map's type, a value that is no `T`.
    pub fn get<T: DeserializeOwned>(&mut self, key: impl Serialize) -> Result<Option<T>, Error> {
        let key = self.key(&key)?;
        let Ok(bytes) = self.fixture.stage.lookup(self.map, &key) else {
            return Ok(None);
        };
        let Some(typed) = self.fixture.prepared.value_type(self.map) else {
            return Ok(None);
        };
        let bytes = bytes.get(..typed.size as usize).unwrap_or(&bytes);
        read(&typed.decode(bytes)).map(Some)
    }

    /// Deletes the entry under a key; whether there was one.
    ///
    /// # Errors
    ///
    /// A key that has not the map's type.
    pub fn delete(&mut self, key: impl Serialize) -> Result<bool, Error> {
        let key = self.key(&key)?;
        Ok(self.fixture.stage.delete(self.map, &key).is_ok())
    }

    /// Writes a record into a ring buffer of user space (`BPF_MAP_TYPE_USER_RINGBUF`),
    /// by the type of this name in the object.
    ///
    /// # Errors
    ///
    /// That there is no such type, a record that has it not, or Linux's answer.
    pub fn push(&mut self, ty: &str, record: impl Serialize) -> Result<(), Error> {
        let typed = self.fixture.prepared.type_named(self.map.object, ty);
        let typed = typed.ok_or_else(|| nowhere(Problem::unknown("type of the object", ty, [])))?;
        let bytes = typed.encode(&node(&record));
        let bytes = bytes.map_err(|(_, problem)| nowhere(Problem::Contents(Box::new(problem))))?;
        self.push_bytes(&bytes)
    }

    /// Writes bytes into a ring buffer of user space.
    ///
    /// # Errors
    ///
    /// Linux's answer.
    pub fn push_bytes(&mut self, record: &[u8]) -> Result<(), Error> {
        let done = self.fixture.stage.push(self.map, record);
        done.map_err(|errno| nowhere(Problem::Contents(Box::new(FillProblem::Refused(errno)))))
    }

    /// All entries, as JSON.
    pub fn entries(&mut self) -> Vec<Json> {
        self.fixture.stage.entries(self.map)
    }

    fn key(&self, key: &impl Serialize) -> Result<Vec<u8>, Error> {
        let Some(typed) = self.fixture.prepared.key_type(self.map) else {
            return Ok(Vec::new());
        };
        let bytes = typed.encode(&node(key));
        bytes.map_err(|(_, problem)| nowhere(Problem::Contents(Box::new(problem))))
    }
}

impl Sent {
    /// What the program answered.
    pub fn action(&self) -> XdpAction {
        self.fate.action
    }

    /// What it made of the packet.
    pub fn output(&self) -> &[u8] {
        &self.fate.output
    }

    /// That the program answered this.
    ///
    /// # Panics
    ///
    /// When it did not.
    #[track_caller]
    pub fn assert_action(&self, action: XdpAction) -> &Sent {
        let got = self.fate.action;
        let why = self.fate.trap.as_deref().or(self.fate.lost.as_deref());
        assert!(
            got == action,
            "\nexpected {action:?}, got {got:?}{}\n{}",
            why.map(|why| format!(" ({why})")).unwrap_or_default(),
            packet::listing(&self.input)
        );
        self
    }

    /// That the packet is now exactly this.
    ///
    /// # Panics
    ///
    /// When it is not, with both side by side.
    #[track_caller]
    pub fn assert_output(&self, expected: &(impl AsPacket + ?Sized)) -> &Sent {
        let expected = expected.packet().unwrap_or_else(|error| panic!("{error}"));
        assert!(
            expected == self.fate.output,
            "\n{}",
            packet::side_by_side(&expected, &self.fate.output)
        );
        self
    }

    /// That the packet is now as a pattern has it.
    ///
    /// # Panics
    ///
    /// When it is not, with what differs.
    #[track_caller]
    pub fn assert_like(&self, pattern: &str) -> &Sent {
        let read = Pattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let mismatches = read.compare(&self.fate.output);
        let lines: String = mismatches.iter().map(|m| format!("{m}\n")).collect();
        assert!(
            mismatches.is_empty(),
            "\n{lines}{}",
            packet::listing(&self.fate.output)
        );
        self
    }
}

/// The bytes of a description, as [`format!`] takes it.
///
/// # Panics
///
/// When it is faulty: for tests.
#[macro_export]
macro_rules! packet {
    ($($description:tt)*) => {
        $crate::packet::must(&::std::format!($($description)*))
    };
}

fn called(name: &str) -> Name {
    Name {
        text: name.to_owned(),
        spot: Spot::default(),
    }
}

/// What cannot be serialized is no JSON, and so the value of no type.
fn to_json(value: &impl Serialize) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

fn node(value: &impl Serialize) -> Node {
    Node::from(to_json(value))
}

fn nowhere(problem: Problem) -> Error {
    Error {
        place: None,
        problem,
    }
}

fn read<T: DeserializeOwned>(json: &Json) -> Result<T, Error> {
    serde_json::from_value(json.clone()).map_err(|error| {
        nowhere(Problem::Expected {
            expected: format!("another type ({error})"),
            found: json.to_string(),
        })
    })
}
