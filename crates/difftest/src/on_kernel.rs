//! Scenarios on the running kernel: programs are loaded and test-run there.
//!
//! Nothing is attached: what a redirect leads to is not followed, instructions are
//! not counted, and packets come to the loopback, whatever interface a scenario
//! names. Time is the kernel's, so a scenario's pauses are waited for.
//!
//! What cannot be had so is an error that says what, before anything is loaded
//! ([`limits`]).

mod limits;

use std::thread;
use std::time::Duration;

use abi::xdp::XdpAction;
use abi::{Errno, MapType};
use kernel::{Instance, Kernel, LoadError, RingBuffer, TestRun};
use scenario::file::Problem;
use scenario::run::{self, Arrival, Event, Fate, MapRef, Prepared, Stage};
use scenario::{Error, Report, Scenario};
use serde_json::{Value as Json, json};
use vm::world::Network;
use xdp_sim::contents::{self, FillError, FillProblem};

use crate::CannotAsk;

/// The loopback, which is where test runs arrive, and which every host has.
const LOOPBACK: u32 = 1;

/// The running kernel, for scenarios.
#[derive(Debug)]
pub struct OnKernel {
    kernel: Kernel,
}

impl OnKernel {
    /// Whether there is a kernel that can be asked.
    ///
    /// # Errors
    ///
    /// [`CannotAsk::Missing`]: which privilege or part of the system is missing.
    pub fn open() -> Result<OnKernel, CannotAsk> {
        let kernel = Kernel::open().map_err(|error| CannotAsk::Missing {
            missing: error.to_string(),
        })?;
        Ok(OnKernel { kernel })
    }

    /// Plays a scenario.
    ///
    /// # Errors
    ///
    /// What is wrong with it; what the kernel refuses or cannot be asked
    /// ([`Error::is_unsupported`]).
    pub fn run(&self, scenario: &Scenario) -> Result<Report, Error> {
        let prepared = Prepared::new(scenario)?;
        let stage = KernelStage::new(&self.kernel, scenario, &prepared);
        let mut stage = stage.map_err(|problem| Error {
            place: None,
            problem,
        })?;
        run::run_on(scenario, &prepared, &mut stage, &mut |_, _| Ok(()))
    }
}

/// Maps and programs of a scenario in the kernel.
struct KernelStage<'a> {
    prepared: &'a Prepared,
    instance: Instance,
    rings: Vec<(usize, RingBuffer)>,
    /// For each interface, the program on it.
    programs: Vec<Option<&'a str>>,
    cpus: u32,
    now_ns: u64,
}

fn unsupported(what: impl std::fmt::Display) -> Problem {
    Problem::Unsupported(format!("on the kernel, {what}"))
}

impl<'a> KernelStage<'a> {
    fn new(
        kernel: &Kernel,
        scenario: &Scenario,
        prepared: &'a Prepared,
    ) -> Result<KernelStage<'a>, Problem> {
        if let Some(what) = limits::unanswerable(scenario) {
            return Err(unsupported(what));
        }
        let [object] = &prepared.objects[..] else {
            return Err(unsupported("more than one object"));
        };
        let mut programs = Vec::new();
        for attached in &prepared.attached {
            programs.push(match &attached[..] {
                [] => None,
                [one] if one.dispatched.is_none() => Some(one.program.as_str()),
                _ => return Err(unsupported("a dispatcher")),
            });
        }
        let instance = kernel.instantiate(&object.maps, &object.programs);
        let instance = instance.map_err(unsupported)?;
        let mut rings = Vec::new();
        for (place, map) in instance.maps.iter().enumerate() {
            if map.def().map_type == MapType::Ringbuf {
                rings.push((place, RingBuffer::open(map).map_err(unsupported)?));
            }
        }
        Ok(KernelStage {
            prepared,
            rings,
            programs,
            cpus: kernel.cpus(),
            instance,
            now_ns: scenario.world.clock.start_ns,
        })
    }

    /// Why a program is not there. That Linux refuses it is no limit of test runs.
    fn refusal(&self, name: &str) -> Problem {
        let programs = self.prepared.objects.iter().flat_map(|o| &o.programs);
        let mut pairs = programs.zip(&self.instance.programs);
        let found = pairs.find(|(program, _)| program.name == name);
        match found {
            Some((_, Err(LoadError::Refused(refusal)))) => Problem::Refused {
                program: name.to_owned(),
                sentence: refusal.to_string(),
            },
            Some((_, Err(error))) => unsupported(format!("program {name} ({error})")),
            _ => unsupported(format!("program {name}, which is not loaded,")),
        }
    }

    fn map(&self, map: MapRef) -> Option<&kernel::Map> {
        self.instance.maps.get(map.map)
    }

    /// The bytes of an entry in the form of [`contents`].
    fn entry(&self, map: MapRef, entry: &Json) -> Result<(Vec<u8>, Vec<u8>), FillProblem> {
        let shape = || FillProblem::Shape {
            expected: "a map of the object",
        };
        let def = self.prepared.def(map).ok_or_else(shape)?;
        let btf = self.prepared.objects.get(map.object);
        let btf = btf.and_then(|object| object.btf.as_deref());
        let encode = |ty, size, part: &str| contents::encode(btf, ty, size, &entry[part]);
        let key = match def.key_size {
            0 => Vec::new(),
            size => encode(def.key_type, size, "key")?,
        };
        let mut value = match def.map_type {
            // Interfaces of the scenario are not there.
            MapType::Devmap | MapType::DevmapHash => LOOPBACK.to_le_bytes().to_vec(),
            _ => encode(def.value_type, def.value_size, "value")?,
        };
        value.resize(def.value_size as usize, 0);
        if def.map_type.is_percpu() {
            value.resize(value.len().next_multiple_of(8), 0);
            value = value.repeat(self.cpus as usize);
        }
        Ok((key, value))
    }
}

