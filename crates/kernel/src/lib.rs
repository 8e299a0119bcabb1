//! Asks the running kernel: what it says to a map or a program, and what a
//! program does there.
//!
//! [`Kernel::open`] is permission to ask; where there is none, [`Unavailable`]
//! says what is missing. From there
//!
//! * [`Kernel::create_map`] and [`Kernel::load`] put an [`abi::MapDef`] and an
//!   [`abi::Program`] to Linux, [`Kernel::instantiate`] a whole object;
//! * a [`Map`] answers to the commands on elements, a [`Loaded`] program to
//!   [`Loaded::test_run`] and [`Loaded::info`];
//! * [`RingBuffer`], [`PerfBuffer`] and [`TracePipe`] give what programs send;
//! * [`log`] reads the verifier's log.
//!
//! A refusal is an answer: [`Refusal`] has Linux's error number and log.
//!
//! # Invariants
//!
//! * The only crate that issues bpf(2), and it never judges: what Linux says is
//!   handed on as it is. What cannot be put to Linux at all (a reference to a
//!   map that was not given) is a [`LoadError`] of its own.
//! * Whatever it makes is a descriptor that is closed on drop. Nothing is
//!   pinned, and nothing is attached to an interface or event.
//! * Unsafe code is in `sys` alone, behind safe functions.
//!
//! # Deliberately absent
//!
//! Attaching, pinning, modules' BTF, `struct_ops` maps, arenas' memory. On other
//! systems than Linux, and on big-endian machines, the crate is empty.
#![cfg(all(target_os = "linux", target_endian = "little"))]
#![deny(unsafe_code)]

mod btf_object;
mod externs;
mod info;
mod instance;
mod kernel;
pub mod log;
mod map;
mod perf;
mod program;
mod ring;
mod run;
mod sys;
pub mod testing;
mod thread;
mod trace;

pub use btf_object::LoadedBtf;
pub use info::{MapInfo, ProgInfo};
pub use instance::{Instance, InstanceError};
pub use kernel::{Capability, Kernel, Unavailable};
pub use map::{Entry, LOCKED, Map, update};
pub use perf::{PerfBuffer, PerfRecord};
pub use program::{LoadError, LoadFlags, LoadOptions, Loaded, LogWanted, Refusal};
pub use ring::RingBuffer;
pub use run::{RunError, TestResult, TestRun};
pub use thread::{OnCpu, PrivateNetwork};
pub use trace::{TracePipe, TraceUnavailable};
