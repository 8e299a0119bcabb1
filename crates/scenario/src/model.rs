//! What a scenario says, as data: who runs it, and where, is another matter.

use std::path::PathBuf;
use std::sync::Arc;

use abi::ProgType;
use abi::xdp::XdpAction;
use vm::packet::Hints;
use vm::world::{Device, Neighbour, Prefix, Route, Socket};

use crate::file::{Node, Source, Spot};
use crate::packet::Definitions;

/// A scenario: a world, what happens in it, and what is expected of it.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// What it is called in reports.
    pub name: String,
    /// The file that it was read from.
    pub source: Option<Arc<Source>>,
    /// The hosts by name; without any there is one that has none.
    pub hosts: Vec<Name>,
    /// The objects that are loaded.
    pub objects: Vec<ObjectSpec>,
    /// The interfaces of all hosts.
    pub interfaces: Vec<Interface>,
    /// What joins them.
    pub links: Vec<LinkSpec>,
    /// Programs that take the place of functions of others.
    pub replacements: Vec<ReplaceSpec>,
    /// AF_XDP sockets.
    pub sockets: Vec<SocketSpec>,
    /// Clock, random numbers, CPUs, routes.
    pub world: WorldSpec,
    /// Runs programs that Linux would refuse.
    pub unverified: bool,
    /// The types of what maps of events carry: map and type.
    pub event_types: Vec<(Name, Name)>,
    /// What maps hold at first.
    pub maps: Vec<Filling>,
    /// What `$name` stands for in packets.
    pub definitions: Definitions,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// What is expected when all has happened.
    pub expect: StateExpect,
}

/// A name, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub spot: Spot,
}

/// An object to load.
#[derive(Clone, Debug, Default)]
pub struct ObjectSpec {
    /// What the scenario calls it.
    pub name: String,
    /// The host that it is loaded on, by its place.
    pub host: usize,
    /// The compiled object.
    pub path: PathBuf,
    /// Type of the programs whose section does not say it.
    pub prog_type: Option<ProgType>,
    /// The kernel's types, as raw BTF or ELF.
    pub btf: Option<PathBuf>,
    /// Global variables before it is loaded.
    pub globals: Vec<(Name, Node)>,
    /// Sizes of maps.
    pub map_sizes: Vec<(Name, u32)>,
    /// Where it stands.
    pub spot: Spot,
}

/// An interface of a host.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// What the scenario calls it: `eth0`, or `west:eth0` where hosts have names.
    pub name: String,
    /// Its host, by its place.
    pub host: usize,
    /// Name, index, addresses.
    pub device: Device,
    /// The program on it.
    pub program: Option<Name>,
    /// The object that the program is from, where there are several.
    pub object: Option<Name>,
    /// The programs that a dispatcher runs, in place of a single one.
    pub chain: Vec<ChainSpec>,
    /// Receive queues.
    pub queues: u32,
    /// Generic receive offload.
    pub gro: bool,
    /// Where it stands.
    pub spot: Spot,
}

/// A program of a dispatcher.
#[derive(Clone, Debug, Default)]
pub struct ChainSpec {
    /// The program.
    pub program: Name,
    /// The object that it is from, where there are several.
    pub object: Option<Name>,
    /// Its priority, in place of the object's.
    pub priority: Option<u32>,
    /// After which of its answers the next program runs: bits by number of the
    /// action; in place of the object's.
    pub chain_call_actions: Option<u32>,
}

/// A program that takes the place of a function (`freplace`).
#[derive(Clone, Debug, Default)]
pub struct ReplaceSpec {
    /// `program:function`, perhaps with the object and its host in front.
    pub function: Name,
    /// The program.
    pub program: Name,
    /// The object that it is from, where there are several.
    pub object: Option<Name>,
}

/// What joins interfaces.
#[derive(Clone, Debug, Default)]
pub struct LinkSpec {
    /// The interfaces, by their places.
    pub ends: Vec<usize>,
    /// A bridge that learns, and no pair.
    pub bridge: bool,
}

/// An AF_XDP socket that the scenario reads from.
#[derive(Clone, Debug, Default)]
pub struct SocketSpec {
    /// The xskmap.
    pub map: Name,
    /// Its slot.
    pub slot: u32,
    /// The interface, by its place.
    pub interface: usize,
    /// Its queue.
    pub queue: u32,
}