impl Stage for KernelStage<'_> {
    fn packet(&mut self, arrival: &Arrival<'_>) -> Result<Fate, Problem> {
        let name = self.programs.get(arrival.interface).copied().flatten();
        let name = name.ok_or_else(|| unsupported("a packet on an interface without a program"))?;
        let program = self.instance.program(name);
        let program = program.ok_or_else(|| self.refusal(name))?;
        let run = TestRun {
            data: arrival.data,
            repeat: 1,
            ..TestRun::default()
        };
        let result = program.test_run(&run).map_err(unsupported)?;
        let action = XdpAction::from_ret(result.retval).unwrap_or(XdpAction::Aborted);
        Ok(Fate {
            action,
            ret: result.retval,
            output: result.data,
            metadata: Vec::new(),
            to: match action {
                XdpAction::Pass => vec!["stack".to_owned()],
                XdpAction::Tx => vec!["back".to_owned()],
                _ => Vec::new(),
            },
            left: Vec::new(),
            programs: vec![name.to_owned()],
            lost: None,
            instructions: None,
            trap: None,
            followed: false,
            hops: Vec::new(),
        })
    }

    fn time(&self) -> u64 {
        self.now_ns
    }

    fn set_time(&mut self, now_ns: u64) {
        let pause = Duration::from_nanos(now_ns.saturating_sub(self.now_ns));
        thread::sleep(pause);
        self.now_ns = now_ns;
    }

    fn set(&mut self, map: MapRef, entries: &Json) -> Result<(), FillError> {
        let list = entries.as_array().map(Vec::as_slice).unwrap_or_default();
        for (place, entry) in list.iter().enumerate() {
            let made = self.entry(map, entry).and_then(|(key, value)| {
                let live = self.map(map).ok_or(FillProblem::Refused(Errno::EBADF))?;
                let done = live.update(&key, &value, 0);
                done.map_err(FillProblem::Refused)
            });
            made.map_err(|problem| FillError {
                entry: place,
                problem,
            })?;
        }
        Ok(())
    }

    fn delete(&mut self, map: MapRef, key: &[u8]) -> Result<(), Errno> {
        self.map(map).ok_or(Errno::EBADF)?.delete(key)
    }

    fn entries(&mut self, map: MapRef) -> Vec<Json> {
        let (Some(def), Some(live)) = (self.prepared.def(map), self.map(map)) else {
            return Vec::new();
        };
        let btf = self.prepared.objects.get(map.object);
        let btf = btf.and_then(|object| object.btf.as_deref());
        let show = |value: &[u8]| contents::decode(btf, def.value_type, value);
        let entries = live.entries().unwrap_or_default();
        let entries = entries.into_iter().map(|(key, value)| {
            let key = contents::decode(btf, def.key_type, &key);
            if !def.map_type.is_percpu() {
                return json!({"key": key, "value": show(&value)});
            }
            let size = def.value_size as usize;
            let values = value.chunks(size.next_multiple_of(8).max(8)).enumerate();
            let values = values.map(|(cpu, value)| {
                let value = value.get(..size).unwrap_or(value);
                json!({"cpu": cpu, "value": show(value)})
            });
            json!({"key": key, "values": values.collect::<Vec<_>>()})
        });
        entries.collect()
    }

    fn lookup(&mut self, map: MapRef, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.map(map).ok_or(Errno::EBADF)?.lookup(key)
    }

    fn update(&mut self, map: MapRef, key: &[u8], value: &[u8]) -> Result<(), Errno> {
        self.map(map).ok_or(Errno::EBADF)?.update(key, value, 0)
    }

    fn network(&mut self, _: usize) -> Option<&mut Network> {
        None
    }

    fn take_events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for (map, ring) in &mut self.rings {
            let map = MapRef {
                object: 0,
                map: *map,
            };
            events.extend(
                ring.drain()
                    .into_iter()
                    .map(|data| Event::Record { map, data }),
            );
        }
        events
    }
}
