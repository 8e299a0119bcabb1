//! The simulator: one XDP program on one interface.

use std::mem;
use std::ops::Range;
use std::sync::Arc;

use abi::xdp::XdpAction;
use abi::{AttachType, MapType, ProgType, Program};
use btf::Btf;
use vm::world::{Cpu, Network, Redirect};
use vm::{Instance, Machine, MapId, ProgId, Trap, World, packet};

use crate::outcome::{Delivery, Lost, Outcome};
use crate::redirect::{self, Destination, Target};

/// Where packets arrive, and the world they arrive in.
#[derive(Debug)]
pub struct Options {
    /// `xdp_md.ingress_ifindex`.
    pub ifindex: u32,
    /// `xdp_md.rx_queue_index`.
    pub queue: u32,
    /// Clock, random numbers, CPUs, network tables.
    pub world: World,
    /// Instructions that one run may take; `None` for the machine's default.
    pub budget: Option<u64>,
}

impl Default for Options {
    /// As PROG_TEST_RUN has it: interface 1, which is the loopback, and queue 0.
    fn default() -> Options {
        Options {
            ifindex: 1,
            queue: 0,
            world: World {
                network: Network::loopback(),
                ..World::default()
            },
            budget: None,
        }
    }
}

/// Why a simulator could not be made, or a packet not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No program has this name.
    #[error("no program is called {name:?}; there are: {}", known.join(", "))]
    NoProgram {
        /// What was asked for.
        name: String,
        /// The programs that there are.
        known: Vec<String>,
    },
    /// The program is for something else.
    #[error("program {name} is of type {prog_type}, not xdp")]
    NotXdp {
        /// Its name.
        name: String,
        /// Its type.
        prog_type: ProgType,
    },
    /// The program is meant for an entry of a map, not for an interface.
    #[error("program {name} belongs into a map entry ({attach_type}), not on an interface")]
    SecondOnly {
        /// Its name.
        name: String,
        /// `xdp_devmap` or `xdp_cpumap`.
        attach_type: AttachType,
    },
    /// Maps, programs or packets that the machine refuses.
    #[error(transparent)]
    Machine(#[from] vm::Error),
}

/// How often a packet may be redirected on by programs of map entries.
const MAX_HOPS: u32 = 8;

/// One XDP program on one interface, with its maps and the machine they live in.
#[derive(Debug)]
pub struct Simulator {
    machine: Machine,
    instance: Instance,
    left_out: Vec<vm::LoadError>,
    btf: Option<Arc<Btf>>,
    /// The maps that are ring buffers.
    pub(crate) rings: Vec<MapId>,
    entry: ProgId,
    frags: bool,
    ifindex: u32,
    queue: u32,
    // Reused from packet to packet.
    output: Vec<u8>,
    metadata: Vec<u8>,
    arena: Vec<u8>,
    deliveries: Vec<Delivery>,
    hops: Vec<Hop>,
    targets: Vec<Target>,
    scratch: Vec<u8>,
}

impl Simulator {
    /// Loads `programs` (those of one object) with their maps and puts the one
    /// called `entry` on the interface.
    ///
    /// The others are there for tail calls and map entries. Those that are not for
    /// XDP, that are optional, or that cannot be loaded stay out
    /// ([`Simulator::left_out`]); entries that should hold them stay empty.
    pub fn new(programs: &[Program], entry: &str, options: Options) -> Result<Simulator, Error> {
        let program = programs
            .iter()
            .find(|p| p.name == entry)
            .ok_or_else(|| no_program(programs, entry))?;
        attachable(program)?;
        let (programs, left_out) = together(programs, program, options.world.cpu)?;
        let mut machine = Machine::new(options.world)?;
        if let Some(budget) = options.budget {
            machine.budget = budget;
        }
        let instance = machine.instantiate(&program.maps, &programs)?;
        let index = programs.iter().position(|p| p.name == entry);
        let maps = program.maps.iter().zip(&instance.maps);
        let rings = maps.filter(|(def, _)| def.map_type == MapType::Ringbuf);
        Ok(Simulator {
            rings: rings.map(|(_, id)| *id).collect(),
            entry: instance.programs[index.expect("the entry is never left out")],
            frags: program.flags.xdp_frags,
            machine,
            instance,
            left_out,
            btf: program.btf.clone(),
            ifindex: options.ifindex,
            queue: options.queue,
            output: Vec::new(),
            metadata: Vec::new(),
            arena: Vec::new(),
            deliveries: Vec::new(),
            hops: Vec::new(),
            targets: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Runs the program on a packet.
    ///
    /// `packet` is a whole frame from the Ethernet header on. Frames over
    /// [`abi::xdp::MAX_LINEAR`] bytes become multi-buffer, whether or not the
    /// program is marked for it, as with PROG_TEST_RUN; a real driver would
    /// refuse an unmarked program at that MTU ([`Simulator::understands_frags`]).
    pub fn run(&mut self, packet: &[u8]) -> Result<Outcome<'_>, Error> {
        self.run_and(packet, true)
    }

    /// The same, but for redirects: as with PROG_TEST_RUN the packet goes nowhere
    /// and no program of a map entry runs.
    pub fn test_run(&mut self, packet: &[u8]) -> Result<Outcome<'_>, Error> {
        self.run_and(packet, false)
    }

    fn run_and(&mut self, packet: &[u8], follow: bool) -> Result<Outcome<'_>, Error> {
        self.arena.clear();
        self.deliveries.clear();
        let answer = self.answer(self.entry, packet, &[], self.ifindex, self.queue, 0)?;
        let action = answer.action();
        let mut executed = answer.executed;
        let mut lost = None;
        let kept = self.keep_if_needed(action);
        match action {
            XdpAction::Aborted | XdpAction::Drop => {}
            XdpAction::Pass => self.deliver(Destination::Stack, None, None),
            XdpAction::Tx => self.deliver(Destination::Back, None, None),
            XdpAction::Redirect if !follow => {}
            XdpAction::Redirect => {
                let redirect = self.machine.redirect.take();
                lost = self.redirect(redirect, &mut executed)?;
            }
        }
        let space = &self.machine.space;
        let (output, metadata) = match &self.machine.packet {
            Some(packet) if !kept => (packet.linear(space), packet.meta(space)),
            _ => (self.output.as_slice(), self.metadata.as_slice()),
        };
        Ok(Outcome {
            action,
            ret: answer.ret,
            trap: answer.trap,
            executed,
            output,
            metadata,
            deliveries: &self.deliveries,
            lost,
            arena: &self.arena,
        })
    }

