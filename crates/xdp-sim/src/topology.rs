//! Hosts joined by veth pairs and bridges: a packet's whole way.
//!
//! ```
//! use vm::world::{Device, Network};
//! use xdp_sim::{Host, Topology};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/objects/devmap.bpf.o");
//! let programs = loader::Object::parse(&std::fs::read(path)?, &Default::default())?.programs()?;
//! let device = |ifindex, name: &str| Device { ifindex, name: name.into(), ..Device::default() };
//!
//! let mut west = Host::new(Default::default(), None)?;
//! let object = west.load(&programs, &["to_port"])?;
//! let eth0 = west.add_interface(device(2, "eth0"), 1)?;
//! west.add_interface(device(3, "eth1"), 1)?;
//! west.attach(eth0, object, "to_port")?;
//! let mut east = Host::new(Default::default(), None)?;
//! east.add_interface(device(2, "eth0"), 1)?;
//!
//! let mut topology = Topology::default();
//! let (west, east) = (topology.add("west", west), topology.add("east", east));
//! topology.veth(topology.end(west, "eth1")?, topology.end(east, "eth0")?);
//!
//! let journey = topology.inject(topology.end(west, "eth0")?, 0, &[0; 60])?;
//! assert_eq!(journey.steps.len(), 1, "no IPv4: the host's stack has it");
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! * A journey ends: after [`Topology::MAX_STEPS`] arrivals the rest is cut off,
//!   and it says so.
//! * Frames are handled in the order in which they leave, so that a run is
//!   repeatable.
//!
//! # Deliberately not done
//!
//! What network stacks do: a packet that is passed to one ends there. Only pairs ask what their
//! other end takes, bridges do not.

use std::collections::{BTreeMap, VecDeque};

use abi::xdp::XdpAction;
use vm::{ProgId, Trap};

use crate::host::{Error, Host, InterfaceId};
use crate::outcome::{Lost, Ran};
use crate::redirect::Destination;

/// Hosts by name, and what joins their interfaces.
#[derive(Debug, Default)]
pub struct Topology {
    hosts: Vec<(String, Host)>,
    links: Vec<Link>,
}

/// An interface of a host of a topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// The host, by number: 0 was added first.
    pub host: usize,
    /// Its interface.
    pub interface: InterfaceId,
}

/// No host has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no host is called {name:?}; there are: {}", known.join(", "))]
pub struct NoSuchHost {
    /// What was asked for.
    pub name: String,
    /// The hosts that there are.
    pub known: Vec<String>,
}

/// What joins interfaces.
#[derive(Debug)]
struct Link {
    ends: Vec<End>,
    /// Where hardware addresses were last seen; `None` for a pair.
    learned: Option<BTreeMap<[u8; 6], End>>,
}

/// All that became of one packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    /// Each arrival at an interface, in order; the first is where it came in.
    pub steps: Vec<Step>,
    /// Whether it was cut off at [`Topology::MAX_STEPS`].
    pub cut: bool,
}

/// A packet at an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it is.
    pub at: End,
    /// The step that it comes from.
    pub from: Option<usize>,
    /// What the programs answered; `None` where there are none, or where it did
    /// not get in.
    pub action: Option<XdpAction>,
    /// The return value itself.
    pub ret: u32,
    /// The programs that ran, those of map entries included.
    pub ran: Vec<Ran>,
    /// Why a program stopped without an answer.
    pub trap: Option<Trap>,
    /// Instructions executed.
    pub executed: u64,
    /// The packet as it came.
    pub before: Vec<u8>,
    /// The packet as the programs on the interface left it.
    pub after: Vec<u8>,
    /// Metadata in front of it.
    pub metadata: Vec<u8>,
    /// Where copies of it went.
    pub went: Vec<Went>,
    /// Why it reached nobody.
    pub lost: Option<Lost>,
}

/// A copy of a packet that left a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Went {
    /// Where it went.
    pub to: Destination,
    /// The program of the map entry that let it through.
    pub second: Option<ProgId>,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A frame on its way to an interface.
struct Frame {
    to: End,
    from: Option<usize>,
    queue: u32,
    data: Vec<u8>,
}

impl Topology {
    /// Arrivals that a journey has at most.
    pub const MAX_STEPS: usize = 64;

