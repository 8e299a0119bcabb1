//! Runs BPF programs: memory, maps, helpers, interpreter.
//!
//! A [`Machine`] owns one flat address space, the maps in it, the programs that
//! were loaded into it and the [`World`] around them (clock, random numbers,
//! CPU, network tables, trace sink). Everything a program can observe comes from
//! there, so a run is a pure function of machine, program and input.
//!
//! # Invariants
//!
//! * The machine survives any program whatever: an access outside of what the
//!   program may reach, an endless loop, a call too deep is a [`Trap`] that says
//!   where and why.
//! * Helpers and maps answer as Linux 6.18 does, with its error numbers.
//! * Nothing here knows ELF, packet formats or verdicts.
//! * A helper that is missing is reported when a program is loaded, by name, not
//!   when a packet reaches it.

mod coverage;
mod engine;
pub mod helper;
mod instance;
mod interp;
mod linked;
mod machine;
pub mod map;
pub mod memory;
pub mod packet;
pub mod skb;
mod stacks;
mod syscall;
mod timers;
mod trap;
pub mod world;

pub use coverage::{Counts, Coverage};
pub use engine::Engine;
pub use instance::{Instance, LoadError};
pub use interp::{Moment, Next, Watch};
pub use linked::{Function, Link, Linked};
pub use machine::{Error, Machine, MachineId, ProgId};
pub use map::{Direct, Map, MapError, MapId, ShortKey, WideKey};
pub use memory::{Access, Addr, Fault, HostMemory, Region, RegionKind, Rights, Space};
pub use syscall::Entry;
pub use trap::{Trap, TrapKind};
pub use world::{Redirect, World};
