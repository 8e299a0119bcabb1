//! What a BPF program and Linux agree on, as data.
//!
//! Programs and maps as they would be handed to the kernel ([`Program`],
//! [`MapDef`]), and the tables of what Linux offers them: helpers, kfuncs,
//! program types, map types, contexts, limits, error numbers. Each table stands
//! here once; loader, verifier, VM, kernel and command read it.
//!
//! Facts were asked of the running kernel or read from its BTF, UAPI headers
//! and documentation; each table says which release it is true of.
//!
//! # Invariants
//!
//! * Nothing here executes anything or touches the system.
//! * A [`Program`] is inert and complete: the same file gives the same value on
//!   every machine. What depends on the running kernel (descriptors, kernel BTF
//!   ids) is put in by whoever talks to that kernel.
#![forbid(unsafe_code)]

pub mod attach;
pub mod context;
pub mod errno;
pub mod flavor;
pub mod helpers;
pub mod kfuncs;
pub mod limits;
mod map;
mod map_use;
mod packet;
pub mod poison;
mod program;
pub mod proven;
pub mod skb;
pub mod xdp;

pub use attach::{AttachType, ProgType};
pub use errno::Errno;
pub use flavor::Flavor;
pub use map::{Initial, InitialEntry, MapDef, MapFlags, MapKind, MapType, Pinning};
pub use packet::PacketAccess;
pub use program::{Extern, ExternKind, FuncInfo, LineInfo, ProgFlags, Program, SymbolRange};
pub use proven::Proven;
