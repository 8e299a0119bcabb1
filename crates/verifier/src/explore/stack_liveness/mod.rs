//! Which stack slots later paths may still read, by chain of calls.
//!
//! Which slot an instruction touches is known only when it is followed, and a
//! function touches its callers' frames through pointers. So what was seen is
//! gathered for each chain of calls apart ([`instance`]): slots that an
//! instruction read on some path and slots that it overwrote on all paths so
//! far. When a path ends or a function returns, that is carried through the
//! function's control flow ([`graph`]) as in a compiler's liveness analysis, and
//! what a function does to the frames of its callers is noted at the call.
//!
//! A slot that is not live in a checkpoint may be anything when that checkpoint
//! is compared. Only checkpoints from which all paths are done ask: what is
//! known is complete for those.
//!
//! When what is carried, and in which order instructions are taken, is Linux's,
//! as its log shows each change. Instructions for which nothing changed are left
//! out.

mod graph;
mod instance;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use foldhash::fast::FixedState;
use isa::Pc;

use crate::observe::Event;
use crate::reason::{Result, Unsupported};
use crate::state::State;
use crate::structure::{Marks, Structure};
use graph::Graph;
use instance::{Change, Instance};

/// Frames that may be active at once.
const MAX_FRAMES: usize = 8;
/// Instructions with a frame each that masks are kept for, over all chains:
/// keeps memory bounded.
const MAX_MASKS: usize = 4_000_000;

/// A step of carrying what is known of slots through a function, as Linux's log
/// of level 2 shows it.
#[derive(Debug)]
#[non_exhaustive]
pub enum LivenessStep<'e> {
    /// What is known before an instruction changed.
    Change {
        /// Call sites from the outermost frame on, then the start of the
        /// function that the instruction is in.
        chain: &'e [Pc],
        /// The frame that the slots are of.
        frame: usize,
        /// The instruction.
        pc: Pc,
        /// What is told of the slots.
        what: Liveness,
        /// Slots that it holds of now.
        added: u64,
        /// Slots that it does not hold of any more.
        removed: u64,
    },
    /// Nothing changes any more.
    Done {
        /// As above.
        chain: &'e [Pc],
        /// How often the function was gone through.
        sweeps: u32,
    },
}

/// What may be told of a stack slot at an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It may be read from there on before it is overwritten.
    Live,
    /// It is overwritten from there on, on all paths.
    Written,
}

/// What is known of all stack slots of an analysis.
#[derive(Debug)]
pub(super) struct StackLiveness<'a> {
    graph: Graph<'a>,
    instances: Vec<Instance>,
    /// The last instance of each depth: what is asked for most.
    recent: [Option<(Link, u32)>; MAX_FRAMES],
    /// Those that were in `recent` before.
    by_chain: HashMap<Link, u32, FixedState>,
    /// The instance of the current chain of calls, while that is known.
    current: Option<u32>,
    /// Slots that the current instruction overwrites, by frame.
    written: [u64; MAX_FRAMES],
    any_written: bool,
    /// Frames at the start of the current instruction.
    depth: usize,
    masks: usize,
}

/// The last call of a chain: the instance that it is made in, the call, and the
/// function that it enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Link {
    outer: Option<(u32, Pc)>,
    subprogram: u32,
}

/// The instances of all frames of a state.
#[derive(Clone, Copy, Debug)]
struct Chain {
    instances: [Option<u32>; MAX_FRAMES],
    depth: usize,
}

impl Chain {
    fn last(&self) -> Option<u32> {
        self.instances[..self.depth].last().copied().flatten()
    }
}

