//! The simulator as a party, with the interpreter or with compiled code.

use std::collections::HashMap;

use abi::{Errno, MapType, Proven};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value as Json;
use vm::packet::InputError;
use vm::world::Cpu;
use vm::{MapId, ProgId, World};
use xdp_sim::{Engine, ObjectId, Options, Simulator, contents};

use crate::engines::{Way, proven};
use crate::party::thread_ns;
use crate::references::{NOTHING, translate};
use crate::subject::is_listable;
use crate::{
    Answer, CannotAsk, Content, Event, MapOp, Output, Party, Question, Ran, Session, Stop, Subject,
    sources,
};

/// The simulator with the interpreter, and the host's clock. Its answers do not say
/// how many instructions a run took, so that they can be equal to Linux's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interpreter;

/// The simulator with whatever engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulated {
    /// Who runs programs.
    pub by: By,
    /// The time that programs read; `None` for the host's. Two engines that are
    /// to give the same need the same.
    pub now_ns: Option<u64>,
    /// Whether everything lies at other addresses than it would: what answers
    /// differently then depends on addresses.
    pub elsewhere: bool,
}

/// Another place for everything, in granules: a number of no particular form.
const ELSEWHERE: u32 = 357;

/// Who runs programs.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Whom the simulator chooses, told what our verifier accepts.
    Engine(Engine),
    /// Compiled code.
    Compiler(Way),
}

impl Default for By {
    fn default() -> By {
        By::Engine(Engine::Interpreter)
    }
}

impl Party for Interpreter {
    fn name(&self) -> &'static str {
        Simulated::default().name()
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn open(&mut self, subject: &Subject) -> Result<Box<dyn Session>, CannotAsk> {
        let mut live = Simulated::default().live(subject)?;
        live.counts = false;
        Ok(Box::new(live))
    }
}

impl Party for Simulated {
    fn name(&self) -> &'static str {
        let By::Compiler(way) = &self.by else {
            return "ebpf-sim";
        };
        match way.options.mode {
            jit::Mode::Checked => "ebpf-sim's JIT, checked",
            jit::Mode::Sandboxed => "ebpf-sim's JIT, sandboxed",
            jit::Mode::Trusted => "ebpf-sim's JIT, trusted",
        }
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn open(&mut self, subject: &Subject) -> Result<Box<dyn Session>, CannotAsk> {
        Ok(Box::new(self.live(subject)?))
    }
}

impl Simulated {
    fn live(&self, subject: &Subject) -> Result<Live, CannotAsk> {
        let mut live = Live::new(subject, self)?;
        for content in &subject.contents {
            live.fill(subject, content)?;
        }
        Ok(live)
    }
}

impl By {
    /// Compiles what is loaded.
    fn compile(&self, subject: &Subject, simulator: &mut Simulator) -> Result<(), jit::Error> {
        if matches!(self, By::Engine(Engine::Interpreter)) {
            return Ok(());
        }
        let verified: Vec<(String, Proven)> = match self {
            By::Compiler(Way { proofs: false, .. }) => Vec::new(),
            _ => {
                let loaded: Vec<&str> = simulator.programs().map(|(_, name)| name).collect();
                let programs = subject.programs.iter();
                let programs = programs.filter(|p| loaded.contains(&p.name.as_str()));
                programs
                    .filter_map(|p| Some((p.name.clone(), proven(p, subject.cpus)?)))
                    .collect()
            }
        };
        let way = match self {
            By::Engine(engine) => return simulator.set_engine(*engine, &verified).map(drop),
            By::Compiler(way) => way,
        };
        let known = verified.iter();
        let known = known.map(|(name, proven)| (ObjectId(0), name.as_str(), proven));
        let known: Vec<_> = known.collect();
        let compiled = simulator
            .host_mut()
            .with_proofs(&known, |machine, proofs| {
                (way.compiler)(machine, &way.options, proofs)
            })?;
        let machine = simulator.machine_mut();
        machine.set_engine(Some(Box::new(compiled)));
        Ok(())
    }
}

/// A subject in the simulator.
struct Live {
    simulator: Simulator,
    maps: Vec<MapId>,
    indices: HashMap<u32, u32>,
    /// By index in the subject; those that stayed out have none.
    programs: Vec<Option<ProgId>>,
    entry: ProgId,
    /// Whether a program reads time, and the clock must be the host's.
    clock: bool,
    /// Whether instructions are counted.
    counts: bool,
}

