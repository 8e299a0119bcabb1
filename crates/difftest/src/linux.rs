//! The running kernel, as a party.
//!
//! Every session loads the subject anew, with maps of its own. Packets go through
//! PROG_TEST_RUN on CPU 0, one at a time.
//!
//! What a program shows of stack that it did not write would often be the same in
//! both sessions, since the kernel does the same before each run. So a program of
//! ours is run, which fills its stack with a byte that differs from session to
//! session and tail-calls the one in question, whose stack is then that memory.
//! Programs that make tail calls themselves are run without, as they would have one
//! fewer; for them such memory shows up as a difference.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;

use abi::{Errno, MapType, ProgType, Program};
use kernel::{
    Instance, InstanceError, Kernel, LoadError, Loaded, Map, OnCpu, PerfBuffer, PerfRecord,
    PrivateNetwork, RingBuffer, RunError, TestRun, TracePipe,
};
use rustix::thread::gettid;
use vm::world::Network;

use crate::party::thread_ns;
use crate::references::{NOTHING, translate};
use crate::subject::is_listable;
use crate::{
    Answer, CannotAsk, Content, Event, MapOp, Output, Party, Question, Ran, Session, Stop, Subject,
    sources,
};

/// What lets programs look up routes on interfaces.
const FORWARDING: [&str; 2] = [
    "/proc/sys/net/ipv4/conf/all/forwarding",
    "/proc/sys/net/ipv6/conf/all/forwarding",
];

/// Runs that take much longer than the system call that asks for them.
const PRECISE_RUNS: u32 = 50_000;
/// A time of which a nanosecond is no more than a hundredth.
const COARSE_NS: f64 = 100.0;

/// Pages of each CPU's perf buffer: they are emptied after each packet.
const PERF_PAGES: usize = 64;

/// The running kernel. While it lives, the thread that made it stays on CPU 0.
#[derive(Debug)]
pub struct Linux {
    shared: Rc<Shared>,
    sessions: u8,
    /// What every other session's stack is filled with.
    first: u8,
}

#[derive(Debug)]
struct Shared {
    kernel: Kernel,
    _cpu: OnCpu,
    private: Option<PrivateNetwork>,
    /// One for all sessions, opened when a program prints; `None` inside where
    /// there is none to open.
    trace: OnceCell<Option<RefCell<TracePipe>>>,
}

impl Shared {
    fn trace(&self) -> Option<&RefCell<TracePipe>> {
        let open = || TracePipe::open().ok().map(RefCell::new);
        self.trace.get_or_init(open).as_ref()
    }
}

impl Linux {
    /// Asks whether the kernel can be asked, in the network namespace of this
    /// process.
    ///
    /// # Errors
    ///
    /// [`CannotAsk::Missing`].
    pub fn open() -> Result<Linux, CannotAsk> {
        Linux::over(Kernel::open().map_err(missing)?, None)
    }

    /// The same, in a network namespace of its own, where [`Linux::network`] is
    /// all there is. While it lives, the thread that made it stays there.
    ///
    /// # Errors
    ///
    /// [`CannotAsk::Missing`].
    pub fn apart() -> Result<Linux, CannotAsk> {
        let kernel = Kernel::open().map_err(missing)?;
        let private = kernel.private_network();
        let private =
            private.map_err(|errno| missing(format_args!("a network namespace: {errno}")))?;
        for file in FORWARDING {
            fs::write(file, "1").map_err(|error| missing(format_args!("{file}: {error}")))?;
        }
        Linux::over(kernel, Some(private))
    }

    fn over(kernel: Kernel, private: Option<PrivateNetwork>) -> Result<Linux, CannotAsk> {
        let cpu = kernel.on_cpu(0);
        let cpu = cpu.map_err(|errno| missing(format_args!("CPU 0 to run on: {errno}")))?;
        Ok(Linux {
            shared: Rc::new(Shared {
                kernel,
                _cpu: cpu,
                private,
                trace: OnceCell::new(),
            }),
            sessions: 0,
            first: 0x5a,
        })
    }

    /// With zeros in the stack of every other session, as the simulator has it. A
    /// program may then go another way on what nobody wrote in the other session
    /// alone, which tells that from a difference.
    #[must_use]
    pub fn zeroed(self) -> Linux {
        Linux { first: 0, ..self }
    }

