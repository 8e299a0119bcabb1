//! Unit tests of XDP programs, as files and as Rust: packets in words, steps,
//! expectations, reports. No root, no network card, no kernel.
//!
//! A scenario file (`docs/scenarios.md` has the format), run by `ebpf-sim test` or
//! from a test:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/scenarios/port-knocking.toml");
//! scenario::Scenario::load(path)?.run()?.assert();
//! # Ok(())
//! # }
//! ```
//!
//! The same by hand, with maps and variables by name and type:
//!
//! ```
//! use std::net::Ipv4Addr;
//! use scenario::{Setup, XdpAction, packet};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/objects/portknock.bpf.o");
//! let mut fixture = Setup::object(path).global("guarded", 2222).start()?;
//! let guest = Ipv4Addr::new(192, 0, 2, 10);
//!
//! let ssh = packet!("eth / ip src={guest} / tcp dport=2222");
//! fixture.send(&ssh)?.assert_action(XdpAction::Drop);
//!
//! fixture.map("knockers")?.set(guest, 4)?;
//! fixture.send(&ssh)?.assert_action(XdpAction::Pass).assert_output(&ssh);
//!
//! assert_eq!(fixture.map("knockers")?.get::<u32>(guest)?, Some(4));
//! # Ok(())
//! # }
//! ```
//!
//! # How it is built
//!
//! [`packet`] is the language of packets. [`file`] reads TOML into a [`Scenario`],
//! which is data ([`model`]); [`run`] plays it on a [`run::Stage`], of which the
//! simulator is one; what happened is held against what was expected, and comes
//! out as a [`Report`]. [`bless`] writes what happened back into the file.
//!
//! # Invariants
//!
//! * Files are input: nothing in them leads to a panic, and every error says
//!   where it is.
//! * A run depends on the files alone: objects are resolved against the types
//!   that they bring along or that the scenario names, not the running kernel's.
#![forbid(unsafe_code)]

mod bless;
mod expect;
pub mod file;
mod fixture;
pub mod model;
pub mod packet;
mod record;
pub mod report;
pub mod run;
mod suggest;
mod typed;

pub use abi::xdp::XdpAction;
pub use bless::bless;
pub use file::Error;
pub use fixture::{AsPacket, Fixture, MapHandle, Sent, Setup};
pub use model::Scenario;
pub use record::Recorder;
pub use report::Report;
pub use vm::packet::Hints;
pub use vm::world::{Protocol, Socket};
