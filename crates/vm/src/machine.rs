//! The machine: memory, maps, programs and world together.

use abi::{MapDef, Program};

use crate::map::{Map, MapError, MapId};
use crate::memory::{Addr, OutOfSpace, Space};
use crate::packet::{InputError, Packet};
use crate::trap::Trap;
use crate::world::{Redirect, World};

/// Index of a loaded program in its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgId(pub u32);

/// Why a machine could not be made or filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No memory.
    #[error(transparent)]
    Space(#[from] OutOfSpace),
    /// A map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A program.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A packet.
    #[error(transparent)]
    Packet(#[from] InputError),
}

/// Why a program cannot be run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A helper that is not simulated, or that Linux does not have.
    #[error("program {program}: {pc}: {helper} is not simulated")]
    Helper {
        /// Program name.
        program: String,
        /// The call.
        pc: isa::Pc,
        /// Name, or number where there is no name.
        helper: String,
    },
}

/// The maps and programs of one object in a machine.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// One for each map of the object, in its order.
    pub maps: Vec<MapId>,
    /// One for each program that was given, in order.
    pub programs: Vec<ProgId>,
}

/// A virtual machine.
#[derive(Debug)]
pub struct Machine {
    /// Memory.
    pub space: Space,
    /// What programs observe.
    pub world: World,
    /// The packet that is being worked on, once there was one.
    pub packet: Option<Packet>,
    /// Where `bpf_redirect` and `bpf_redirect_map` said that the packet should
    /// go. Whoever runs the machine takes it when the program answers "redirect".
    pub redirect: Option<Redirect>,
    pub(crate) maps: Vec<Box<dyn Map>>,
    /// A buffer that helpers use within a call, kept so that they do not allocate.
    pub(crate) scratch: Vec<u8>,
}

impl Machine {
    /// A machine without maps and programs.
    pub fn new(world: World) -> Result<Machine, Error> {
        Ok(Machine {
            space: Space::new()?,
            world,
            packet: None,
            redirect: None,
            maps: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Makes the maps of an object with what they hold at first, loads programs
    /// of it, and fills its program arrays.
    pub fn instantiate(
        &mut self,
        maps: &[MapDef],
        programs: &[Program],
    ) -> Result<Instance, Error> {
        let _ = (maps, programs);
        unimplemented!("machine")
    }

    /// Runs a program to its end; the value of `r0`.
    pub fn run(&mut self, program: ProgId, ctx: Addr) -> Result<u64, Trap> {
        let _ = (program, ctx);
        unimplemented!("machine")
    }

    /// The map.
    pub fn map(&self, id: MapId) -> Option<&dyn Map> {
        self.maps.get(id.0 as usize).map(|m| &**m)
    }
}
