//! Where scenarios are played: what a run asks of whoever has programs and maps.
//!
//! The simulator is one such stage, the running kernel may be another. All that
//! scenarios say is above this line; below it are bytes and names.

use abi::Errno;
use abi::xdp::XdpAction;
use serde_json::Value as Json;
use vm::packet::Hints;
use vm::world::Network;
use xdp_sim::contents::FillError;

use crate::file::Problem;

/// Who has the programs and maps.
pub trait Stage {
    /// Runs a packet.
    ///
    /// # Errors
    ///
    /// What keeps a packet from being run at all; a program that traps is a fate.
    fn packet(&mut self, arrival: &Arrival<'_>) -> Result<Fate, Problem>;

    /// Nanoseconds since boot.
    fn time(&self) -> u64;

    /// Sets the time.
    fn set_time(&mut self, now_ns: u64);

    /// Runs what has become due by now, such as timers.
    ///
    /// # Errors
    ///
    /// Why something of it stopped.
    fn catch_up(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Puts entries into a map, in the form of [`xdp_sim::contents`].
    ///
    /// # Errors
    ///
    /// Which entry, and what is wrong with it.
    fn set(&mut self, map: MapRef, entries: &Json) -> Result<(), FillError>;

    /// Deletes an entry.
    ///
    /// # Errors
    ///
    /// Linux's answer.
    fn delete(&mut self, map: MapRef, key: &[u8]) -> Result<(), Errno>;

    /// All entries, in the form of [`xdp_sim::contents`].
    fn entries(&mut self, map: MapRef) -> Vec<Json>;

    /// The value under a key.
    ///
    /// # Errors
    ///
    /// Linux's answer.
    fn lookup(&mut self, map: MapRef, key: &[u8]) -> Result<Vec<u8>, Errno>;

    /// Sets the value under a key.
    ///
    /// # Errors
    ///
    /// Linux's answer.
    fn update(&mut self, map: MapRef, key: &[u8], value: &[u8]) -> Result<(), Errno>;

    /// Writes a record into a ring buffer of user space.
    ///
    /// # Errors
    ///
    /// Linux's answer.
    fn push(&mut self, _map: MapRef, _record: &[u8]) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Devices, routes and neighbours of the host with this place, where they can
    /// be changed.
    fn network(&mut self, host: usize) -> Option<&mut Network>;

    /// What came from programs since the last call.
    fn take_events(&mut self) -> Vec<Event>;
}

/// A map of an object, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MapRef {
    /// Which object of the scenario.
    pub object: usize,
    /// Which of its maps.
    pub map: usize,
}

/// A packet that comes.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The interface, by its place in the scenario.
    pub interface: usize,
    /// Receive queue.
    pub queue: u32,
    /// CPU that handles it.
    pub cpu: u32,
    /// What the device knows of it.
    pub hints: Hints,
    /// The frame.
    pub data: &'a [u8],
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The program's answer, as Linux takes it.
    pub action: XdpAction,
    /// The return value itself.
    pub ret: u32,
    /// The packet as the program left it.
    pub output: Vec<u8>,
    /// Metadata in front of it.
    pub metadata: Vec<u8>,
    /// Where it went: `stack`, `back`, names of interfaces, `cpu N`,
    /// `socket MAP[N]`.
    pub to: Vec<String>,
    /// The bytes that went there, in the same order.
    pub left: Vec<Vec<u8>>,
    /// The programs that ran there, those of map entries included, in order.
    pub programs: Vec<String>,
    /// Why a redirected packet reached nobody.
    pub lost: Option<String>,
    /// Instructions executed, where they can be counted.
    pub instructions: Option<u64>,
    /// Why the program stopped without an answer.
    pub trap: Option<String>,
    /// Whether it is known where a redirect leads.
    pub followed: bool,
    /// All arrivals at interfaces, in order, where they are followed; the first is
    /// this one.
    pub hops: Vec<Hop>,
}

/// A packet at an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The interface, as the scenario calls it.
    pub at: String,
    /// The hop that it comes from.
    pub from: Option<usize>,
    /// The receive queue.
    pub queue: u32,
    /// The packet as it came.
    pub before: Vec<u8>,
    /// What became of it there.
    pub fate: Fate,
}

/// Something that a program sent to user space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record of a ring buffer or perf event array.
    Record {
        /// The map.
        map: MapRef,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// A packet that an AF_XDP socket received.
    Received {
        /// The xskmap.
        map: MapRef,
        /// The slot.
        slot: u32,
        /// The frame.
        data: Vec<u8>,
    },
    /// A line of `bpf_printk`.
    Printk(String),
}