impl<'a> StackLiveness<'a> {
    pub(super) fn new(structure: &'a Structure) -> StackLiveness<'a> {
        StackLiveness {
            graph: Graph::new(structure),
            instances: Vec::new(),
            by_chain: HashMap::default(),
            recent: [None; MAX_FRAMES],
            current: None,
            written: [0; MAX_FRAMES],
            any_written: false,
            depth: 0,
            masks: 0,
        }
    }

    /// An instruction of `state` is about to be followed.
    pub(super) fn begin(&mut self, state: &State) {
        if std::mem::take(&mut self.any_written) {
            self.written = [0; MAX_FRAMES];
        }
        self.depth = state.frames().len();
        if self.current.is_none() {
            self.current = self.enter_chain(state).last();
        }
    }

    /// The instruction at `pc` was followed.
    pub(super) fn commit(&mut self, state: &State, pc: Pc) {
        if state.frames().len() != self.depth {
            // A call or a return: the chain is another one now. What calls do
            // to slots is what the function does.
            self.current = None;
        }
        let position = self.graph.position(pc);
        let instance = self.current.map(|number| number as usize);
        let instance = instance.and_then(|number| self.instances.get_mut(number));
        if let (Some(instance), Some(position)) = (instance, position) {
            if self.any_written {
                instance.note_followed(position, &self.written, &mut self.masks);
            } else {
                instance.note_plain(position, &mut self.masks);
            }
        }
    }

    fn note_read(&mut self, instance: u32, frame: usize, pc: Pc, slots: u64) {
        let position = self.graph.position(pc);
        let instance = self.instances.get_mut(instance as usize);
        if let (Some(instance), Some(position)) = (instance, position) {
            instance.note_read(frame, position, slots, &mut self.masks);
        }
    }

    /// The instances of all frames, made if need be.
    fn enter_chain(&mut self, state: &State) -> Chain {
        Chain::of(state, |link, frame| {
            if let Some(known) = self.known(link, frame) {
                return Some(known);
            }
            let number = self.instances.len() as u32;
            let len = self.graph.len(link.subprogram);
            let made = Instance::new(link.outer, link.subprogram, frame, len);
            self.instances.push(made);
            self.remember(link, frame, number);
            Some(number)
        })
    }

    /// The instance of a frame that was made before. It is the one asked for most
    /// from now on.
    fn known(&mut self, link: Link, frame: usize) -> Option<u32> {
        if let Some(number) = self.recent(link, frame) {
            return Some(number);
        }
        let number = *self.by_chain.get(&link)?;
        self.remember(link, frame, number);
        Some(number)
    }

    fn recent(&self, link: Link, frame: usize) -> Option<u32> {
        let (recent, number) = (*self.recent.get(frame)?)?;
        (recent == link).then_some(number)
    }

    fn remember(&mut self, link: Link, frame: usize, number: u32) {
        if let Some(recent) = self.recent.get_mut(frame)
            && let Some((before, number)) = recent.replace((link, number))
        {
            self.by_chain.insert(before, number);
        }
    }

    /// The instances of all frames that have one.
    fn chain(&self, state: &State) -> Chain {
        Chain::of(state, |link, frame| {
            let recent = self.recent(link, frame);
            recent.or_else(|| self.by_chain.get(&link).copied())
        })
    }

    fn live_before(&self, instance: Option<u32>, frame: usize, pc: Pc) -> u64 {
        let instance = instance.and_then(|number| self.instances.get(number as usize));
        match (instance, self.graph.position(pc)) {
            (Some(instance), Some(position)) => instance.live_before(frame, position),
            _ => 0,
        }
    }

    /// Slots of frame `frame` that may still be read in `state`, before the
    /// instruction at `pc`.
    fn live(&self, structure: &Structure, state: &State, pc: Pc, frame: usize) -> u64 {
        let chain = self.chain(state);
        let mut live = self.live_before(chain.last(), frame, pc);
        let inner = state.frames().iter().skip(frame + 1);
        for (number, frame_inside) in (frame..).zip(inner) {
            let Some(callsite) = frame_inside.callsite else {
                continue;
            };
            let marks = structure.insn(callsite).marks;
            let back = if marks.contains(Marks::CALLS_CALLBACK) {
                callsite
            } else {
                Pc(callsite.0 + 1)
            };
            let instance = chain.instances.get(number).copied().flatten();
            live |= self.live_before(instance, frame, back);
        }
        live
    }

    /// Call sites down to an instance, then the start of its function.
    fn pcs(&self, structure: &Structure, number: u32) -> Vec<Pc> {
        let mut pcs = Vec::new();
        let mut instance = self.instances.get(number as usize);
        let function = instance.map_or(0, |instance| instance.subprogram);
        let start = structure.subprograms.get(function as usize);
        pcs.extend(start.map(|subprogram| subprogram.start));
        while let Some((outer, callsite)) = instance.and_then(|instance| instance.outer) {
            pcs.push(callsite);
            instance = self.instances.get(outer as usize);
        }
        pcs.reverse();
        pcs
    }

    /// Carries what was noted in an instance through its function and to its
    /// caller.
    fn update(&mut self, number: u32, report: Option<&mut dyn FnMut(Change)>) -> u32 {
        let Some(instance) = self.instances.get_mut(number as usize) else {
            return 0;
        };
        let sweeps = instance.update(self.graph.function(instance.subprogram), report);
        self.tell_caller(number);
        sweeps
    }

    /// Notes at the call what a function does to the frames outside it.
    fn tell_caller(&mut self, number: u32) {
        let Some(instance) = self.instances.get(number as usize) else {
            return;
        };
        let Some((outer, callsite)) = instance.outer else {
            return;
        };
        let start = self.graph.start(instance.subprogram);
        let mut read = [0; MAX_FRAMES];
        let mut written = [0; MAX_FRAMES];
        for frame in 0..instance.frame.min(MAX_FRAMES) {
            if let Some(summary) = start.and_then(|start| instance.summary(frame, start)) {
                (read[frame], written[frame]) = summary;
            }
        }
        for (frame, slots) in read.into_iter().enumerate() {
            if slots != 0 {
                self.note_read(outer, frame, callsite, slots);
            }
        }
        let position = self.graph.position(callsite);
        let outer = self.instances.get_mut(outer as usize);
        if let (Some(outer), Some(position)) = (outer, position) {
            outer.note_followed(position, &written, &mut self.masks);
        }
    }
}

impl Chain {
    /// Follows the chain of calls of `state` from the outermost frame on.
    fn of(state: &State, mut step: impl FnMut(Link, usize) -> Option<u32>) -> Chain {
        let mut chain = Chain {
            instances: [None; MAX_FRAMES],
            depth: state.frames().len().min(MAX_FRAMES),
        };
        let mut outer = None;
        for (number, frame) in state.frames().iter().take(MAX_FRAMES).enumerate() {
            let link = Link {
                outer: outer.zip(frame.callsite),
                subprogram: frame.subprogram,
            };
            outer = step(link, number);
            chain.instances[number] = outer;
            if outer.is_none() {
                break;
            }
        }
        chain
    }
}

impl super::Verifier<'_> {
    /// The current instruction reads the slots in `slots` (bit `n` for slot
    /// `n`) of frame `frame`.
    pub(crate) fn note_slots_read(&mut self, frame: u8, slots: u64) {
        if let Some(current) = self.stack_liveness.current {
            let liveness = &mut self.stack_liveness;
            liveness.note_read(current, frame.into(), self.pc, slots);
        }
    }

