//! What a machine's programs can observe of the world, injected.
//!
//! Linux's clock, random numbers, CPU number, current task, network devices and
//! routes are values here, so that a run is repeatable to the last byte. All of
//! it is plain data with public fields: a test or a file says what differs from
//! the defaults.

mod network;
mod route;
mod socket;

pub use network::{Device, Neighbour, Network, Prefix, Route, RouteKind, Vlan, table};
pub use socket::{Protocol, Socket};

pub(crate) use route::{Found, Question};

use crate::map::MapId;

/// Everything around the programs of a machine.
#[derive(Debug, Default)]
pub struct World {
    /// Time.
    pub clock: Clock,
    /// Random numbers.
    pub random: Random,
    /// The running CPU.
    pub cpu: Cpu,
    /// The running task.
    pub task: Task,
    /// What programs sent out, oldest first. Whoever runs the machine takes
    /// them; see [`World::take_events`].
    pub events: Vec<Event>,
    /// Network devices, routes, neighbours, sockets.
    pub network: Network,
    /// Granules (64 KiB) that a new machine leaves free in front of its stacks: two
    /// machines with different numbers have everything at different addresses,
    /// which shows what depends on them. At most 1024.
    pub free_granules: u32,
    /// The keys of SYN cookies: of the hash without time, and of that with it.
    /// Linux takes random ones at boot.
    pub syncookie_keys: [[u64; 2]; 2],
}

/// Time, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What `bpf_ktime_get_ns` answers: `CLOCK_MONOTONIC`, time since boot
    /// without suspend.
    pub now_ns: u64,
    /// Added to `now_ns` after each reading.
    pub step_ns: u64,
    /// `CLOCK_BOOTTIME` less `CLOCK_MONOTONIC`: time spent in suspend.
    pub suspended_ns: u64,
    /// `CLOCK_TAI` less `CLOCK_MONOTONIC`: when the machine was booted.
    pub tai_offset_ns: u64,
    /// Timer ticks in a second (`CONFIG_HZ`): the unit of jiffies and the grain
    /// of the coarse clock.
    pub hz: u32,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            now_ns: 0,
            step_ns: 0,
            suspended_ns: 0,
            tai_offset_ns: 0,
            hz: 250,
        }
    }
}

impl Clock {
    /// Reads `CLOCK_MONOTONIC`.
    pub fn monotonic(&mut self) -> u64 {
        let now = self.now_ns;
        self.now_ns = now.wrapping_add(self.step_ns);
        now
    }

    /// Nanoseconds in a timer tick.
    pub fn tick_ns(&self) -> u64 {
        1_000_000_000 / u64::from(self.hz.max(1))
    }

    /// The jiffies counter, without the time that reading takes.
    pub(crate) fn ticks(&self) -> u64 {
        Clock { ..*self }.jiffies()
    }

    /// Reads the jiffies counter. As Linux's it starts five minutes before the
    /// lower 32 bits wrap.
    pub fn jiffies(&mut self) -> u64 {
        let first = 0u32.wrapping_sub(self.hz.wrapping_mul(300));
        let ticks = self.monotonic() / self.tick_ns();
        u64::from(first).wrapping_add(ticks)
    }
}

/// The random number generator (SplitMix64): any state is a good seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random {
    /// State; set it to seed.
    pub state: u64,
}

impl Random {
    /// The next number.
    pub fn next_u32(&mut self) -> u32 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }
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
    /// Id of its cgroup in the version 2 hierarchy.
    pub cgroup_id: u64,
    /// Ids of the cgroups above it, the root first.
    pub cgroup_ancestors: Vec<u64>,
    /// Class of its net_cls cgroup.
    pub cgroup_classid: u32,
    /// Device and inode of its pid namespace; none that a program could name when
    /// not set.
    pub pid_namespace: Option<(u64, u64)>,
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

/// Where a program said that a packet should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// Out of a device (`bpf_redirect`).
    Device {
        /// Index of the device; not looked at before the packet goes there.
        ifindex: u32,
        /// Flags of the call.
        flags: u64,
    },
    /// To an entry of a map that was there at the time of the call
    /// (`bpf_redirect_map`).
    Entry {
        /// A devmap, devmap_hash, cpumap or xskmap.
        map: MapId,
        /// Key of the entry.
        key: u32,
    },
    /// To every device of a device map (`BPF_F_BROADCAST`).
    Broadcast {
        /// A devmap or devmap_hash.
        map: MapId,
        /// Not to the device that it came from (`BPF_F_EXCLUDE_INGRESS`).
        exclude_ingress: bool,
    },
}