    /// The network around its programs, if that is known: a loopback that is
    /// down, and forwarding allowed.
    pub fn network(&self) -> Option<Network> {
        self.shared.private.as_ref()?;
        let mut network = Network::loopback();
        network.devices.iter_mut().for_each(|lo| lo.up = false);
        Some(network)
    }

    /// The kernel itself.
    pub fn kernel(&self) -> &Kernel {
        &self.shared.kernel
    }

    /// Its release, such as `6.18.44`.
    pub fn release(&self) -> &str {
        self.shared.kernel.release()
    }

    /// CPUs that are possible: what [`Subject::cpus`] must be.
    pub fn cpus(&self) -> u32 {
        self.shared.kernel.cpus()
    }
}

fn missing(what: impl ToString) -> CannotAsk {
    CannotAsk::Missing {
        missing: what.to_string(),
    }
}

impl Party for Linux {
    fn name(&self) -> &'static str {
        "Linux"
    }

    fn is_deterministic(&self) -> bool {
        false
    }

    fn open(&mut self, subject: &Subject) -> Result<Box<dyn Session>, CannotAsk> {
        self.sessions = self.sessions.wrapping_add(1);
        let poison = match self.sessions % 2 {
            0 => 0xa5,
            _ => self.first,
        };
        let mut live = Live::new(Rc::clone(&self.shared), subject, poison)?;
        for content in &subject.contents {
            live.fill(subject, content)?;
        }
        Ok(Box::new(live))
    }
}

/// A subject in the kernel.
struct Live {
    shared: Rc<Shared>,
    instance: Instance,
    /// For each program of the subject its place in the instance.
    places: Vec<Option<usize>>,
    entry: usize,
    /// Fills the stack and goes on with the entry.
    wrapper: Option<Wrapper>,
    /// Indices in the subject by the kernel's ids.
    map_ids: HashMap<u32, u32>,
    program_ids: HashMap<u32, u32>,
    rings: Vec<(usize, RingBuffer)>,
    perf: Vec<(usize, PerfBuffer)>,
    prints: bool,
}

impl Live {
    fn new(shared: Rc<Shared>, subject: &Subject, poison: u8) -> Result<Live, CannotAsk> {
        let programs: Vec<_> = subject
            .programs
            .iter()
            .filter(|p| fits(subject, p))
            .collect();
        let owned: Vec<_> = programs.iter().map(|p| (*p).clone()).collect();
        let instance = shared.kernel.instantiate(subject.maps(), &owned);
        let mut instance = instance.map_err(not_made)?;
        let place = |name: &str| owned.iter().position(|p| p.name == name);
        let entry = place(&subject.entry).ok_or_else(|| refused(subject, "there is none", None))?;
        if let Err(error) = &mut instance.programs[entry] {
            return Err(not_loaded(subject, error));
        }
        let places: Vec<_> = subject.programs.iter().map(|p| place(&p.name)).collect();
        let mut live = Live {
            wrapper: None,
            map_ids: HashMap::new(),
            program_ids: HashMap::new(),
            rings: Vec::new(),
            perf: Vec::new(),
            prints: owned.iter().any(prints),
            entry,
            places,
            instance,
            shared,
        };
        let program = &owned[live.entry];
        if !calls(program, &["bpf_tail_call"]) {
            live.wrapper = Wrapper::new(&live.shared.kernel, program, live.entry()?, poison);
        }
        live.listen(subject)?;
        live.remember_ids(subject)?;
        Ok(live)
    }