/// Clock, random numbers, CPUs, routes.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// Time.
    pub clock: Clock,
    /// Seed of the random numbers.
    pub seed: u64,
    /// CPUs of the machine.
    pub cpus: u32,
    /// Instructions that a packet may take before its program is stopped.
    pub budget: Option<u64>,
    /// Routes at first, with the places of their hosts.
    pub routes: Vec<(usize, Route)>,
    /// Neighbours at first, with the places of their hosts.
    pub neighbours: Vec<(usize, Neighbour)>,
    /// Sockets that programs look up, at first, with the places of their hosts.
    pub sockets: Vec<(usize, Socket)>,
}

impl Default for WorldSpec {
    fn default() -> WorldSpec {
        WorldSpec {
            clock: Clock::default(),
            seed: 0,
            cpus: 1,
            budget: None,
            routes: Vec::new(),
            neighbours: Vec::new(),
            sockets: Vec::new(),
        }
    }
}

/// Time, in nanoseconds since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// When the scenario begins.
    pub start_ns: u64,
    /// What passes after each packet.
    pub step_ns: u64,
    /// What passes whenever a program reads the clock.
    pub tick_ns: u64,
    /// Whether packets of captures come when the capture says.
    pub capture: bool,
}

/// What maps hold.
#[derive(Clone, Debug)]
pub struct Filling {
    /// The map; `object:map` where several objects have one of the name.
    pub map: Name,
    /// Entries: `[{key = …, value = …}]`.
    pub entries: Node,
}

/// Something that happens: first time passes, then the world changes, then
/// packets come, then it is asked whether all is as expected.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// What it is called in reports.
    pub name: Option<String>,
    /// Where it stands.
    pub spot: Spot,
    /// When it happens.
    pub at_ns: Option<u64>,
    /// How much time passes before it.
    pub advance_ns: u64,
    /// What changes.
    pub changes: Vec<Change>,
    /// The packets that come.
    pub packets: Packets,
    /// How often.
    pub repeat: u64,
    /// Where; the first interface with a program, if it does not say.
    pub interface: Option<Name>,
    /// The receive queue.
    pub queue: u32,
    /// The CPU that handles it.
    pub cpu: u32,
    /// What the device says of its packets: the same of all, or of each.
    pub hints: Vec<Hints>,
    /// What is expected of it.
    pub expect: Expect,
}

/// Packets of a step.
#[derive(Clone, Debug, Default)]
pub enum Packets {
    /// None.
    #[default]
    None,
    /// One that is described.
    Described(Name),
    /// These bytes.
    Bytes(Vec<u8>),
    /// Those of a capture.
    Capture {
        /// The file.
        path: PathBuf,
        /// So many at the start are passed over.
        skip: u64,
        /// At most so many.
        count: u64,
        /// Where it stands.
        spot: Spot,
    },
}

/// A change of the world.
#[derive(Clone, Debug)]
pub enum Change {
    /// Entries of a map are set.
    Set(Filling),
    /// Entries of a map are deleted: a list of keys.
    Delete(Filling),
    /// User space writes records into a ring buffer of its own.
    Push(Filling),
    /// A global variable gets a value.
    Global(Name, Node),
    /// A route is added, on the host with this place.
    AddRoute(usize, Route),
    /// The routes to a destination are removed, on all hosts.
    RemoveRoute(Prefix),
    /// A neighbour is added, or replaced, on the host with this place.
    AddNeighbour(usize, Neighbour),
    /// The neighbours with an address are removed, on all hosts.
    RemoveNeighbour(std::net::IpAddr),
    /// A socket is opened, on the host with this place.
    AddSocket(usize, Socket),
    /// The sockets with an address of their own are closed, on all hosts.
    RemoveSocket(std::net::SocketAddr),
    /// An interface goes up or down.
    Link(Name, bool),
}

/// What is expected of a step.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// Where it stands, if anything is.
    pub spot: Option<Spot>,
    /// Of its packets: one for all of them, or one for each.
    pub packets: Vec<FateExpect>,
    /// Afterwards.
    pub state: StateExpect,
}

