//! One machine with interfaces: several objects side by side, programs on
//! interfaces by name, sockets behind xskmaps.
//!
//! What a program answers is followed as far as the host goes: to its network
//! stack, out of an interface, to a socket. A [`Topology`](crate::Topology) goes on
//! from there.
//!
//! # Invariants
//!
//! * Programs of all objects share one machine, so map and program ids are the
//!   host's, and maps that are pinned by the same name are one map.
//! * Nothing is allocated for a packet that one program drops, passes or sends
//!   back, once buffers have grown.

mod dispatch;
mod load;
mod socket;
mod way;

use std::collections::BTreeMap;
use std::sync::Arc;

use abi::{AttachType, ProgType, Program};
use btf::Btf;
use vm::world::Device;
use vm::{Instance, Machine, MapId, ProgId, World};

use crate::outcome::{Delivery, Lost, Ran};
use crate::redirect::Target;

pub use dispatch::RunConfig;
pub use socket::Socket;
pub(crate) use way::{At, Entry};

use way::Hop;

/// Why something could not be loaded, attached or run.
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
    /// No interface has this name.
    #[error("no interface is called {name:?}; there are: {}", known.join(", "))]
    NoInterface {
        /// What was asked for.
        name: String,
        /// The interfaces that there are.
        known: Vec<String>,
    },
    /// The name or index of an interface is another one's.
    #[error("interface {name}: its name or index {ifindex} is that of {other}")]
    Taken {
        /// Its name.
        name: String,
        /// Its index.
        ifindex: u32,
        /// Who has it.
        other: String,
    },
    /// Something is on the interface already.
    #[error("interface {interface} has a program already: {program}")]
    Busy {
        /// The interface.
        interface: String,
        /// What is on it.
        program: String,
    },
    /// More programs than libxdp's dispatcher has room for.
    #[error(
        "interface {interface}: a dispatcher has room for {} programs",
        RunConfig::MAX_PROGRAMS
    )]
    Full {
        /// The interface.
        interface: String,
    },
    /// A host has no interface with this number of a queue.
    #[error("interface {interface} has no queue {queue}: it has {queues}")]
    NoQueue {
        /// The interface.
        interface: String,
        /// What was asked for.
        queue: u32,
        /// How many it has.
        queues: u32,
    },
    /// A map that is none for sockets, or does not take one there.
    #[error("map {map}: no socket can be put into slot {slot}")]
    NoSlot {
        /// Name of the map.
        map: String,
        /// The slot.
        slot: u32,
    },
    /// Two objects mean different maps by one pinned name.
    #[error("map {map}: pinned by that name is another kind of map")]
    Pinned {
        /// Name of the map.
        map: String,
    },
    /// Maps, programs or packets that the machine refuses.
    #[error(transparent)]
    Machine(#[from] vm::Error),
}

/// One machine: objects, interfaces, sockets.
#[derive(Debug)]
pub struct Host {
    pub(crate) machine: Machine,
    pub(crate) objects: Vec<Loaded>,
    pub(crate) interfaces: Vec<Interface>,
    /// The maps that are ring buffers.
    pub(crate) rings: Vec<MapId>,
    sockets: BTreeMap<(MapId, u32), Socket>,
    /// What devices say of the packets that arrive.
    hints: vm::packet::Hints,
    // Reused from packet to packet.
    output: Vec<u8>,
    metadata: Vec<u8>,
    arena: Vec<u8>,
    deliveries: Vec<Delivery>,
    ran: Vec<Ran>,
    hops: Vec<Hop>,
    targets: Vec<Target>,
    scratch: Vec<u8>,
}

/// An object of a host.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) instance: Instance,
    pub(crate) left_out: Vec<vm::LoadError>,
    pub(crate) btf: Option<Arc<Btf>>,
    /// Of each program of the instance: may it sit on an interface, and how
    /// libxdp would run it.
    configs: Vec<RunConfig>,
    frags: Vec<bool>,
}

/// An object of a host, by number: 0 was loaded first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub usize);

/// An interface of a host, by number: 0 was added first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub usize);

/// An interface, and what is on it. Whether it is up, its hardware address and
/// its MTU are in the [`World`]'s network, under the same index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its index.
    pub ifindex: u32,
    /// Receive queues.
    pub queues: u32,
    /// Generic receive offload: with it a veth takes what programs of its peer send
    /// even when it has no program itself.
    pub gro: bool,
    /// Programs in the order in which they run.
    pub(crate) chain: Vec<Chained>,
}

impl Interface {
    /// The programs on it, in the order in which they run.
    pub fn programs(&self) -> impl Iterator<Item = ProgId> {
        self.chain.iter().map(|link| link.program)
    }
}

/// A program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chained {
    pub(crate) program: ProgId,
    /// `None` for a program that is there alone, without a dispatcher.
    pub(crate) config: Option<RunConfig>,
}

