//! Walking along a [`Graph`] with a run.
//!
//! At each instruction the run must be at a node that follows the one before,
//! and hold what is claimed there. Where several nodes follow (Linux takes some
//! paths twice with different assumptions) one of them suffices: a run may be at
//! several nodes at once, each a [`Thread`].
//!
//! Where a path ended at a checkpoint the run must hold what the checkpoint
//! knows, and walks on from there. What nothing was found to depend on need not
//! hold; such places, and what is computed from them, are *loose*: nothing is
//! claimed of them any more. A pointer never comes of a loose number, nor a
//! branch that was not followed both ways, or the verifier missed what depends
//! on what: then the run leaves the graph, or a pointer is not where it should
//! be. And a checkpoint that was found to depend on a number that is loose says
//! so at once.

use isa::{AtomicOp, CallTarget, Insn, Operand, PacketMode, Pc, Reg};
use vm::helper::TAIL_CALL;
use vm::{Machine, Moment, Watch};

use super::graph::{Claim, Cover, Graph, Link, NONE, Node, Place, Places};
use super::known::Known;
use super::member::{Around, fits, holds_narrow};

const FRAMES: usize = abi::limits::MAX_CALL_FRAMES;
/// Registers that a call writes.
const CALLED: u16 = 0x3f;
/// Nodes that a run may be at.
const THREADS: usize = 64;

/// Where a run may be.
#[derive(Clone, Copy, Debug)]
struct Thread {
    node: u32,
    loose: Loose,
}

/// Places of which nothing is claimed, by frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Loose {
    any: bool,
    frames: [Places; FRAMES],
}

/// A function that is followed on its own, with those that it calls.
#[derive(Clone, Copy, Debug)]
struct Activation {
    /// Functions that wait below it.
    base: usize,
    /// Its first thread.
    threads: usize,
}

/// What is not as the verifier says. Claims and links are told by their numbers in
/// the graph: where one of several ways has to hold, being wrong is nothing special.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    /// A value.
    Value {
        claim: u32,
        number: u64,
        /// It is a checkpoint's.
        covered: bool,
    },
    /// Two numbers that should be a constant apart.
    Link { link: u32, numbers: [u64; 2] },
    /// The verifier never came here.
    Path,
}

/// What a run did that the verifier says it cannot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missed {
    /// The instruction that comes next.
    pub(super) pc: Pc,
    /// The one before.
    pub(super) before: Option<Pc>,
    pub(super) wrong: Wrong,
}

/// The memory of a walk.
#[derive(Debug, Default)]
pub(super) struct Walk {
    threads: Vec<Thread>,
    next: Vec<Thread>,
    activations: Vec<Activation>,
}

/// A walk along a graph.
#[derive(Debug)]
pub(super) struct Follower<'g> {
    graph: &'g Graph,
    around: Around<'g>,
    walk: &'g mut Walk,
    /// Registers of each frame when it was last seen.
    regs: [[u64; 11]; FRAMES],
    last: Option<(u32, usize)>,
    too_deep: bool,
    pub(super) missed: Option<Missed>,
    /// What Linux is known to get wrong, once the run has shown it.
    pub(super) excuse: Option<Known>,
    /// Nodes that the run was held against.
    pub(super) states: u64,
}

/// What an instruction that was just run did.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// Registers that it read to compute something or to decide.
    reads: u16,
    /// Registers that it wrote.
    writes: u16,
    /// Stack that it read: frame and slots.
    loaded: Option<(usize, u64)>,
    /// Stack that it wrote, and whether all of each slot.
    stored: Option<(usize, u64, bool)>,
    branch: bool,
}

impl Loose {
    fn has(&self, base: usize, place: Place) -> bool {
        let Some(frame) = self.frames.get(base + usize::from(place.frame)) else {
            return true;
        };
        match place.register() {
            Ok(reg) => frame.regs & 1 << reg != 0,
            Err(slot) => frame.slots & 1 << slot != 0,
        }
    }

    fn set(&mut self, base: usize, place: Place, loose: bool) {
        let Some(frame) = self.frames.get_mut(base + usize::from(place.frame)) else {
            return;
        };
        match place.register() {
            Ok(reg) => frame.regs = frame.regs & !(1 << reg) | u16::from(loose) << reg,
            Err(slot) => frame.slots = frame.slots & !(1 << slot) | u64::from(loose) << slot,
        }
        self.any |= loose;
    }