/// What is expected of a packet.
#[derive(Clone, Debug, Default)]
pub struct FateExpect {
    /// Where it stands.
    pub spot: Spot,
    /// What the program answers.
    pub action: Option<(XdpAction, Spot)>,
    /// The return value itself.
    pub ret: Option<(u32, Spot)>,
    /// What it makes of the packet.
    pub output: Option<OutputExpect>,
    /// Where it goes: `stack`, `back`, names of interfaces, `cpu N`,
    /// `socket MAP[N]`.
    pub to: Option<(Vec<String>, Spot)>,
    /// The programs that run, in order.
    pub programs: Option<(Vec<String>, Spot)>,
    /// All arrivals at interfaces, in order.
    pub hops: Option<(Vec<HopExpect>, Spot)>,
    /// The metadata in front of it, in hex.
    pub metadata: Option<Name>,
    /// The most instructions that it takes.
    pub max_instructions: Option<(u64, Spot)>,
    /// Words of the trap that stops it.
    pub trap: Option<Name>,
}

/// What is expected of a packet at one interface of its way.
#[derive(Clone, Debug, Default)]
pub struct HopExpect {
    /// The interface.
    pub at: Name,
    /// What happens there.
    pub fate: FateExpect,
}

/// What is expected of the bytes that a program leaves.
#[derive(Clone, Debug)]
pub enum OutputExpect {
    /// Exactly those of a description.
    Equal(Name),
    /// What a pattern says.
    Like(Name),
    /// Those that came (`true`), or not those.
    Unchanged(bool, Spot),
}

/// What is expected of maps, events and counts.
#[derive(Clone, Debug, Default)]
pub struct StateExpect {
    /// Of maps.
    pub maps: Vec<MapExpect>,
    /// Of global variables.
    pub globals: Vec<(Name, Node)>,
    /// Of records that came through a map: all, in order.
    pub events: Vec<(Name, Node)>,
    /// Of packets that sockets received: `map[slot]`, and patterns of all, in order.
    pub sockets: Vec<(Name, Vec<Name>)>,
    /// Of lines of `bpf_printk`: all, in order.
    pub printk: Option<(Vec<String>, Spot)>,
    /// How many packets had an action, or went somewhere.
    pub counts: Vec<(Name, u64)>,
    /// The most instructions that any packet took.
    pub max_instructions: Option<(u64, Spot)>,
}

/// What is expected of a map.
#[derive(Clone, Debug, Default)]
pub struct MapExpect {
    /// The map.
    pub map: Name,
    /// Entries that are there, perhaps with parts of their values only.
    pub entries: Vec<Node>,
    /// The way to them.
    pub entries_spot: Spot,
    /// Keys that are not there.
    pub absent: Vec<Node>,
    /// How many entries there are.
    pub count: Option<(u64, Spot)>,
    /// Whether there is no other entry.
    pub only: bool,
}

impl FateExpect {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.action.is_none()
            && self.ret.is_none()
            && self.output.is_none()
            && self.to.is_none()
            && self.programs.is_none()
            && self.hops.is_none()
            && self.metadata.is_none()
            && self.max_instructions.is_none()
            && self.trap.is_none()
    }
}

impl Scenario {
    /// The interface of this name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|i| i.name == name)
    }

    /// The interface that packets of a step arrive on.
    pub fn arrival<'a>(&'a self, step: &Step) -> Option<&'a Interface> {
        match &step.interface {
            Some(name) => self.interface(&name.text),
            None => {
                let mut interfaces = self.interfaces.iter();
                interfaces.find(|i| i.program.is_some() || !i.chain.is_empty())
            }
        }
    }
}

impl Scenario {
    /// Reads a scenario from a file. Paths in it are relative to it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with line and column. Names and types of maps and
    /// programs are looked at when it is run.
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Scenario, crate::Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| crate::Error {
            place: None,
            problem: crate::file::Problem::Read {
                path: path.to_owned(),
                error,
            },
        })?;
        crate::file::read(path, text)
    }

    /// Runs it on the simulator.
    ///
    /// # Errors
    ///
    /// What is wrong with it; missed expectations are in the report.
    pub fn run(&self) -> Result<crate::Report, crate::Error> {
        crate::run::run(self)
    }
}