    /// The current instruction overwrites the slots in `slots` of frame `frame`
    /// as a whole.
    pub(crate) fn note_slots_written(&mut self, frame: u8, slots: u64) {
        let liveness = &mut self.stack_liveness;
        if let Some(written) = liveness.written.get_mut(usize::from(frame)) {
            *written |= slots;
            liveness.any_written = true;
        }
    }

    /// Slots of frame `frame` that may still be read in `state`, before the
    /// instruction at `pc`.
    pub(super) fn live_slots(&self, state: &State, pc: Pc, frame: usize) -> u64 {
        let liveness = &self.stack_liveness;
        liveness.live(self.structure, state, pc, frame)
    }

    /// Carries what the current path showed of slots through its functions: to
    /// be called when the path ends, and before a function returns.
    pub(crate) fn update_live_slots(&mut self) -> Result {
        self.stack_liveness.current = None;
        let chain = self.stack_liveness.enter_chain(&self.state);
        let instances = &chain.instances[..chain.depth];
        for number in instances.iter().rev().copied().flatten() {
            self.update_instance(number);
        }
        if self.stack_liveness.masks > MAX_MASKS {
            return Err(Unsupported {
                pc: self.pc,
                feature: "so many chains of calls that use their stack".into(),
            }
            .into());
        }
        Ok(())
    }

    fn update_instance(&mut self, number: u32) {
        let instance = self.stack_liveness.instances.get(number as usize);
        if !instance.is_some_and(|instance| instance.changed) {
            return;
        }
        if !self.wants_details() {
            self.stack_liveness.update(number, None);
            return;
        }
        let chain = self.stack_liveness.pcs(self.structure, number);
        let mut changes = Vec::new();
        let sweeps = self
            .stack_liveness
            .update(number, Some(&mut |change| changes.push(change)));
        for change in changes {
            self.observe_change(&chain, change);
        }
        self.tell(Event::StackLiveness(LivenessStep::Done {
            chain: &chain,
            sweeps,
        }));
    }

    fn observe_change(&mut self, chain: &[Pc], change: Change) {
        for (what, (old, new)) in [
            (Liveness::Live, change.live),
            (Liveness::Written, change.overwritten),
        ] {
            if old != new {
                self.tell(Event::StackLiveness(LivenessStep::Change {
                    chain,
                    frame: change.frame,
                    pc: change.pc,
                    what,
                    added: new & !old,
                    removed: old & !new,
                }));
            }
        }
    }
}
