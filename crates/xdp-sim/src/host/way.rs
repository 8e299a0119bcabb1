//! The way of a packet within a host: the programs of its interface, then
//! wherever redirects lead, through programs of map entries.

use std::mem;
use std::ops::Range;

use abi::xdp::XdpAction;
use vm::world::{Device, Redirect};
use vm::{ProgId, Trap, packet};

use super::{Chained, Error, Host, InterfaceId, Socket};
use crate::outcome::{Delivery, Lost, Outcome, Ran};
use crate::redirect::{self, Destination};

/// How often a packet may be redirected on by programs of map entries.
const MAX_HOPS: u32 = 8;

/// Bytes of a frame that do not count against the MTU when it is sent on: the
/// Ethernet header, and room for a VLAN tag.
const BESIDE_MTU: usize = 14 + 4;

/// What a packet meets first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// One program.
    Program(ProgId),
    /// The programs of an interface.
    Interface(usize),
}

/// Where a packet comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) ifindex: u32,
    pub(crate) queue: u32,
    /// Whether the device says what it knows of the packet.
    pub(crate) hinted: bool,
}

impl Host {
    /// Runs the programs of an interface on a packet that arrives there; `None`
    /// where there are none.
    ///
    /// `packet` is a whole frame from the Ethernet header on. Frames over
    /// [`abi::xdp::MAX_LINEAR`] bytes become multi-buffer.
    pub fn receive(
        &mut self,
        interface: InterfaceId,
        queue: u32,
        packet: &[u8],
    ) -> Result<Option<Outcome<'_>>, Error> {
        self.receive_frame(interface, queue, packet, true)
    }

    /// The same, with or without what the device knows of the packet.
    pub(crate) fn receive_frame(
        &mut self,
        interface: InterfaceId,
        queue: u32,
        packet: &[u8],
        hinted: bool,
    ) -> Result<Option<Outcome<'_>>, Error> {
        let Some(known) = self.interfaces.get(interface.0) else {
            return Err(Error::NoInterface {
                name: format!("number {}", interface.0),
                known: self.interfaces.iter().map(|i| i.name.clone()).collect(),
            });
        };
        if known.chain.is_empty() {
            return Ok(None);
        }
        let at = At {
            ifindex: known.ifindex,
            queue,
            hinted,
        };
        let entry = Entry::Interface(interface.0);
        self.run_and(entry, at, packet, true).map(Some)
    }

    /// Runs the timers that are due; how many. They also run before each packet.
    ///
    /// # Errors
    ///
    /// What a callback trapped for; the timers after it have not run.
    pub fn run_timers(&mut self) -> Result<u32, Trap> {
        self.machine.run_timers()
    }

    pub(crate) fn run_and(
        &mut self,
        entry: Entry,
        at: At,
        packet: &[u8],
        follow: bool,
    ) -> Result<Outcome<'_>, Error> {
        self.arena.clear();
        self.deliveries.clear();
        self.ran.clear();
        let answer = match entry {
            Entry::Program(program) => self.answer(program, packet, &[], at, 0)?,
            Entry::Interface(interface) => self.chain(interface, at, packet)?,
        };
        let action = answer.action();
        let mut executed = answer.executed;
        let mut lost = None;
        let kept = self.keep_if_needed(action);
        match action {
            XdpAction::Aborted | XdpAction::Drop => {}
            XdpAction::Pass => self.deliver(Destination::Stack, None, None),
            XdpAction::Tx => self.deliver(Destination::Back, None, None),
            XdpAction::Redirect if !follow => {}
            XdpAction::Redirect => {
                let redirect = self.machine.redirect.take();
                lost = self.redirect(redirect, at, &mut executed)?;
            }
        }
        let space = &self.machine.space;
        let (output, metadata) = match &self.machine.packet {
            Some(packet) if !kept => (packet.linear(space), packet.meta(space)),
            _ => (self.output.as_slice(), self.metadata.as_slice()),
        };
        Ok(Outcome {
            action,
            ret: answer.ret,
            trap: answer.trap,
            executed,
            output,
            metadata,
            deliveries: &self.deliveries,
            ran: &self.ran,
            lost,
            arena: &self.arena,
        })
    }

    /// Copies what the program left where it will not stay, or not in one piece,
    /// in the packet buffer; whether it did.
    fn keep_if_needed(&mut self, action: XdpAction) -> bool {
        let Some(packet) = &self.machine.packet else {
            return false;
        };
        let needed = packet.is_multi_buffer() || action == XdpAction::Redirect;
        if needed {
            let space = &self.machine.space;
            self.output.clear();
            copy_data(packet, space, &mut self.output);
            self.metadata.clear();
            self.metadata.extend_from_slice(packet.meta(space));
        }
        needed
    }

    /// Runs the programs of an interface, each next one as libxdp's dispatcher does.
    fn chain(&mut self, interface: usize, at: At, packet: &[u8]) -> Result<Answer, Error> {
        let link = |host: &Host, place: usize| -> Option<Chained> {
            let interface = host.interfaces.get(interface)?;
            interface.chain.get(place).copied()
        };
        let Some(mut current) = link(self, 0) else {
            return Ok(Answer {
                ret: XdpAction::Pass as u32,
                trap: None,
                executed: 0,
            });
        };
        let mut answer = self.answer(current.program, packet, &[], at, 0)?;
        for place in 1.. {
            let goes_on = current.config.is_some_and(|c| c.goes_on(answer.ret));
            if !goes_on || answer.trap.is_some() {
                return Ok(answer);
            }
            let Some(next) = link(self, place) else {
                // Behind its last program the dispatcher passes the packet.
                answer.ret = XdpAction::Pass as u32;
                return Ok(answer);
            };
            current = next;
            let ctx = self.machine.packet.as_ref().map(packet::Packet::ctx);
            let last = self.run_program(current.program, ctx.unwrap_or(vm::Addr::NULL));
            answer = Answer {
                executed: answer.executed + last.executed,
                ..last
            };
        }
        Ok(answer)
    }

    /// Runs one program on what is in the packet buffer.
    fn run_program(&mut self, program: ProgId, ctx: vm::Addr) -> Answer {
        let result = self.machine.run(program, ctx);
        let answer = Answer {
            ret: result.unwrap_or(0) as u32,
            trap: result.err(),
            executed: self.machine.executed(),
        };
        self.ran.push(Ran {
            program,
            ret: answer.ret,
            executed: answer.executed,
        });
        answer
    }

    /// Runs one program on one packet, after the timers that are due: a trap of
    /// theirs ends the packet.
    fn answer(
        &mut self,
        program: ProgId,
        data: &[u8],
        meta: &[u8],
        at: At,
        egress_ifindex: u32,
    ) -> Result<Answer, Error> {
        if let Err(trap) = self.machine.run_timers() {
            return Ok(Answer {
                ret: 0,
                trap: Some(trap),
                executed: self.machine.executed(),
            });
        }
        let ctx = self.machine.receive(&packet::Input {
            data,
            meta,
            ingress_ifindex: at.ifindex,
            rx_queue_index: at.queue,
            egress_ifindex,
            hints: match at.hinted {
                true => self.hints,
                false => packet::Hints::default(),
            },
        })?;
        self.machine.redirect = None;
        Ok(self.run_program(program, ctx))
    }

    fn deliver(&mut self, to: Destination, second: Option<ProgId>, changed: Option<Range<usize>>) {
        self.deliveries.push(Delivery {
            to,
            second,
            changed,
        });
    }

    /// Follows a redirect to its end; why it ended nowhere, if nothing arrived.
    fn redirect(
        &mut self,
        redirect: Option<Redirect>,
        at: At,
        executed: &mut u64,
    ) -> Result<Option<Lost>, Error> {
        let mut lost = Some(Lost::NoTarget);
        self.hops.clear();
        self.hops.extend(redirect.map(|redirect| Hop {
            redirect,
            bytes: None,
            number: 0,
        }));
        while let Some(hop) = self.hops.pop() {
            if hop.number == MAX_HOPS {
                lost = Some(Lost::Loop);
                continue;
            }
            let mut targets = mem::take(&mut self.targets);
            redirect::targets(&self.machine, hop.redirect, at.ifindex, &mut targets);
            if targets.is_empty() {
                lost = Some(Lost::NoEntry);
            }
            for target in targets.drain(..) {
                let refused = self.admit(target.to, &hop, at);
                let lost_here = match (refused, target.program) {
                    (Some(lost), _) => Some(lost),
                    (None, Some(program)) => self.second(program, target.to, &hop, at, executed)?,
                    (None, None) => {
                        self.deliver(target.to, None, hop.bytes.clone());
                        None
                    }
                };
                lost = lost_here.or(lost);
            }
            self.targets = targets;
        }
        Ok(lost.filter(|_| self.deliveries.is_empty()))
    }

    /// What Linux looks at before a redirected packet is queued; why it is not.
    fn admit(&mut self, to: Destination, hop: &Hop, at: At) -> Option<Lost> {
        let len = self.redirected(hop).len();
        match to {
            Destination::Device(ifindex) => {
                let device = self.machine.world.network.device(ifindex)?;
                if !device.up {
                    return Some(Lost::Down(ifindex));
                }
                let limit = longest(device);
                (len > limit).then_some(Lost::TooLong { len, limit })
            }
            Destination::Socket { map, slot } => {
                let socket = self.sockets.get(&(map, slot))?;
                if (socket.ifindex, socket.queue) != (at.ifindex, at.queue) {
                    return Some(Lost::OtherQueue {
                        ifindex: socket.ifindex,
                        queue: socket.queue,
                    });
                }
                if socket.received.len() >= Socket::RING {
                    return Some(Lost::RingFull);
                }
                let data = self.redirected(hop).to_vec();
                let socket = self.sockets.get_mut(&(map, slot))?;
                socket.received.push_back(data);
                None
            }
            _ => None,
        }
    }

    /// The packet that a redirect moves.
    fn redirected(&self, hop: &Hop) -> &[u8] {
        match &hop.bytes {
            Some(range) => self.arena.get(range.clone()).unwrap_or_default(),
            None => &self.output,
        }
    }

    /// Runs the program of a map entry; why the packet went no further.
    fn second(
        &mut self,
        program: ProgId,
        to: Destination,
        hop: &Hop,
        at: At,
        executed: &mut u64,
    ) -> Result<Option<Lost>, Error> {
        let mut data = mem::take(&mut self.scratch);
        data.clear();
        data.extend_from_slice(self.redirected(hop));
        let meta = mem::take(&mut self.metadata);
        // Linux does not hand the queue on to programs on another CPU.
        let (queue, egress) = match to {
            Destination::Device(ifindex) => (at.queue, ifindex),
            _ => (0, 0),
        };
        let cpu = self.machine.world.cpu.id;
        if let Destination::Cpu(there) = to {
            self.machine.world.cpu.id = there;
        }
        // Only programs that are bound to a device are told what it knows, and those
        // are in no map.
        let at = At {
            queue,
            hinted: false,
            ..at
        };
        let answer = self.answer(program, &data, &meta, at, egress);
        self.machine.world.cpu.id = cpu;
        self.scratch = data;
        self.metadata = meta;
        let answer = answer?;
        *executed += answer.executed;
        let made = self.keep_output();
        Ok(match (answer.trap, answer.action(), to) {
            (Some(trap), ..) => Some(Lost::Trap(trap)),
            (_, XdpAction::Pass, _) => {
                self.deliver(to, Some(program), Some(made));
                None
            }
            // A program on a CPU may send a packet on; one on a device lets it
            // through or not.
            (_, XdpAction::Redirect, Destination::Cpu(_)) => match self.machine.redirect.take() {
                Some(redirect) => {
                    self.hops.push(Hop {
                        redirect,
                        bytes: Some(made),
                        number: hop.number + 1,
                    });
                    None
                }
                None => Some(Lost::NoTarget),
            },
            _ => Some(Lost::Second(program)),
        })
    }

    /// Keeps what is in the packet buffer until the next packet.
    fn keep_output(&mut self) -> Range<usize> {
        let start = self.arena.len();
        if let Some(packet) = &self.machine.packet {
            copy_data(packet, &self.machine.space, &mut self.arena);
        }
        start..self.arena.len()
    }
}

/// The longest frame that a device sends on, or that a veth takes from its peer.
pub(super) fn longest(device: &Device) -> usize {
    (device.mtu as usize).saturating_add(BESIDE_MTU)
}

/// A redirect that is still to be followed.
#[derive(Debug)]
pub(super) struct Hop {
    redirect: Redirect,
    /// Where in the arena the packet is; what the first program left, if not.
    bytes: Option<Range<usize>>,
    /// How many redirects there were before.
    number: u32,
}

/// How one program answered.
struct Answer {
    ret: u32,
    trap: Option<Trap>,
    executed: u64,
}

impl Answer {
    fn action(&self) -> XdpAction {
        match self.trap {
            Some(_) => XdpAction::Aborted,
            None => XdpAction::from_ret(self.ret).unwrap_or(XdpAction::Aborted),
        }
    }
}

/// Appends the packet without metadata.
fn copy_data(packet: &packet::Packet, space: &vm::Space, out: &mut Vec<u8>) {
    out.extend_from_slice(packet.linear(space));
    out.extend_from_slice(packet.frags(space));
}