impl Host {
    /// A host without objects; `budget` is how many instructions one run may take,
    /// `None` for the machine's default.
    pub fn new(world: World, budget: Option<u64>) -> Result<Host, Error> {
        let mut machine = Machine::new(world)?;
        if let Some(budget) = budget {
            machine.budget = budget;
        }
        Ok(Host {
            machine,
            objects: Vec::new(),
            interfaces: Vec::new(),
            rings: Vec::new(),
            sockets: BTreeMap::new(),
            hints: vm::packet::Hints::default(),
            output: Vec::new(),
            metadata: Vec::new(),
            arena: Vec::new(),
            deliveries: Vec::new(),
            ran: Vec::new(),
            hops: Vec::new(),
            targets: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Adds an interface with so many receive queues; the network of the world
    /// then has it as well.
    pub fn add_interface(&mut self, device: Device, queues: u32) -> Result<InterfaceId, Error> {
        let same = |i: &&Interface| i.ifindex == device.ifindex || i.name == device.name;
        if let Some(other) = self.interfaces.iter().find(same) {
            return Err(Error::Taken {
                name: device.name,
                ifindex: device.ifindex,
                other: other.name.clone(),
            });
        }
        self.interfaces.push(Interface {
            name: device.name.clone(),
            ifindex: device.ifindex,
            queues,
            gro: false,
            chain: Vec::new(),
        });
        let devices = &mut self.machine.world.network.devices;
        devices.retain(|known| known.ifindex != device.ifindex);
        devices.push(device);
        Ok(InterfaceId(self.interfaces.len() - 1))
    }

    /// Switches generic receive offload of an interface on or off, as `ethtool -K`.
    pub fn set_gro(&mut self, interface: InterfaceId, gro: bool) {
        if let Some(interface) = self.interfaces.get_mut(interface.0) {
            interface.gro = gro;
        }
    }

    /// Why a frame that a program sent over a veth pair does not arrive here, if it
    /// does not (measured on Linux 6.18).
    pub(crate) fn refuses(&self, interface: InterfaceId, len: usize) -> Option<Lost> {
        let known = self.interfaces.get(interface.0)?;
        if known.chain.is_empty() && !known.gro {
            return Some(Lost::NotReceiving);
        }
        let limit = way::longest(self.device(interface)?);
        (len > limit).then_some(Lost::TooLong { len, limit })
    }

    /// The interfaces, in the order in which they were added.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The interface of this name.
    pub fn interface_named(&self, name: &str) -> Result<InterfaceId, Error> {
        let found = self.interfaces.iter().position(|i| i.name == name);
        found.map(InterfaceId).ok_or_else(|| Error::NoInterface {
            name: name.to_owned(),
            known: self.interfaces.iter().map(|i| i.name.clone()).collect(),
        })
    }

    /// The interface with this index.
    pub fn interface_at(&self, ifindex: u32) -> Option<InterfaceId> {
        let found = self.interfaces.iter().position(|i| i.ifindex == ifindex);
        found.map(InterfaceId)
    }

    /// The network's view of an interface.
    pub fn device(&self, interface: InterfaceId) -> Option<&Device> {
        let ifindex = self.interfaces.get(interface.0)?.ifindex;
        self.machine.world.network.device(ifindex)
    }

    /// The machine: memory, maps, world.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What devices say of the packets that arrive next (the metadata of XDP).
    pub fn set_hints(&mut self, hints: vm::packet::Hints) {
        self.hints = hints;
    }

    /// The machine, to change maps and world between packets.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// The maps of an object, in its order.
    pub fn maps(&self, object: ObjectId) -> &[MapId] {
        let object = self.objects.get(object.0);
        object.map_or(&[], |object| &object.instance.maps)
    }

    /// The types of an object.
    pub fn btf(&self, object: ObjectId) -> Option<&Arc<Btf>> {
        self.objects.get(object.0)?.btf.as_ref()
    }

    /// Why programs of an object could not be loaded.
    pub fn left_out(&self, object: ObjectId) -> &[vm::LoadError] {
        let object = self.objects.get(object.0);
        object.map_or(&[], |object| &object.left_out)
    }

    /// The programs of an object and their names.
    pub fn programs(&self, object: ObjectId) -> impl Iterator<Item = (ProgId, &str)> {
        let ids = self.objects.get(object.0).into_iter();
        ids.flat_map(|object| &object.instance.programs)
            .filter_map(|id| Some((*id, self.machine.program_name(*id)?)))
    }

    /// The program of this name in an object.
    pub fn program_named(&self, object: ObjectId, name: &str) -> Option<ProgId> {
        let found = self.programs(object).find(|(_, known)| *known == name);
        found.map(|(id, _)| id)
    }

    /// The objects, in the order in which they were loaded.
    pub fn object_ids(&self) -> impl Iterator<Item = ObjectId> + use<> {
        (0..self.objects.len()).map(ObjectId)
    }

    /// The first object that has a map.
    pub(crate) fn owner(&self, map: MapId) -> Option<ObjectId> {
        self.object_ids().find(|id| self.maps(*id).contains(&map))
    }
}

/// Whether a program may sit on an interface; if not, why.
pub fn attachable(program: &Program) -> Result<(), Error> {
    let name = program.name.clone();
    if !matches!(program.prog_type, ProgType::Xdp | ProgType::Ext) {
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