    /// Copies what the program left where it will not stay, or not in one piece,
    /// in the packet buffer; whether it did.
    fn keep_if_needed(&mut self, action: XdpAction) -> bool {
        let Some(packet) = &self.machine.packet else {
            return false;
        };
        let needed = packet.is_multi_buffer() || action == XdpAction::Redirect;
        if needed {
            let space = &self.machine.space;
            self.output.clear();
            copy_data(packet, space, &mut self.output);
            self.metadata.clear();
            self.metadata.extend_from_slice(packet.meta(space));
        }
        needed
    }

    /// Where the next packets arrive, and which program is there; until another
    /// call says otherwise.
    pub fn arrive_at(&mut self, program: ProgId, ifindex: u32, queue: u32) {
        self.entry = program;
        self.ifindex = ifindex;
        self.queue = queue;
    }

    /// Why programs beside the one on the interface could not be loaded.
    pub fn left_out(&self) -> &[vm::LoadError] {
        &self.left_out
    }

    /// Whether the program is marked for multi-buffer packets (`xdp.frags`).
    pub fn understands_frags(&self) -> bool {
        self.frags
    }

    /// The machine: memory, maps, world.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The machine, to change maps and world between packets.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// The maps of the object, in its order.
    pub fn maps(&self) -> &[MapId] {
        &self.instance.maps
    }

    /// The object's types.
    pub fn btf(&self) -> Option<&Arc<Btf>> {
        self.btf.as_ref()
    }

    /// The program of this name.
    pub fn program_named(&self, name: &str) -> Option<ProgId> {
        let found = self.programs().find(|(_, known)| *known == name);
        found.map(|(id, _)| id)
    }

    /// The programs and their names.
    pub fn programs(&self) -> impl Iterator<Item = (ProgId, &str)> {
        let ids = self.instance.programs.iter();
        ids.filter_map(|id| Some((*id, self.machine.program_name(*id)?)))
    }

    /// Runs one program on one packet.
    fn answer(
        &mut self,
        program: ProgId,
        data: &[u8],
        meta: &[u8],
        ingress_ifindex: u32,
        rx_queue_index: u32,
        egress_ifindex: u32,
    ) -> Result<Answer, Error> {
        let ctx = self.machine.receive(&packet::Input {
            data,
            meta,
            ingress_ifindex,
            rx_queue_index,
            egress_ifindex,
        })?;
        self.machine.redirect = None;
        let result = self.machine.run(program, ctx);
        Ok(Answer {
            ret: result.unwrap_or(0) as u32,
            trap: result.err(),
            executed: self.machine.executed(),
        })
    }

    fn deliver(&mut self, to: Destination, second: Option<ProgId>, changed: Option<Range<usize>>) {
        self.deliveries.push(Delivery {
            to,
            second,
            changed,
        });
    }

    /// Follows a redirect to its end; why it ended nowhere, if nothing arrived.
    fn redirect(
        &mut self,
        redirect: Option<Redirect>,
        executed: &mut u64,
    ) -> Result<Option<Lost>, Error> {
        let mut lost = Some(Lost::NoTarget);
        self.hops.clear();
        self.hops.extend(redirect.map(|redirect| Hop {
            redirect,
            bytes: None,
            number: 0,
        }));
        while let Some(hop) = self.hops.pop() {
            if hop.number == MAX_HOPS {
                lost = Some(Lost::Loop);
                continue;
            }
            let mut targets = mem::take(&mut self.targets);
            redirect::targets(&self.machine, hop.redirect, self.ifindex, &mut targets);
            if targets.is_empty() {
                lost = Some(Lost::NoEntry);
            }
            for target in targets.drain(..) {
                let program = target.program;
                let lost_here = match program {
                    Some(program) => self.second(program, target.to, &hop, executed)?,
                    None => {
                        self.deliver(target.to, None, hop.bytes.clone());
                        None
                    }
                };
                lost = lost_here.or(lost);
            }
            self.targets = targets;
        }
        Ok(lost.filter(|_| self.deliveries.is_empty()))
    }

