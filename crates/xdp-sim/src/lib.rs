//! Feeds packets through an XDP program as a driver would.
//!
//! This is the library to embed in tests: no root, no network card, no kernel
//! support. A unit test of an XDP program:
//!
//! ```
//! use xdp_sim::{Simulator, XdpAction};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/objects/pass.bpf.o");
//! let object = loader::Object::parse(&std::fs::read(path)?, &Default::default())?;
//! let mut simulator = Simulator::new(&object.programs()?, "pass", Default::default())?;
//!
//! let packet = [0u8; 60];
//! let outcome = simulator.run(&packet)?;
//! assert_eq!(outcome.action, XdpAction::Pass);
//! assert_eq!(outcome.output, packet);
//! # Ok(())
//! # }
//! ```
//!
//! # What is simulated
//!
//! The frame as PROG_TEST_RUN lays it out (256 bytes of headroom, linear part
//! up to 3,520 bytes, the rest as fragments), the five actions, return values
//! that are none of them, metadata, and redirects: their target is resolved
//! through devmap, cpumap and xskmap, and a second program in a map entry is run.
//! Maps and the [`vm::World`] are reachable through [`Simulator::machine`].
//! Programs are interpreted, or compiled ([`Simulator::set_engine`]).
//!
//! A [`Host`] has several interfaces and objects, sockets, and several programs on
//! an interface as libxdp's dispatcher runs them; a [`Topology`] joins hosts by
//! veth pairs and bridges, and follows a packet through all of them.
//!
//! # What is not
//!
//! Drivers' own limits and offloads, beyond what a veth takes from its peer; what the
//! network stack does with a packet that was passed to it.
#![forbid(unsafe_code)]

pub mod capture;
pub mod contents;
pub mod coverage;
mod engine;
mod events;
mod host;
mod network;
mod outcome;
mod redirect;
mod report;
mod simulator;
mod topology;

pub use abi::xdp::XdpAction;
pub use engine::{Engine, Runs};
pub use events::Event;
pub use host::{Error, Host, Interface, InterfaceId, ObjectId, RunConfig, Socket, attachable};
pub use network::read_network;
pub use outcome::{Delivery, Lost, Outcome, Ran};
pub use redirect::Destination;
pub use report::{Count, Report};
pub use simulator::{Options, Simulator};
pub use topology::{End, Journey, NoSuchHost, Step, Topology, Went};

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