impl Live {
    fn new(subject: &Subject, how: &Simulated) -> Result<Live, CannotAsk> {
        let options = Options {
            world: World {
                cpu: Cpu {
                    id: 0,
                    count: subject.cpus,
                    numa_node: 0,
                },
                network: subject.network.clone(),
                free_granules: if how.elsewhere { ELSEWHERE } else { 0 },
                ..World::default()
            },
            ..Options::default()
        };
        let simulator = Simulator::new(&subject.programs, &subject.entry, options);
        let mut simulator = simulator.map_err(|error| CannotAsk::Program {
            program: subject.entry.clone(),
            why: error.to_string(),
            errno: None,
            log: String::new(),
        })?;
        let compiled = how.by.compile(subject, &mut simulator);
        compiled.map_err(|error| CannotAsk::Missing {
            missing: error.to_string(),
        })?;
        if let Some(now_ns) = how.now_ns {
            simulator.machine_mut().world.clock.now_ns = now_ns;
        }
        let reads_time = |name: &&str| sources::is_clock(name);
        let maps = simulator.maps().to_vec();
        let ids = maps.iter().enumerate();
        Ok(Live {
            indices: ids.map(|(index, id)| (id.0, index as u32)).collect(),
            programs: subject
                .programs
                .iter()
                .map(|p| simulator.program_named(&p.name))
                .collect(),
            entry: simulator
                .program_named(&subject.entry)
                .ok_or_else(|| broken("the program is not there"))?,
            clock: how.now_ns.is_none() && sources::of(&subject.programs).iter().any(reads_time),
            counts: match &how.by {
                By::Engine(_) => true,
                By::Compiler(way) => way.options.meter,
            },
            maps,
            simulator,
        })
    }

    fn fill(&mut self, subject: &Subject, content: &Content) -> Result<(), CannotAsk> {
        let name = subject.map_name(content.map);
        let update = MapOp::Update {
            key: (&content.key[..]).into(),
            value: (&content.value[..]).into(),
            flags: 0,
        };
        match self.operate(content.map, &update)? {
            Answer::Done(Err(errno)) => Err(CannotAsk::Map {
                map: name.to_owned(),
                why: format!("an entry is refused: {errno}"),
            }),
            _ => Ok(()),
        }
    }

    fn run(&mut self, packet: &[u8]) -> Result<Ran, CannotAsk> {
        if self.clock {
            self.simulator.machine_mut().world.clock.now_ns = now_ns();
        }
        let mut executed = None;
        let end = match self.simulator.test_run(packet) {
            Ok(outcome) => {
                executed = self.counts.then_some(outcome.executed);
                match outcome.trap {
                    None => Ok(Output {
                        ret: outcome.ret,
                        metadata: outcome.metadata.to_vec(),
                        packet: outcome.output.to_vec(),
                    }),
                    Some(trap) => Err(Stop::Trapped(self.simulator.machine().explain(&trap))),
                }
            }
            Err(xdp_sim::Error::Machine(vm::Error::Packet(InputError::TooShort { .. }))) => {
                Err(Stop::Refused(Errno::EINVAL))
            }
            Err(error) => return Err(broken(error)),
        };
        let events = self.events();
        Ok(Ran {
            end,
            executed,
            events,
        })
    }

    fn events(&mut self) -> Vec<Event> {
        let mut records = Vec::new();
        let mut lines = Vec::new();
        let indices = &self.indices;
        self.simulator.take_events(&mut |event| match event {
            xdp_sim::Event::Ring { map, data } | xdp_sim::Event::Perf { map, data, .. } => {
                let map = indices.get(&map.0).map_or(usize::MAX, |i| *i as usize);
                let data = data.to_vec();
                records.push((map, Event::Record { map, data }));
            }
            xdp_sim::Event::Printk(line) => lines.push(Event::Printk(line.to_owned())),
        });
        records.sort_by_key(|(map, _)| *map);
        let records = records.into_iter().map(|(_, event)| event);
        records.chain(lines).collect()
    }

    fn operate(&mut self, map: usize, op: &MapOp<'_>) -> Result<Answer, CannotAsk> {
        let id = self.id(map)?;
        let kind = self.kind(id);
        let value = match op {
            MapOp::Update { value, .. } => self.as_machine(kind, value),
            _ => Vec::new(),
        };
        let machine = self.simulator.machine_mut();
        let mut answer = match op {
            MapOp::Lookup { key } => Answer::Bytes(machine.map_lookup(id, key)),
            MapOp::Take { key } => Answer::Bytes(machine.map_take(id, key)),
            MapOp::NextKey { key } => Answer::Bytes(machine.map_next_key(id, key.as_deref())),
            MapOp::Delete { key } => Answer::Done(machine.map_delete(id, key)),
            MapOp::Update { key, flags, .. } => {
                Answer::Done(machine.map_update(id, key, &value, *flags))
            }
        };
        if let (MapOp::Lookup { .. } | MapOp::Take { .. }, Answer::Bytes(Ok(value))) =
            (op, &mut answer)
        {
            self.as_subject(kind, value);
        }
        Ok(answer)
    }