    /// Opens what events come through.
    fn listen(&mut self, subject: &Subject) -> Result<(), CannotAsk> {
        for (index, map) in self.instance.maps.iter().enumerate() {
            let failed = |errno| of_map(subject, index, "its reading end", errno);
            match map.def().map_type {
                MapType::Ringbuf => {
                    let ring = RingBuffer::open(map).map_err(failed)?;
                    self.rings.push((index, ring));
                }
                MapType::PerfEventArray => {
                    let kernel = &self.shared.kernel;
                    let perf = PerfBuffer::open(kernel, map, PERF_PAGES).map_err(failed)?;
                    self.perf.push((index, perf));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Learns the ids by which the kernel shows maps and programs.
    fn remember_ids(&mut self, subject: &Subject) -> Result<(), CannotAsk> {
        for (index, map) in self.instance.maps.iter().enumerate() {
            let info = map.info();
            let info = info.map_err(|errno| of_map(subject, index, "its id", errno))?;
            self.map_ids.insert(info.id, index as u32);
        }
        for (index, place) in self.places.iter().enumerate() {
            let Some(Ok(loaded)) = place.and_then(|place| self.instance.programs.get(place)) else {
                continue;
            };
            let info = loaded.info();
            let info = info.map_err(|errno| refused(subject, "its id", Some(errno)))?;
            self.program_ids.insert(info.id, index as u32);
        }
        Ok(())
    }

    fn fill(&mut self, subject: &Subject, content: &Content) -> Result<(), CannotAsk> {
        let map = self.map(content.map)?;
        let value = self.as_kernel(map.def().map_type, &content.value);
        map.update(&content.key, &value, kernel::update::ANY)
            .map_err(|errno| of_map(subject, content.map, "an entry is refused", errno))
    }

    fn run(&mut self, packet: &[u8]) -> Result<Ran, CannotAsk> {
        // Lines from between two questions are nobody's answer.
        if let Some(pipe) = self.shared.trace().filter(|_| self.prints) {
            pipe.borrow_mut().lines();
        }
        let ctx = context(packet.len());
        let run = TestRun {
            data: packet,
            ctx: &ctx,
            ..TestRun::default()
        };
        let program = match &self.wrapper {
            Some(wrapper) => &wrapper.program,
            None => self.entry()?,
        };
        let end = match program.test_run(&run) {
            Ok(mut result) => {
                // `xdp_md.data` is where the packet begins behind its metadata.
                let metadata = result
                    .ctx
                    .first_chunk()
                    .map_or(0, |w| u32::from_le_bytes(*w));
                let packet = result
                    .data
                    .split_off(result.data.len().min(metadata as usize));
                Ok(Output {
                    ret: result.retval,
                    metadata: result.data,
                    packet,
                })
            }
            Err(RunError::Refused(Errno::EINVAL)) => Err(Stop::Refused(Errno::EINVAL)),
            Err(error) => return Err(broken(error)),
        };
        let events = self.events();
        Ok(Ran {
            end,
            executed: None,
            events,
        })
    }

    fn entry(&self) -> Result<&Loaded, CannotAsk> {
        let entry = self.instance.programs.get(self.entry);
        entry
            .and_then(|p| p.as_ref().ok())
            .ok_or_else(|| CannotAsk::Impossible {
                what: "there is no program".to_owned(),
            })
    }

    fn events(&mut self) -> Vec<Event> {
        let mut records = Vec::new();
        for (map, ring) in &mut self.rings {
            let map = *map;
            let data = ring.drain().into_iter();
            records.extend(data.map(|data| (map, Event::Record { map, data })));
        }
        for (map, perf) in &mut self.perf {
            let map = *map;
            for record in perf.drain() {
                if let PerfRecord::Sample { data, .. } = record {
                    records.push((map, Event::Record { map, data }));
                }
            }
        }
        records.sort_by_key(|(map, _)| *map);
        let mut events: Vec<_> = records.into_iter().map(|(_, event)| event).collect();
        if let Some(pipe) = self.shared.trace().filter(|_| self.prints) {
            let lines = pipe.borrow_mut().lines();
            events.extend(
                lines
                    .iter()
                    .filter_map(|line| printed(line))
                    .map(Event::Printk),
            );
        }
        events
    }

    fn operate(&mut self, index: usize, op: &MapOp<'_>) -> Result<Answer, CannotAsk> {
        let map = self.map(index)?;
        let kind = map.def().map_type;
        let show = |value: Result<Vec<u8>, Errno>| {
            value.map(|mut value| {
                self.as_subject(kind, &mut value);
                value
            })
        };
        Ok(match op {
            MapOp::Lookup { key } => Answer::Bytes(show(map.lookup(key))),
            MapOp::Take { key } => Answer::Bytes(show(map.take(key))),
            MapOp::NextKey { key } => Answer::Bytes(map.next_key(key.as_deref())),
            MapOp::Delete { key } => Answer::Done(map.delete(key)),
            MapOp::Update { key, value, flags } => {
                Answer::Done(map.update(key, &self.as_kernel(kind, value), *flags))
            }
        })
    }

    fn contents(&mut self, index: usize) -> Result<Answer, CannotAsk> {
        let map = self.map(index)?;
        let kind = map.def().map_type;
        if !is_listable(kind) {
            let what = format!("maps of type {} cannot be listed", kind.name());
            return Err(CannotAsk::Impossible { what });
        }
        let failed = |errno: Errno| CannotAsk::Map {
            map: map.def().name.clone(),
            why: format!("its contents: {errno}"),
        };
        if matches!(kind, MapType::Queue | MapType::Stack) {
            return Ok(Answer::Contents(queued(map).map_err(failed)?));
        }
        let mut entries = map.entries().map_err(failed)?;
        for (_, value) in &mut entries {
            self.as_subject(kind, value);
        }
        entries.sort();
        Ok(Answer::Contents(entries))
    }

    fn map(&self, map: usize) -> Result<&Map, CannotAsk> {
        self.instance
            .maps
            .get(map)
            .ok_or_else(|| CannotAsk::Impossible {
                what: format!("the subject has no map {map}"),
            })
    }

    /// A value with descriptors in place of the subject's numbers.
    fn as_kernel(&self, kind: MapType, value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        let map = |index: u32| {
            let map = self.instance.maps.get(index as usize);
            map.map_or(NOTHING, |map| map.as_fd().as_raw_fd() as u32)
        };
        let program = |index: u32| {
            let place = self.places.get(index as usize).copied().flatten();
            let loaded = place.and_then(|place| self.instance.programs.get(place)?.as_ref().ok());
            loaded.map_or(NOTHING, |loaded| loaded.as_fd().as_raw_fd() as u32)
        };
        let optional = |number: u32| match number.checked_sub(1) {
            Some(index) => program(index),
            None => 0,
        };
        translate(kind, &mut value, &map, &program, &optional);
        value
    }

    /// A value with the subject's numbers in place of the kernel's ids.
    fn as_subject(&self, kind: MapType, value: &mut [u8]) {
        let map = |id| self.map_ids.get(&id).copied().unwrap_or(NOTHING);
        let program = |id| self.program_ids.get(&id).copied().unwrap_or(NOTHING);
        let optional = |id: u32| match id {
            0 => 0,
            id => program(id).saturating_add(1),
        };
        translate(kind, value, &map, &program, &optional);
    }
}

impl Session for Live {
    fn hears_printk(&self) -> bool {
        !self.prints || self.shared.trace().is_some()
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<Answer, CannotAsk> {
        match question {
            Question::Packet(data) => self.run(data).map(Answer::Ran),
            Question::Map { map, op } => self.operate(*map, op),
            Question::Contents { map } => self.contents(*map),
        }
    }

    fn time(&mut self, packet: &[u8], runs: u32) -> Result<f64, CannotAsk> {
        let ctx = context(packet.len());
        let run = |repeat| TestRun {
            data: packet,
            ctx: &ctx,
            repeat,
            ..TestRun::default()
        };
        // The wrapper would be timed too.
        let program = self.entry()?;
        let begin = thread_ns();
        let result = program.test_run(&run(runs)).map_err(broken)?;
        let all = thread_ns() - begin;
        let counted = f64::from(result.duration_ns);
        let time = match runs < PRECISE_RUNS || counted > COARSE_NS {
            // Linux counts in whole nanoseconds, and cuts what is less.
            true => counted + 0.5,
            // The system call itself takes as long as thousands of runs.
            false => {
                let begin = thread_ns();
                program.test_run(&run(1)).map_err(broken)?;
                let call = thread_ns() - begin;
                (all - call).max(0.0) / f64::from(runs)
            }
        };
        self.events();
        Ok(time)
    }
}

/// Whether a program is loaded along: those that the simulator takes too.
fn fits(subject: &Subject, program: &Program) -> bool {
    let entry = program.name == subject.entry;
    entry || (program.prog_type == ProgType::Xdp && !program.optional)
}

/// `struct xdp_md` as a test run takes it: where the linear part ends.
fn context(len: usize) -> [u8; 24] {
    let mut ctx = [0; 24];
    let end = len.min(abi::xdp::MAX_LINEAR as usize) as u32;
    ctx[4..8].copy_from_slice(&end.to_le_bytes());
    ctx
}

/// A program that fills its whole stack with a byte and goes on with another.
struct Wrapper {
    program: Loaded,
    /// Holds that other program.
    _slots: Map,
}

impl Wrapper {
    /// `None` where Linux does not let one program follow on the other: then what
    /// is not determined may show up as a difference, and nothing is hidden.
    fn new(kernel: &Kernel, entry: &Program, loaded: &Loaded, byte: u8) -> Option<Wrapper> {
        let word = u64::from_le_bytes([byte; 8]);
        let stores: String = (1..=abi::limits::STACK_BYTES / 8)
            .map(|slot| format!("*(u64 *)(r10 -{}) = r2\n", slot * 8))
            .collect();
        let text =
            format!("r2 = {word:#x} ll\n{stores}r2 = map[idx:0]\nr3 = 0\ncall 12\nr0 = -1\nexit");
        let code = isa::asm::assemble(&text).ok()?;
        let maps = vec![crate::map("entry", MapType::ProgArray, 4, 4, 1)];
        let mut subject = Subject::xdp("stack", code.slots().to_vec(), maps);
        let program = &mut subject.programs[0];
        program.flags = entry.flags;
        program.attach_type = entry.attach_type;
        let slots = kernel.create_map(&program.maps[0], None).ok()?;
        let maps = [slots];
        let wrapper = kernel.load(program, &maps, &Default::default()).ok()?;
        let [slots] = maps;
        let fd = loaded.as_fd().as_raw_fd().to_ne_bytes();
        slots.update(&[0; 4], &fd, kernel::update::ANY).ok()?;
        Some(Wrapper {
            program: wrapper,
            _slots: slots,
        })
    }
}

/// Whether a program prints.
fn prints(program: &Program) -> bool {
    calls(program, &["bpf_trace_printk", "bpf_trace_vprintk"])
}

/// Whether a program calls one of these helpers.
fn calls(program: &Program, names: &[&str]) -> bool {
    sources::helpers(program).any(|name| names.contains(&name))
}

/// What `bpf_trace_printk` was given, in a line that this thread brought about:
/// the pipe has the lines of all programs on the machine.
fn printed(line: &str) -> Option<String> {
    let (head, text) = line.split_once(": bpf_trace_printk: ")?;
    let thread = format!("-{} ", gettid().as_raw_nonzero());
    head.contains(&thread).then(|| text.to_owned())
}

/// What a queue or stack holds, in the order of taking out. Taking out is the only
/// way to look, so everything is put back.
fn queued(map: &Map) -> Result<Vec<vm::Entry>, Errno> {
    let values = map.pop_all()?;
    let put = |value: &Vec<u8>| map.update(&[], value, kernel::update::ANY);
    match map.def().map_type {
        MapType::Stack => values.iter().rev().try_for_each(put)?,
        _ => values.iter().try_for_each(put)?,
    }
    Ok(values
        .into_iter()
        .map(|value| (Vec::new(), value))
        .collect())
}

fn broken(error: RunError) -> CannotAsk {
    CannotAsk::Broken {
        what: "PROG_TEST_RUN".to_owned(),
        why: error.to_string(),
    }
}

fn not_made(error: InstanceError) -> CannotAsk {
    let why = error.to_string();
    match error {
        InstanceError::Map { map, refusal } => CannotAsk::Map {
            map,
            why: refusal.to_string(),
        },
        InstanceError::Contents { map, errno } => CannotAsk::Map {
            map,
            why: format!("its first contents: {errno}"),
        },
        InstanceError::Entry { map, slot, errno } => CannotAsk::Map {
            map,
            why: format!("slot {slot}: {errno}"),
        },
        _ => CannotAsk::Broken {
            what: "loading the object".to_owned(),
            why,
        },
    }
}

fn not_loaded(subject: &Subject, error: &LoadError) -> CannotAsk {
    let (errno, log) = match error {
        LoadError::Refused(refusal) | LoadError::Btf(refusal) => {
            (Some(refusal.errno), refusal.log.clone())
        }
        _ => (None, String::new()),
    };
    CannotAsk::Program {
        program: subject.entry.clone(),
        why: error.to_string(),
        errno,
        log,
    }
}

fn refused(subject: &Subject, why: &str, errno: Option<Errno>) -> CannotAsk {
    CannotAsk::Program {
        program: subject.entry.clone(),
        why: why.to_owned(),
        errno,
        log: String::new(),
    }
}

fn of_map(subject: &Subject, map: usize, what: &str, errno: Errno) -> CannotAsk {
    CannotAsk::Map {
        map: subject.map_name(map).to_owned(),
        why: format!("{what}: {errno}"),
    }
}
