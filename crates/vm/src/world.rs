//! What a machine's programs can observe of the world, injected.
//!
//! Linux's clock, random numbers, CPU number, current task, network devices and
//! routes are values here, so that a run is repeatable to the last byte.

use crate::map::MapId;

/// Everything around the programs of a machine.
#[derive(Debug, Default)]
pub struct World {
    /// Time.
    pub clock: Clock,
    /// State of the random number generator; any value is a good seed.
    pub random: u64,
    /// The running CPU.
    pub cpu: Cpu,
    /// The running task.
    pub task: Task,
    /// What programs sent out, oldest first. Whoever runs the machine takes
    /// them; see [`World::take_events`].
    pub events: Vec<Event>,
    /// Network devices, routes, neighbours.
    pub network: Network,
}

/// Time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// What `bpf_ktime_get_ns` answers (time since boot without suspend).
    pub now_ns: u64,
    /// Added to `now_ns` after each reading.
    pub step_ns: u64,
    /// `CLOCK_TAI` less `now_ns`.
    pub tai_offset_ns: u64,
}

/// CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// The running CPU.
    pub id: u32,
    /// CPUs that are possible: how many values a per-CPU map has.
    pub count: u32,
    /// Memory node of the running CPU.
    pub numa_node: u32,
}

impl Default for Cpu {
    fn default() -> Cpu {
        Cpu {
            id: 0,
            count: 1,
            numa_node: 0,
        }
    }
}

/// The task that programs see as current.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Thread id.
    pub pid: u32,
    /// Process id.
    pub tgid: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Command name, at most 15 bytes are shown.
    pub comm: String,
}

/// Something that a program sent out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record of a perf event array (`bpf_perf_event_output`).
    Perf {
        /// The map.
        map: MapId,
        /// CPU whose buffer it went to.
        cpu: u32,
        /// The record, without the kernel's padding.
        data: Vec<u8>,
    },
    /// A line of `bpf_trace_printk`, without a newline.
    Printk(String),
}

impl World {
    /// Takes the events so far.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// The network that programs can ask about: plain tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Devices.
    pub devices: Vec<Device>,
}

/// A network device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Index, from 1.
    pub ifindex: u32,
    /// Name.
    pub name: String,
    /// Hardware address.
    pub mac: [u8; 6],
    /// Largest packet above the Ethernet header.
    pub mtu: u32,
}