    /// Adds a host; its number.
    pub fn add(&mut self, name: &str, host: Host) -> usize {
        self.hosts.push((name.to_owned(), host));
        self.hosts.len() - 1
    }

    /// The hosts and their names.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &Host)> {
        self.hosts.iter().map(|(name, host)| (name.as_str(), host))
    }

    /// The number of the host of this name.
    pub fn host_named(&self, name: &str) -> Result<usize, NoSuchHost> {
        let found = self.hosts.iter().position(|(known, _)| known == name);
        found.ok_or_else(|| NoSuchHost {
            name: name.to_owned(),
            known: self.hosts.iter().map(|(name, _)| name.clone()).collect(),
        })
    }

    /// The host with this number.
    pub fn host(&self, host: usize) -> Option<&Host> {
        self.hosts.get(host).map(|(_, host)| host)
    }

    /// The host with this number.
    pub fn host_mut(&mut self, host: usize) -> Option<&mut Host> {
        self.hosts.get_mut(host).map(|(_, host)| host)
    }

    /// The interface of this name of a host.
    pub fn end(&self, host: usize, interface: &str) -> Result<End, Error> {
        let known = self.host(host).ok_or_else(|| Error::NoInterface {
            name: interface.to_owned(),
            known: Vec::new(),
        })?;
        let interface = known.interface_named(interface)?;
        Ok(End { host, interface })
    }

    /// Joins two interfaces: what leaves one arrives at the other. An interface
    /// that was joined before is no longer.
    pub fn veth(&mut self, one: End, other: End) {
        self.join(vec![one, other], None);
    }

    /// Joins interfaces by a bridge that learns where hardware addresses are, and
    /// floods what it does not know. It forgets nothing.
    pub fn bridge(&mut self, ends: &[End]) {
        self.join(ends.to_vec(), Some(BTreeMap::new()));
    }

    fn join(&mut self, ends: Vec<End>, learned: Option<BTreeMap<[u8; 6], End>>) {
        for link in &mut self.links {
            link.ends.retain(|end| !ends.contains(end));
            if let Some(table) = &mut link.learned {
                table.retain(|_, end| !ends.contains(end));
            }
        }
        self.links.push(Link { ends, learned });
    }

    /// Sets the clock of every host.
    pub fn set_time(&mut self, now_ns: u64) {
        for (_, host) in &mut self.hosts {
            host.machine_mut().world.clock.now_ns = now_ns;
        }
    }

    /// Runs the timers that are due on all hosts; how many.
    ///
    /// # Errors
    ///
    /// On which host a callback trapped, and why; the timers after it have not run.
    pub fn run_timers(&mut self) -> Result<u32, (usize, Trap)> {
        let mut count = 0;
        for (place, (_, host)) in self.hosts.iter_mut().enumerate() {
            count += host.run_timers().map_err(|trap| (place, trap))?;
        }
        Ok(count)
    }

    /// Lets a packet arrive on a queue of an interface, and follows it to its end.
    /// What the host's devices say of packets ([`Host::set_hints`]) they say of this
    /// arrival only.
    /// Behind that interface, everything arrives on queue 0.
    ///
    /// # Errors
    ///
    /// A packet that no machine takes at all, such as one without an Ethernet
    /// header.
    pub fn inject(&mut self, at: End, queue: u32, packet: &[u8]) -> Result<Journey, Error> {
        let mut journey = Journey::default();
        let mut frames = VecDeque::from([Frame {
            to: at,
            from: None,
            queue,
            data: packet.to_vec(),
        }]);
        while let Some(frame) = frames.pop_front() {
            if journey.steps.len() == Topology::MAX_STEPS {
                journey.cut = true;
                break;
            }
            let mut step = self.arrive(frame)?;
            let place = journey.steps.len();
            self.refuse(&mut step);
            self.leave(place, &step, &mut frames);
            journey.steps.push(step);
        }
        Ok(journey)
    }

    /// One arrival.
    fn arrive(&mut self, frame: Frame) -> Result<Step, Error> {
        let Frame {
            to: at,
            from,
            queue,
            data,
        } = frame;
        let mut step = Step {
            at,
            from,
            action: None,
            ret: 0,
            ran: Vec::new(),
            trap: None,
            executed: 0,
            before: Vec::new(),
            after: data.clone(),
            metadata: Vec::new(),
            went: Vec::new(),
            lost: None,
        };
        let Some((_, host)) = self.hosts.get_mut(at.host) else {
            return Err(Error::NoInterface {
                name: format!("number {} of host {}", at.interface.0, at.host),
                known: Vec::new(),
            });
        };
        let down = host.device(at.interface).filter(|device| !device.up);
        if let Some(down) = down {
            step.lost = Some(Lost::Down(down.ifindex));
            step.before = data;
            return Ok(step);
        }
        match host.receive_frame(at.interface, queue, &data, from.is_none())? {
            Some(outcome) => {
                step.action = Some(outcome.action);
                step.ret = outcome.ret;
                step.ran = outcome.ran.to_vec();
                step.trap = outcome.trap;
                step.executed = outcome.executed;
                step.after = outcome.output.to_vec();
                step.metadata = outcome.metadata.to_vec();
                step.lost = outcome.lost;
                let deliveries = outcome.deliveries.iter();
                step.went.extend(deliveries.map(|delivery| Went {
                    to: delivery.to,
                    second: delivery.second,
                    data: outcome.delivered(delivery).to_vec(),
                }));
            }
            None => step.went.push(Went {
                to: Destination::Stack,
                second: None,
                data: data.clone(),
            }),
        }
        step.before = data;
        Ok(step)
    }

    /// Takes away what the other end of a veth pair does not take: frames that programs
    /// send are queued there directly, or not at all.
    fn refuse(&self, step: &mut Step) {
        let refused = |went: &Went| {
            let leaves = self.leaves_by(step.at, went.to)?;
            let link = self.links.iter().find(|link| link.ends.contains(&leaves))?;
            let peer = match (&link.learned, &link.ends[..]) {
                (None, [one, other]) if *one == leaves => other,
                (None, [one, _]) => one,
                _ => return None,
            };
            self.host(peer.host)?
                .refuses(peer.interface, went.data.len())
        };
        let reasons: Vec<Option<Lost>> = step.went.iter().map(refused).collect();
        let mut each = reasons.iter();
        step.went
            .retain(|_| each.next().is_some_and(Option::is_none));
        if step.went.is_empty() {
            step.lost = step.lost.or(reasons.into_iter().flatten().next());
        }
    }

    /// The end by which a copy leaves its host, if it does.
    fn leaves_by(&self, at: End, to: Destination) -> Option<End> {
        let interface = match to {
            Destination::Back => at.interface,
            Destination::Device(ifindex) => self.host(at.host)?.interface_at(ifindex)?,
            _ => return None,
        };
        Some(End { interface, ..at })
    }

    /// Sends what leaves a host on to where its interface leads.
    fn leave(&mut self, place: usize, step: &Step, frames: &mut VecDeque<Frame>) {
        for went in &step.went {
            let Some(leaves) = self.leaves_by(step.at, went.to) else {
                continue;
            };
            let Some(link) = self.links.iter_mut().find(|l| l.ends.contains(&leaves)) else {
                continue;
            };
            frames.extend(link.carry(leaves, &went.data).into_iter().map(|to| Frame {
                to,
                from: Some(place),
                queue: 0,
                data: went.data.clone(),
            }));
        }
    }
}

impl Link {
    /// Where a frame that comes from one end arrives.
    fn carry(&mut self, from: End, data: &[u8]) -> Vec<End> {
        let others = self.ends.iter().copied().filter(|end| *end != from);
        let Some(learned) = &mut self.learned else {
            return others.collect();
        };
        let (Some(to), Some(source)) = (address(data, 0), address(data, 6)) else {
            return Vec::new();
        };
        if source[0] & 1 == 0 {
            learned.insert(source, from);
        }
        match learned.get(&to).filter(|_| to[0] & 1 == 0) {
            // It is where it came from already.
            Some(known) if *known == from => Vec::new(),
            Some(known) => vec![*known],
            None => others.collect(),
        }
    }
}

/// The hardware address at an offset of a frame.
fn address(frame: &[u8], offset: usize) -> Option<[u8; 6]> {
    frame.get(offset..)?.first_chunk().copied()
}