    fn contents(&mut self, map: usize) -> Result<Answer, CannotAsk> {
        let id = self.id(map)?;
        let kind = self.kind(id);
        let Some(def) = self.simulator.machine().map(id).map(|m| m.def().clone()) else {
            return Err(no_map(map));
        };
        if !is_listable(kind) {
            let what = format!("maps of type {} cannot be listed", kind.name());
            return Err(CannotAsk::Impossible { what });
        }
        let mut entries = self.simulator.raw_entries(id, &def);
        for (_, value) in &mut entries {
            self.as_subject(kind, value);
        }
        if def.key_size > 0 {
            entries.sort();
        }
        Ok(Answer::Contents(entries))
    }

    fn id(&self, map: usize) -> Result<MapId, CannotAsk> {
        self.maps.get(map).copied().ok_or_else(|| no_map(map))
    }

    fn kind(&self, id: MapId) -> MapType {
        let map = self.simulator.machine().map(id);
        map.map_or(MapType::Array, |map| map.def().map_type)
    }

    /// A value with the machine's numbers in place of the subject's.
    fn as_machine(&self, kind: MapType, value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        let map = |index| self.maps.get(index as usize).map_or(NOTHING, |id| id.0);
        let program = |index: u32| {
            let known = self.programs.get(index as usize).copied().flatten();
            known.map_or(NOTHING, |id| id.0)
        };
        let optional = |number: u32| match number.checked_sub(1) {
            Some(index) => program(index).saturating_add(1),
            None => 0,
        };
        translate(kind, &mut value, &map, &program, &optional);
        value
    }

    /// The other way round.
    fn as_subject(&self, kind: MapType, value: &mut [u8]) {
        let map = |id| self.indices.get(&id).copied().unwrap_or(NOTHING);
        let program = |id| {
            let found = self.programs.iter().position(|p| *p == Some(ProgId(id)));
            found.map_or(NOTHING, |index| index as u32)
        };
        let optional = |number: u32| match number.checked_sub(1) {
            Some(id) => program(id).saturating_add(1),
            None => 0,
        };
        translate(kind, value, &map, &program, &optional);
    }
}

impl Session for Live {
    fn hears_printk(&self) -> bool {
        true
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<Answer, CannotAsk> {
        match question {
            Question::Packet(data) => self.run(data).map(Answer::Ran),
            Question::Map { map, op } => self.operate(*map, op),
            Question::Contents { map } => self.contents(*map),
        }
    }

    fn time(&mut self, packet: &[u8], runs: u32) -> Result<f64, CannotAsk> {
        let entry = self.entry;
        let machine = self.simulator.machine_mut();
        let input = vm::packet::Input {
            data: packet,
            ingress_ifindex: 1,
            ..vm::packet::Input::default()
        };
        let ctx = machine.receive(&input).map_err(broken)?;
        let begin = thread_ns();
        for _ in 0..runs {
            // A trap is an end like another.
            let _ = std::hint::black_box(machine.run(entry, ctx));
        }
        let taken = thread_ns() - begin;
        self.events();
        Ok(taken / f64::from(runs.max(1)))
    }
}

/// Why first contents could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FillError {
    /// The subject does not live in the simulator.
    #[error(transparent)]
    Subject(#[from] CannotAsk),
    /// The entries are faulty.
    #[error(transparent)]
    Entries(#[from] contents::FillError),
}

/// First contents of a map, from JSON in the form of [`xdp_sim::contents`].
pub fn contents_from_json(
    subject: &Subject,
    map: usize,
    entries: &Json,
) -> Result<Vec<Content>, FillError> {
    let live = Live::new(subject, &Simulated::default())?;
    let id = live.id(map)?;
    let kind = live.kind(id);
    let entries = live.simulator.encode_entries(id, entries)?;
    let contents = entries.into_iter().map(|(key, mut value)| {
        live.as_subject(kind, &mut value);
        Content { map, key, value }
    });
    Ok(contents.collect())
}

fn broken(error: impl ToString) -> CannotAsk {
    CannotAsk::Broken {
        what: "running a packet".to_owned(),
        why: error.to_string(),
    }
}

fn no_map(map: usize) -> CannotAsk {
    CannotAsk::Impossible {
        what: format!("the subject has no map {map}"),
    }
}

/// The host's monotonic clock: the kernel's programs read the same.
fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(now.tv_nsec as u64)
}