    fn settle(&mut self) {
        self.any = self.frames.iter().any(|frame| *frame != Places::default());
    }
}

impl<'g> Follower<'g> {
    /// At the start of the program.
    pub(super) fn new(graph: &'g Graph, around: Around<'g>, walk: &'g mut Walk) -> Follower<'g> {
        walk.threads.clear();
        walk.activations.clear();
        let mut follower = Follower {
            graph,
            around,
            walk,
            regs: [[0; 11]; FRAMES],
            last: None,
            too_deep: false,
            missed: None,
            excuse: None,
            states: 0,
        };
        follower.begin(0, 0);
        follower
    }

    /// A function that is followed on its own begins, above `base` others.
    fn begin(&mut self, function: usize, base: usize) {
        self.walk.activations.push(Activation {
            base,
            threads: self.walk.threads.len(),
        });
        self.around.base = base;
        let root = self.graph.roots.get(function).copied().unwrap_or(NONE);
        self.walk.threads.push(Thread {
            node: root,
            loose: Loose::default(),
        });
    }

    /// Functions above `depth` are done.
    fn end(&mut self, depth: usize) {
        while let Some(top) = self.walk.activations.last()
            && top.base > depth
        {
            self.walk.threads.truncate(top.threads);
            self.walk.activations.pop();
        }
        self.around.base = self.walk.activations.last().map_or(0, |top| top.base);
    }

    fn step(&mut self, moment: &Moment<'_>) {
        let mut done = Done::default();
        if let Some((pc, depth)) = self.last {
            if moment.depth != depth || moment.pc.0 != pc + 1 && is_tail_call(self.graph.insn(pc)) {
                self.change_function(pc, (depth, moment.depth));
            } else if self.is_loose() {
                // Only what is loose asks for it.
                done = self.done(moment.machine, self.graph.insn(pc), depth);
            }
        }
        self.regs[moment.depth] = *moment.regs;
        self.last = Some((moment.pc.0, moment.depth));
        self.advance(moment, &done);
    }

    /// The instruction before went from one function to another.
    fn change_function(&mut self, pc: u32, (from, to): (usize, usize)) {
        let insn = self.graph.insn(pc);
        if to > from {
            match self.graph.global_callee(pc) {
                Some(function) => self.begin(function, to),
                None => self.enter_frame(insn, from),
            }
        } else if to == from {
            // A tail call.
            self.begin(0, from);
        } else if to < self.walk.activations.last().map_or(0, |top| top.base) {
            self.end(to);
            self.forget_result(to);
        } else {
            self.leave_frame(from, to);
        }
    }

    fn is_loose(&self) -> bool {
        let first = self.walk.activations.last().map_or(0, |top| top.threads);
        let threads = &self.walk.threads[first..];
        threads.iter().any(|thread| thread.loose.any)
    }

    fn threads(&mut self) -> &mut [Thread] {
        let first = self.walk.activations.last().map_or(0, |top| top.threads);
        &mut self.walk.threads[first..]
    }

    /// A static function, or a callback, was entered.
    fn enter_frame(&mut self, insn: Insn, caller: usize) {
        const ARGUMENTS: u16 = 0x3e;
        let is_call = matches!(
            insn,
            Insn::Call {
                target: CallTarget::Local(_)
            }
        );
        for thread in self.threads() {
            let loose = &mut thread.loose;
            if !loose.any {
                continue;
            }
            let given = loose.frames[caller].regs & ARGUMENTS;
            loose.frames[caller + 1] = Places {
                regs: match given {
                    given if is_call => given,
                    0 => 0,
                    _ => ARGUMENTS,
                },
                slots: 0,
            };
        }
    }

    fn leave_frame(&mut self, callee: usize, caller: usize) {
        for thread in self.threads() {
            let loose = &mut thread.loose;
            if !loose.any {
                continue;
            }
            let result = loose.frames[callee].regs & 1;
            loose.frames[callee] = Places::default();
            let regs = &mut loose.frames[caller].regs;
            *regs = *regs & !CALLED | result;
            loose.settle();
        }
    }

    fn forget_result(&mut self, caller: usize) {
        for thread in self.threads() {
            thread.loose.frames[caller].regs &= !CALLED;
            thread.loose.settle();
        }
    }

    /// What the instruction did that was just run in frame `depth`.
    fn done(&self, machine: &Machine, insn: Insn, depth: usize) -> Done {
        let bit = |reg: Reg| 1u16 << reg.index();
        let source = |operand: Operand| match operand {
            Operand::Reg(reg) => bit(reg),
            Operand::Imm(_) => 0,
        };
        let stack = |base: Reg, offset: i16, size: u64| {
            let at = self.regs[depth][base.index()].wrapping_add(offset as i64 as u64);
            stack_slots(machine, at, size)
        };
        let none = Done::default();
        match insn {
            Insn::Alu { op, dst, src, .. } => Done {
                reads: match op {
                    isa::AluOp::Mov => source(src),
                    _ => source(src) | bit(dst),
                },
                writes: bit(dst),
                ..none
            },
            Insn::Neg { dst, .. } | Insn::Endian { dst, .. } => Done {
                reads: bit(dst),
                writes: bit(dst),
                ..none
            },
            Insn::Movsx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => Done {
                reads: bit(src),
                writes: bit(dst),
                ..none
            },
            Insn::LoadImm { dst, .. } => Done {
                writes: bit(dst),
                ..none
            },
            Insn::Load {
                dst,
                base,
                offset,
                size,
                ..
            }
            | Insn::LoadAcquire {
                dst,
                base,
                offset,
                size,
            } => Done {
                writes: bit(dst),
                loaded: stack(base, offset, size.bytes().into()).map(|(f, s, _)| (f, s)),
                ..none
            },
            Insn::Store {
                base,
                offset,
                size,
                src,
            } => Done {
                reads: source(src),
                stored: stack(base, offset, size.bytes().into()),
                ..none
            },
            Insn::StoreRelease {
                base,
                offset,
                size,
                src,
            } => Done {
                reads: bit(src),
                stored: stack(base, offset, size.bytes().into()),
                ..none
            },
            Insn::Atomic {
                op,
                base,
                offset,
                width,
                src,
            } => {
                let touched = stack(base, offset, width.bytes().into());
                Done {
                    reads: bit(src) | u16::from(op == AtomicOp::Cmpxchg),
                    writes: match op {
                        AtomicOp::Cmpxchg => 1,
                        op if op.fetches() => bit(src),
                        _ => 0,
                    },
                    loaded: touched.map(|(f, s, _)| (f, s)),
                    // What was there plays its part.
                    stored: touched.map(|(f, s, _)| (f, s, false)),
                    ..none
                }
            }
            Insn::Branch { dst, src, .. } => Done {
                reads: bit(dst) | source(src),
                branch: true,
                ..none
            },
            Insn::LoadPacket { mode, .. } => Done {
                reads: match mode {
                    PacketMode::Indirect(src) => bit(src),
                    PacketMode::Absolute => 0,
                },
                writes: CALLED,
                ..none
            },
            Insn::Call { .. } => Done {
                writes: CALLED,
                ..none
            },
            _ => none,
        }
    }

    /// To the nodes that follow.
    fn advance(&mut self, moment: &Moment<'_>, done: &Done) {
        let first = self.walk.activations.last().map_or(0, |top| top.threads);
        let mut threads = std::mem::take(&mut self.walk.threads);
        let wrong = match self.only_way(moment, &threads[first..]) {
            Some(child) => self.go_straight(moment, &mut threads[first], child, done),
            None => self.go_all_ways(moment, &mut threads, first, done),
        };
        self.walk.threads = threads;
        if let Some(Wrong::Value { claim, number, .. }) = wrong
            && let Some(claim) = self.graph.claims.get(claim as usize)
            && self
                .around
                .is_not_beyond(moment.machine, &claim.value, number)
        {
            self.excuse = Some(Known::BeyondMoved);
        }
        if let Some(wrong) = wrong
            && self.excuse.is_none()
        {
            self.missed = Some(Missed {
                pc: moment.pc,
                before: None,
                wrong,
            });
        }
    }

    /// The node to go to, where the run is at one node and one way leads on: so it
    /// is nearly always.
    fn only_way(&self, moment: &Moment<'_>, threads: &[Thread]) -> Option<u32> {
        let [thread] = threads else {
            return None;
        };
        let nodes = &self.graph.nodes;
        let mut child = nodes.get(thread.node as usize)?.child;
        let mut only = None;
        while let Some(node) = nodes.get(child as usize) {
            if node.again {
                return None;
            }
            if self.is_at(moment, node) && only.replace(child).is_some() {
                return None;
            }
            child = node.sibling;
        }
        let node = &nodes[only? as usize];
        let end = match self.graph.covers.get(node.cover as usize) {
            Some(cover) => nodes.get(cover.target as usize)?,
            None => node,
        };
        (!end.forked).then_some(only?)
    }

    /// Whether the run, at this moment, may be at a node.
    fn is_at(&self, moment: &Moment<'_>, node: &Node) -> bool {
        let depth = moment.depth + 1 - self.around.base;
        node.pc == moment.pc.0 && !node.fork && usize::from(node.depth) == depth
    }

    fn go_straight(
        &mut self,
        moment: &Moment<'_>,
        thread: &mut Thread,
        child: u32,
        done: &Done,
    ) -> Option<Wrong> {
        let reads_loose = thread.loose.any && spread(&mut thread.loose, done, moment.depth);
        thread.node = child;
        self.enter(moment, thread, (done, reads_loose)).err()
    }

    /// To all the nodes that follow one at which the run may be.
    fn go_all_ways(
        &mut self,
        moment: &Moment<'_>,
        threads: &mut Vec<Thread>,
        first: usize,
        done: &Done,
    ) -> Option<Wrong> {
        let mut next = std::mem::take(&mut self.walk.next);
        next.clear();
        let mut wrong = None;
        for thread in &mut threads[first..] {
            let reads_loose = thread.loose.any && spread(&mut thread.loose, done, moment.depth);
            self.go_on(moment, thread, (done, reads_loose), &mut next, &mut wrong);
        }
        let is_lost = next.is_empty();
        threads.truncate(first);
        threads.append(&mut next);
        self.walk.next = next;
        is_lost.then_some(wrong.unwrap_or(Wrong::Path))
    }

    fn go_on(
        &mut self,
        moment: &Moment<'_>,
        thread: &Thread,
        (done, reads_loose): (&Done, bool),
        next: &mut Vec<Thread>,
        wrong: &mut Option<Wrong>,
    ) {
        let nodes = &self.graph.nodes;
        let mut child = nodes
            .get(thread.node as usize)
            .map_or(NONE, |node| node.child);
        while let Some(node) = nodes.get(child as usize) {
            let number = std::mem::replace(&mut child, node.sibling);
            if !node.again && !self.is_at(moment, node) {
                continue;
            }
            let mut here = Thread {
                node: number,
                ..*thread
            };
            match self.enter(moment, &mut here, (done, reads_loose)) {
                // The run does not see the call a second time.
                Ok(()) if node.again => self.go_on(moment, &here, (done, false), next, wrong),
                Ok(()) => self.stay(moment, here, next),
                Err(why) => *wrong = wrong.or(Some(why)),
            }
        }
    }

    /// Is at a node, and at those that assume more before the same instruction.
    fn stay(&mut self, moment: &Moment<'_>, here: Thread, next: &mut Vec<Thread>) {
        if next.len() >= THREADS {
            return;
        }
        next.push(here);
        let nodes = &self.graph.nodes;
        let Some(node) = nodes.get(here.node as usize).filter(|node| node.forked) else {
            return;
        };
        let mut child = node.child;
        while let Some(node) = nodes.get(child as usize) {
            let mut thread = Thread {
                node: child,
                ..here
            };
            child = node.sibling;
            if node.fork
                && let Ok(()) = self.enter(moment, &mut thread, (&Done::default(), false))
            {
                self.stay(moment, thread, next);
            }
        }
    }

    /// Holds the run against the node of a thread, which goes on behind a checkpoint
    /// where the node's path ended.
    fn enter(
        &mut self,
        moment: &Moment<'_>,
        thread: &mut Thread,
        (done, reads_loose): (&Done, bool),
    ) -> Result<(), Wrong> {
        self.states += 1;
        let graph = self.graph;
        let Some(node) = graph.nodes.get(thread.node as usize) else {
            return Err(Wrong::Path);
        };
        let base = self.around.base;
        let frame = usize::from(node.depth) - 1;
        if let Some(reg) = node.signed_fill
            && (moment.regs[reg.index()] as i64) < 0
        {
            self.excuse = Some(Known::SignedFill);
        }
        for (n, claim) in node.claims.clone().zip(graph.claims_in(&node.claims)) {
            if node.again && is_argument(claim.place, frame) {
                continue;
            }
            let mut soft = false;
            if thread.loose.any {
                let written = is_written(claim.place, (base, frame), done);
                if thread.loose.has(base, claim.place) {
                    if !(written && claim.value.is_pointer()) {
                        continue;
                    }
                } else {
                    soft = reads_loose && done.branch && !claim.value.is_pointer();
                }
            }
            let number = self.number(moment, claim.place);
            if self.holds(moment.machine, claim, number) {
                continue;
            }
            if !soft {
                return Err(Wrong::Value {
                    claim: n,
                    number,
                    covered: false,
                });
            }
            thread.loose.set(base, claim.place, true);
        }
        for (n, link) in node.links.clone().zip(graph.links_in(&node.links)) {
            let [one, other] = link.places;
            if thread.loose.any && (thread.loose.has(base, one) || thread.loose.has(base, other)) {
                continue;
            }
            let numbers = [one, other].map(|place| self.number(moment, place));
            if !is_linked(link, numbers) {
                return Err(Wrong::Link { link: n, numbers });
            }
        }
        match graph.covers.get(node.cover as usize) {
            Some(cover) => self.cross(moment, thread, cover, node),
            None => Ok(()),
        }
    }

    /// Goes on from the checkpoint at which the path ended.
    fn cross(
        &mut self,
        moment: &Moment<'_>,
        thread: &mut Thread,
        cover: &Cover,
        node: &Node,
    ) -> Result<(), Wrong> {
        let graph = self.graph;
        let base = self.around.base;
        let frame = usize::from(node.depth) - 1;
        let loose = thread.loose;
        let idle = &graph.idle[cover.idle.start as usize..cover.idle.end as usize];
        for (frame, idle) in thread.loose.frames.iter_mut().skip(base).zip(idle) {
            frame.regs |= idle.regs & 0x3ff;
            frame.slots |= idle.slots;
            thread.loose.any = true;
        }
        for (n, claim) in cover.claims.clone().zip(graph.claims_in(&cover.claims)) {
            if node.again && is_argument(claim.place, frame) {
                continue;
            }
            let number = self.number(moment, claim.place);
            let was_loose = loose.any && loose.has(base, claim.place);
            if self.holds(moment.machine, claim, number) {
                if was_loose && claim.value.id == 0 && fits(&claim.value, claim.width) {
                    thread.loose.set(base, claim.place, false);
                }
            } else if claim.unmarked || cover.exact && was_loose {
                thread.loose.set(base, claim.place, true);
            } else {
                return Err(Wrong::Value {
                    claim: n,
                    number,
                    covered: true,
                });
            }
        }
        for (n, link) in cover.links.clone().zip(graph.links_in(&cover.links)) {
            let was_loose = |place| thread.loose.has(base, place);
            if link.places.into_iter().any(was_loose) {
                continue;
            }
            let numbers = link.places.map(|place| self.number(moment, place));
            if is_linked(link, numbers) {
                continue;
            }
            if link.apart {
                self.excuse = Some(Known::LinkApart);
            }
            if link.unmarked == [false, false] {
                return Err(Wrong::Link { link: n, numbers });
            }
            for (place, unmarked) in link.places.into_iter().zip(link.unmarked) {
                if unmarked {
                    thread.loose.set(base, place, true);
                }
            }
        }
        thread.loose.settle();
        thread.node = cover.target;
        Ok(())
    }

    fn holds(&self, machine: &Machine, claim: &Claim, number: u64) -> bool {
        number & spread_bits(claim.zeros) == 0
            && match claim.width {
                0 => true,
                8 => self.around.holds(machine, &claim.value, number),
                width => {
                    let low = number & ((1 << (8 * u32::from(width))) - 1);
                    holds_narrow(&claim.value, width, low)
                }
            }
    }

    /// What the run holds in a place.
    fn number(&self, moment: &Moment<'_>, place: Place) -> u64 {
        let depth = self.around.base + usize::from(place.frame);
        match place.register() {
            Ok(reg) if depth == moment.depth => moment.regs[reg],
            Ok(reg) => self.regs[depth % FRAMES][reg],
            Err(slot) => {
                let top = moment.machine.stack_top(depth);
                let at = top.offset((8 * (slot as u32 + 1)).wrapping_neg());
                let bytes = moment.machine.space.bytes(at, 8);
                bytes.try_into().map_or(0, u64::from_le_bytes)
            }
        }
    }
}

impl Watch for Follower<'_> {
    fn before(&mut self, moment: &Moment<'_>) {
        // Deeper, by tail calls out of functions, the walk is lost, also for what comes
        // after it.
        self.too_deep |= moment.depth >= FRAMES;
        if self.missed.is_none() && self.excuse.is_none() && !self.too_deep {
            let before = self.last.map(|(pc, _)| Pc(pc));
            self.step(moment);
            if let Some(missed) = &mut self.missed {
                missed.before = before;
            }
        }
    }
}