    /// Runs the program of a map entry; why the packet went no further.
    fn second(
        &mut self,
        program: ProgId,
        to: Destination,
        hop: &Hop,
        executed: &mut u64,
    ) -> Result<Option<Lost>, Error> {
        let mut data = mem::take(&mut self.scratch);
        data.clear();
        data.extend_from_slice(match &hop.bytes {
            Some(range) => self.arena.get(range.clone()).unwrap_or_default(),
            None => &self.output,
        });
        let meta = mem::take(&mut self.metadata);
        // Linux does not hand the queue on to programs on another CPU.
        let (queue, egress) = match to {
            Destination::Device(ifindex) => (self.queue, ifindex),
            _ => (0, 0),
        };
        let answer = self.answer(program, &data, &meta, self.ifindex, queue, egress);
        self.scratch = data;
        self.metadata = meta;
        let answer = answer?;
        *executed += answer.executed;
        let made = self.keep_output();
        Ok(match (answer.trap, answer.action(), to) {
            (Some(trap), ..) => Some(Lost::Trap(trap)),
            (_, XdpAction::Pass, _) => {
                self.deliver(to, Some(program), Some(made));
                None
            }
            // A program on a CPU may send a packet on; one on a device lets it
            // through or not.
            (_, XdpAction::Redirect, Destination::Cpu(_)) => match self.machine.redirect.take() {
                Some(redirect) => {
                    self.hops.push(Hop {
                        redirect,
                        bytes: Some(made),
                        number: hop.number + 1,
                    });
                    None
                }
                None => Some(Lost::NoTarget),
            },
            _ => Some(Lost::Second(program)),
        })
    }

    /// Keeps what is in the packet buffer until the next packet.
    fn keep_output(&mut self) -> Range<usize> {
        let start = self.arena.len();
        if let Some(packet) = &self.machine.packet {
            copy_data(packet, &self.machine.space, &mut self.arena);
        }
        start..self.arena.len()
    }
}

/// A redirect that is still to be followed.
#[derive(Debug)]
struct Hop {
    redirect: Redirect,
    /// Where in the arena the packet is; what the first program left, if not.
    bytes: Option<Range<usize>>,
    /// How many redirects there were before.
    number: u32,
}

/// How one program answered.
struct Answer {
    ret: u32,
    trap: Option<Trap>,
    executed: u64,
}

impl Answer {
    fn action(&self) -> XdpAction {
        match self.trap {
            Some(_) => XdpAction::Aborted,
            None => XdpAction::from_ret(self.ret).unwrap_or(XdpAction::Aborted),
        }
    }
}

/// The program on the interface and those beside it that can be loaded with it.
fn together(
    programs: &[Program],
    entry: &Program,
    cpu: Cpu,
) -> Result<(Vec<Program>, Vec<vm::LoadError>), Error> {
    // Tried in a machine of its own, so that nothing of a failure stays behind.
    let mut trial = Machine::new(World {
        cpu,
        ..World::default()
    })?;
    let maps = trial.instantiate(&entry.maps, &[])?.maps;
    let mut loadable = Vec::new();
    let mut left_out = Vec::new();
    for program in programs {
        let beside = program.name != entry.name;
        if beside && (program.prog_type != ProgType::Xdp || program.optional) {
            continue;
        }
        match trial.load_program(program, &maps) {
            Err(error) if beside => left_out.push(error),
            _ => loadable.push(program.clone()),
        }
    }
    Ok((loadable, left_out))
}

/// Appends the packet without metadata.
fn copy_data(packet: &packet::Packet, space: &vm::Space, out: &mut Vec<u8>) {
    out.extend_from_slice(packet.linear(space));
    out.extend_from_slice(packet.frags());
}

fn no_program(programs: &[Program], name: &str) -> Error {
    Error::NoProgram {
        name: name.to_owned(),
        known: programs.iter().map(|p| p.name.clone()).collect(),
    }
}

/// Whether a program may sit on an interface; if not, why.
pub fn attachable(program: &Program) -> Result<(), Error> {
    let name = program.name.clone();
    if program.prog_type != ProgType::Xdp {
        return Err(Error::NotXdp {
            name,
            prog_type: program.prog_type,
        });
    }
    match program.attach_type {
        Some(attach_type @ (AttachType::XdpDevmap | AttachType::XdpCpumap)) => {
            Err(Error::SecondOnly { name, attach_type })
        }
        _ => Ok(()),
    }
}
