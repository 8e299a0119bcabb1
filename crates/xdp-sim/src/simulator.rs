//! The simulator: one XDP program on one interface of a host.

use std::sync::Arc;

use abi::{MapDef, Program};
use btf::Btf;
use serde_json::Value as Json;
use vm::world::Network;
use vm::{Machine, MapId, ProgId, World};

use crate::contents::FillError;
use crate::events::Event;
use crate::host::{At, Entry, Error, Host, ObjectId, attachable};
use crate::outcome::Outcome;

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

/// One XDP program on one interface, with its maps and the machine they live in.
#[derive(Debug)]
pub struct Simulator {
    host: Host,
    entry: ProgId,
    at: At,
}

/// The object that the program is of.
const OBJECT: ObjectId = ObjectId(0);

impl Simulator {
    /// Loads `programs` (those of one object) with their maps and puts the one
    /// called `entry` on the interface.
    ///
    /// The others are there for tail calls and map entries. Those that are not for
    /// XDP, that are optional, or that cannot be loaded stay out
    /// ([`Simulator::left_out`]); entries that should hold them stay empty.
    pub fn new(programs: &[Program], entry: &str, options: Options) -> Result<Simulator, Error> {
        let program = programs.iter().find(|p| p.name == entry);
        let missing = || no_program(programs, entry);
        attachable(program.ok_or_else(missing)?)?;
        let mut host = Host::new(options.world, options.budget)?;
        host.load(programs, &[entry])?;
        Ok(Simulator {
            entry: host.program_named(OBJECT, entry).ok_or_else(missing)?,
            host,
            at: At {
                ifindex: options.ifindex,
                queue: options.queue,
                hinted: true,
            },
        })
    }

    /// Runs the program on a packet.
    ///
    /// `packet` is a whole frame from the Ethernet header on. Frames over
    /// [`abi::xdp::MAX_LINEAR`] bytes become multi-buffer, whether or not the
    /// program is marked for it, as with PROG_TEST_RUN; a real driver would
    /// refuse an unmarked program at that MTU ([`Simulator::understands_frags`]).
    pub fn run(&mut self, packet: &[u8]) -> Result<Outcome<'_>, Error> {
        self.host
            .run_and(Entry::Program(self.entry), self.at, packet, true)
    }

    /// The same, but for redirects: as with PROG_TEST_RUN the packet goes nowhere
    /// and no program of a map entry runs.
    pub fn test_run(&mut self, packet: &[u8]) -> Result<Outcome<'_>, Error> {
        self.host
            .run_and(Entry::Program(self.entry), self.at, packet, false)
    }

    /// Where the next packets arrive, and which program is there; until another
    /// call says otherwise.
    pub fn arrive_at(&mut self, program: ProgId, ifindex: u32, queue: u32) {
        self.entry = program;
        self.at = At {
            ifindex,
            queue,
            hinted: true,
        };
    }

    /// Why programs beside the one on the interface could not be loaded.
    pub fn left_out(&self) -> &[vm::LoadError] {
        self.host.left_out(OBJECT)
    }

    /// Whether the program is marked for multi-buffer packets (`xdp.frags`).
    pub fn understands_frags(&self) -> bool {
        self.host.understands_frags(self.entry)
    }

    /// The machine: memory, maps, world.
    pub fn machine(&self) -> &Machine {
        self.host.machine()
    }

    /// What the device says of the packets that arrive next (the metadata of XDP).
    pub fn set_hints(&mut self, hints: vm::packet::Hints) {
        self.host.set_hints(hints);
    }

    /// The machine, to change maps and world between packets.
    pub fn machine_mut(&mut self) -> &mut Machine {
        self.host.machine_mut()
    }

    /// The maps of the object, in its order.
    pub fn maps(&self) -> &[MapId] {
        self.host.maps(OBJECT)
    }

    /// The object's types.
    pub fn btf(&self) -> Option<&Arc<Btf>> {
        self.host.btf(OBJECT)
    }

    /// The host that it is.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The host that it is.
    pub fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    /// The program of this name.
    pub fn program_named(&self, name: &str) -> Option<ProgId> {
        self.host.program_named(OBJECT, name)
    }

    /// The programs and their names.
    pub fn programs(&self) -> impl Iterator<Item = (ProgId, &str)> {
        self.host.programs(OBJECT)
    }

    /// As [`Host::map_named`].
    pub fn map_named(&self, name: &str) -> Option<MapId> {
        self.host.map_named(name)
    }

    /// As [`Host::dump_map`].
    pub fn dump_map(&mut self, id: MapId) -> Vec<Json> {
        self.host.dump_map(id)
    }

    /// As [`Host::fill_map`].
    pub fn fill_map(&mut self, id: MapId, entries: &Json) -> Result<(), FillError> {
        self.host.fill_map(id, entries)
    }

    /// As [`Host::encode_entries`].
    pub fn encode_entries(&self, id: MapId, entries: &Json) -> Result<Vec<vm::Entry>, FillError> {
        self.host.encode_entries(id, entries)
    }

    /// As [`Host::raw_entries`].
    pub fn raw_entries(&mut self, id: MapId, def: &MapDef) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.host.raw_entries(id, def)
    }

    /// As [`Host::take_events`].
    pub fn take_events(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        self.host.take_events(each);
    }
}

fn no_program(programs: &[Program], name: &str) -> Error {
    Error::NoProgram {
        name: name.to_owned(),
        known: programs.iter().map(|p| p.name.clone()).collect(),
    }
}