/// All bits of the bytes that `bytes` names, bit 0 for the lowest.
fn spread_bits(bytes: u8) -> u64 {
    match bytes {
        0 => 0,
        _ => (0..8)
            .map(|n| ((u64::from(bytes) >> n & 1) * 0xff) << (8 * n))
            .sum(),
    }
}

fn is_tail_call(insn: Insn) -> bool {
    insn == Insn::Call {
        target: CallTarget::Helper(TAIL_CALL as i32),
    }
}

/// Whether a helper may have changed the register since it was last seen.
fn is_argument(place: Place, frame: usize) -> bool {
    usize::from(place.frame) == frame && place.register().is_ok_and(|reg| reg < 6)
}

fn is_written(place: Place, (base, frame): (usize, usize), done: &Done) -> bool {
    let owner = usize::from(place.frame);
    match place.register() {
        Ok(reg) => owner == frame && done.writes & 1 << reg != 0,
        Err(slot) => done
            .stored
            .is_some_and(|(at, slots, _)| at == base + owner && slots & 1 << slot != 0),
    }
}

fn is_linked(link: &Link, numbers: [u64; 2]) -> bool {
    let [one, other] = [0, 1].map(|n| numbers[n].wrapping_sub(i64::from(link.ahead[n]) as u64));
    (one ^ other) & (!0 >> (64 - 8 * u32::from(link.width))) == 0
}

/// What becomes loose by an instruction that was run, and what no longer is;
/// whether it read anything that was.
fn spread(loose: &mut Loose, done: &Done, depth: usize) -> bool {
    let regs = loose.frames[depth].regs;
    let mut reads = regs & done.reads != 0;
    if let Some((frame, slots)) = done.loaded {
        reads |= loose.frames[frame].slots & slots != 0;
    }
    if done.writes != 0 {
        let keep = regs & !done.writes;
        // What a call returns depends on nothing that is loose.
        let spreads = reads && done.writes != CALLED;
        loose.frames[depth].regs = match spreads {
            true => keep | done.writes,
            false => keep,
        };
    }
    if let Some((frame, slots, whole)) = done.stored {
        let own = &mut loose.frames[frame].slots;
        let source = regs & done.reads != 0;
        match (source, whole) {
            (true, _) => *own |= slots,
            (false, true) => *own &= !slots,
            (false, false) => {}
        }
    }
    loose.settle();
    reads
}

/// The frame and slots of a stack that lie at an address, and whether they are
/// touched as a whole.
fn stack_slots(machine: &Machine, at: u64, size: u64) -> Option<(usize, u64, bool)> {
    for frame in 0..FRAMES {
        let top = machine.stack_top(frame).to_reg();
        let below = top.wrapping_sub(at);
        if (1..=512).contains(&below) {
            // Of the slots down from the frame pointer, the first one touched is the
            // one with the lowest address.
            let first = (below - 1) / 8;
            let last = below.saturating_sub(size) / 8;
            let whole = size == 8 && below.is_multiple_of(8);
            let slots = match whole {
                true => 1 << first,
                false => 1 << first | 1 << last.min(63),
            };
            return Some((frame, slots, whole));
        }
    }
    None
}
