//! Recording what a verifier says of a program.

use isa::{Insn, Operand, Pc, Reg};
use verifier::state::{Byte, Content, Flags, Frame, Kind, Slot, State, Value};
use verifier::{CheckpointId, Context, Event, FrameMarks, Observer};

use super::graph::{Claim, Cover, Graph, Link, NONE, Node, Place, Places};

const FRAMES: usize = abi::limits::MAX_CALL_FRAMES;
/// Nodes of a program at most.
const LARGEST: usize = 1 << 18;

/// Makes a [`Graph`] of what a verifier says.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) graph: Graph,
    /// The last node of the path.
    last: u32,
    /// The branches to come.
    branches: Vec<Branch>,
    /// What was known before them, frame by frame; those behind `kept` are memory
    /// only.
    saved: Vec<Mirror>,
    kept: usize,
    /// The node at which each checkpoint was kept.
    checkpoints: Vec<u32>,
    /// The newest checkpoint of the path.
    parent: Option<CheckpointId>,
    /// What was known last, in the first `depth` of these frames.
    mirror: Vec<Mirror>,
    depth: usize,
    /// Everything has to be said at the next node.
    whole: bool,
    /// The next node is not reached by going straight on.
    moved: bool,
    /// The next node is a calling instruction once more.
    again: bool,
    /// A branch to come was just taken up.
    popped: bool,
}

/// A branch to come.
#[derive(Clone, Copy, Debug)]
struct Branch {
    /// The node that it follows.
    node: u32,
    /// Frames there.
    depth: usize,
}

/// A frame as it was known last.
#[derive(Debug)]
struct Mirror {
    regs: [Value; 11],
    slots: Vec<Slot>,
}

/// What an instruction may change of what is known, ids aside.
#[derive(Clone, Copy, Debug)]
enum Effect {
    /// A register.
    Reg(Reg),
    /// Memory, and perhaps registers.
    Memory { base: Reg, offset: i16, regs: u16 },
    /// Anything. The registers are written in any case.
    Anything { regs: u16, memory: bool },
}

impl Recorder {
    /// Forgets everything but its memory.
    pub(super) fn clear(&mut self) {
        self.graph.clear();
        self.last = NONE;
        self.branches.clear();
        self.kept = 0;
        self.checkpoints.clear();
        self.parent = None;
        self.depth = 0;
        self.whole = true;
        self.moved = false;
        self.again = false;
        self.popped = false;
    }

    fn begin(&mut self, context: &Context<'_>) {
        let structure = context.structure;
        self.graph.code.extend_from_slice(structure.code.insns());
        let functions = structure.subprograms.iter();
        self.graph
            .functions
            .extend(functions.map(|function| (function.start, function.global)));
        self.graph.roots.resize(structure.subprograms.len(), NONE);
    }

    fn follow(&mut self, subprogram: u32) {
        self.last = NONE;
        self.depth = 0;
        self.whole = true;
        self.parent = None;
        self.branches.clear();
        self.kept = 0;
        self.checkpoints.clear();
        self.last = self.add(Pc(u32::MAX), 0);
        if let Some(root) = self.graph.roots.get_mut(subprogram as usize) {
            *root = self.last;
        }
    }

    /// A node that follows the last one, without claims.
    fn add(&mut self, pc: Pc, depth: usize) -> u32 {
        let number = self.graph.nodes.len() as u32;
        let sibling = match self.graph.nodes.get_mut(self.last as usize) {
            Some(last) => std::mem::replace(&mut last.child, number),
            None => NONE,
        };
        let (claims, links) = (self.graph.claims.len(), self.graph.links.len());
        self.graph.nodes.push(Node {
            pc: pc.0,
            depth: depth as u8,
            again: std::mem::take(&mut self.again),
            fork: false,
            forked: false,
            signed_fill: None,
            sibling,
            child: NONE,
            cover: NONE,
            claims: claims as u32..claims as u32,
            links: links as u32..links as u32,
        });
        number
    }

    /// A node that follows the last one, with its claims.
    fn add_state(&mut self, pc: Pc, state: &State) -> u32 {
        let depth = state.frames().len();
        let before = self.graph.nodes.get(self.last as usize).map(|node| node.pc);
        let number = self.add(pc, depth);
        let effect = effect(self.graph.insn(before.unwrap_or(u32::MAX)));
        if self.whole {
            self.say_frames(state, 0);
        } else if self.moved || depth != self.depth {
            self.say_moved(state, effect);
        } else {
            self.say_changes(state, effect);
        }
        self.whole = false;
        self.moved = false;
        self.depth = depth;
        let (claims, links) = (self.graph.claims.len(), self.graph.links.len());
        let insn = self.graph.insn(pc.0);
        let node = &mut self.graph.nodes[number as usize];
        // Linux follows some operations twice, for either sign of a number.
        node.signed_fill = match self.graph.code.get(before.unwrap_or(u32::MAX) as usize) {
            Some(Insn::Load {
                dst, signed: true, ..
            }) if state.reg(*dst).id != 0 => Some(*dst),
            _ => None,
        };
        let fork = before == Some(pc.0) && matches!(insn, Insn::Alu { .. });
        node.fork = fork;
        node.claims.end = claims as u32;
        node.links.end = links as u32;
        if fork && let Some(last) = self.graph.nodes.get_mut(self.last as usize) {
            last.forked = true;
        }
        self.last = number;
        number
    }

    fn before(&mut self, pc: Pc, state: &State) {
        if self.graph.nodes.len() >= LARGEST {
            self.graph.is_full = true;
            return;
        }
        let node = self.add_state(pc, state);
        if state.parent != self.parent
            && let Some(id) = state.parent
        {
            // It was kept here.
            let index = id.index();
            if self.checkpoints.len() <= index {
                self.checkpoints.resize(index + 1, NONE);
            }
            self.checkpoints[index] = node;
            self.parent = state.parent;
        }
    }

    fn covered(
        &mut self,
        context: &Context<'_>,
        pc: Pc,
        state: &State,
        by: &State,
        checkpoint: CheckpointId,
        marks: Option<&[FrameMarks]>,
    ) {
        if self.graph.is_full {
            return;
        }
        let node = self.add_state(pc, state);
        let target = self.checkpoints.get(checkpoint.index());
        let target = target.copied().unwrap_or(NONE);
        let (claims, links) = (
            self.graph.claims.len() as u32,
            self.graph.links.len() as u32,
        );
        let idle = self.graph.idle.len() as u32;
        for (number, frame) in by.frames().iter().enumerate() {
            let inner = by.frames().get(number + 1);
            let at = inner.map_or(pc, |inner| inner.callsite.unwrap_or_default());
            let live = context.structure.insn(at).live_before & 0x3ff;
            let marked = match marks {
                Some(marks) => marks.get(number).copied().unwrap_or_default(),
                None => FrameMarks {
                    regs: !0,
                    slots: !0,
                },
            };
            self.say_cover(number, frame, live, marked, claims as usize);
        }
        let graph = &mut self.graph;
        graph.nodes[node as usize].cover = graph.covers.len() as u32;
        graph.covers.push(Cover {
            target,
            claims: claims..graph.claims.len() as u32,
            links: links..graph.links.len() as u32,
            idle: idle..graph.idle.len() as u32,
            exact: marks.is_none(),
        });
    }

    /// What a checkpoint's frame says of the registers in `live` and of its slots.
    /// The claims of the checkpoint begin at `first`.
    fn say_cover(
        &mut self,
        number: usize,
        frame: &Frame,
        live: u16,
        marked: FrameMarks,
        first: usize,
    ) {
        let mut idle = Places {
            regs: !live,
            slots: !0,
        };
        let begin = self.graph.claims.len();
        for (n, value) in frame.regs[..10].iter().enumerate() {
            if live & 1 << n == 0 {
                continue;
            }
            if value.kind == Kind::NotInit {
                idle.regs |= 1 << n;
                continue;
            }
            self.graph.claims.push(Claim {
                unmarked: value.is_scalar() && marked.regs & 1 << n == 0,
                ..whole(Place::reg(number, n), value)
            });
        }
        for (n, slot) in frame.stack.slots().iter().enumerate() {
            let Some(claim) = slot_claim(Place::slot(number, n), slot) else {
                continue;
            };
            idle.slots &= !(1 << n);
            let scalar = claim.width == 0 || claim.value.is_scalar();
            self.graph.claims.push(Claim {
                unmarked: scalar && marked.slots & 1 << n == 0,
                ..claim
            });
        }
        self.graph.idle.push(idle);
        // Each with all that it is linked with: what holds nothing of the checkpoint's
        // does not hide how those around it are linked.
        for at in begin..self.graph.claims.len() {
            let one = self.graph.claims[at];
            if one.value.id == 0 {
                continue;
            }
            let others = self.graph.claims[first..at].iter();
            let linked = others.filter(|other| are_linked(&one, other));
            self.graph
                .links
                .extend(linked.map(|other| link(&one, other)));
        }
    }

    /// Everything that is known of frames from `first` on.
    fn say_frames(&mut self, state: &State, first: usize) {
        for (number, frame) in state.frames().iter().enumerate().skip(first) {
            for (n, value) in frame.regs.iter().enumerate() {
                self.say(whole(Place::reg(number, n), value));
            }
            for (n, slot) in frame.stack.slots().iter().enumerate() {
                if let Some(claim) = slot_claim(Place::slot(number, n), slot) {
                    self.say(claim);
                }
            }
            match self.mirror.get_mut(number) {
                Some(mirror) => mirror.copy(frame.regs, frame.stack.slots()),
                None => self.mirror.push(Mirror {
                    regs: frame.regs,
                    slots: frame.stack.slots().to_vec(),
                }),
            }
        }
    }

    /// What is known differently on the other side of a branch, or in or behind a
    /// function.
    fn say_moved(&mut self, state: &State, effect: Effect) {
        let written = match effect {
            Effect::Reg(reg) => 1 << reg.index(),
            Effect::Memory { regs, .. } | Effect::Anything { regs, .. } => regs,
        };
        for number in 0..self.depth.min(state.frames().len()) {
            let is_current = number == state.current();
            self.say_regs(state, number, if is_current { written } else { 0 });
            self.say_slots(state, number, 0);
        }
        self.say_frames(state, self.depth);
    }

    fn say_changes(&mut self, state: &State, effect: Effect) {
        let current = state.current();
        match effect {
            Effect::Reg(reg) => self.say_reg(state, reg.index()),
            Effect::Memory { base, offset, regs } => {
                self.say_regs(state, current, regs);
                let base = self.mirror[current].regs[base.index()];
                if let Kind::Stack { frame } = base.kind {
                    let at = base.num.as_const().map(|variable| {
                        (variable as i64).wrapping_add(i64::from(base.off) + i64::from(offset))
                    });
                    self.say_slots(state, frame.into(), written(at));
                }
            }
            Effect::Anything { regs, memory } => {
                let given = match memory {
                    true => self.given(current),
                    false => [0; FRAMES],
                };
                self.say_regs(state, current, regs);
                for number in 0..state.frames().len() {
                    if number != current {
                        self.say_regs(state, number, 0);
                    }
                    let slots = given.get(number).copied().unwrap_or(0);
                    self.say_slots(state, number, slots);
                }
            }
        }
    }

    /// By frame, the slots that a call may write which gets the arguments of frame
    /// `current`: from where they point upwards.
    fn given(&self, current: usize) -> [u64; FRAMES] {
        let mut given = [0; FRAMES];
        for value in &self.mirror[current].regs[1..=5] {
            let Kind::Stack { frame } = value.kind else {
                continue;
            };
            let at = value.num.as_const();
            let at = at.map(|variable| (variable as i64).wrapping_add(i64::from(value.off)));
            if let Some(slots) = given.get_mut(usize::from(frame)) {
                *slots |= match at {
                    Some(at @ -512..0) => !0 >> (63 - (-at - 1) / 8),
                    _ => !0,
                };
            }
        }
        given
    }

    /// A branch is put off.
    fn push(&mut self) {
        self.branches.push(Branch {
            node: self.last,
            depth: self.depth,
        });
        for mirror in self.mirror.iter().take(self.depth) {
            match self.saved.get_mut(self.kept) {
                Some(saved) => saved.copy(mirror.regs, &mirror.slots),
                None => self.saved.push(Mirror {
                    regs: mirror.regs,
                    slots: mirror.slots.clone(),
                }),
            }
            self.kept += 1;
        }
    }

    /// The last branch that was put off is taken up.
    fn pop(&mut self) {
        self.moved = true;
        self.popped = true;
        self.again = false;
        let Some(branch) = self.branches.pop() else {
            self.last = NONE;
            self.whole = true;
            return;
        };
        self.last = branch.node;
        self.depth = branch.depth;
        self.kept -= branch.depth;
        let saved = self.saved[self.kept..].iter_mut();
        for (mirror, saved) in self.mirror.iter_mut().zip(saved.take(branch.depth)) {
            std::mem::swap(mirror, saved);
        }
    }

    /// A register of the current frame that was written.
    fn say_reg(&mut self, state: &State, n: usize) {
        let current = state.current();
        let regs = &state.frame().regs;
        let claim = whole(Place::reg(current, n), &regs[n]);
        self.say(claim);
        self.mirror[current].regs[n] = regs[n];
        if claim.value.id == 0 {
            return;
        }
        let others = regs.iter().enumerate().filter(|(other, _)| *other != n);
        let others = others.map(|(other, value)| whole(Place::reg(current, other), value));
        let mut linked = others.filter(|other| are_linked(&claim, other));
        if let Some(other) = linked.next() {
            self.graph.links.push(link(&claim, &other));
        }
    }

    /// Registers of a frame that changed, and those in `written`.
    fn say_regs(&mut self, state: &State, number: usize, written: u16) {
        let (Some(frame), Some(mirror)) = (state.frames().get(number), self.mirror.get_mut(number))
        else {
            return;
        };
        for n in 0..frame.regs.len() {
            let value = frame.regs[n];
            let changed = mirror.regs[n] != value;
            if changed {
                mirror.regs[n] = value;
            }
            if changed || written & 1 << n != 0 {
                let claim = whole(Place::reg(number, n), &value);
                if claim.says_something() {
                    self.graph.claims.push(claim);
                }
            }
        }
    }

    /// Slots of a frame that changed, and those in `written`.
    fn say_slots(&mut self, state: &State, number: usize, written: u64) {
        let (Some(frame), Some(mirror)) = (state.frames().get(number), self.mirror.get_mut(number))
        else {
            return;
        };
        let slots = frame.stack.slots();
        mirror.slots.resize(slots.len(), Slot::EMPTY);
        for (n, slot) in slots.iter().enumerate() {
            let changed = mirror.slots[n] != *slot;
            if changed {
                mirror.slots[n] = *slot;
            }
            if !changed && written & 1 << n == 0 {
                continue;
            }
            let claim = slot_claim(Place::slot(number, n), slot);
            let Some(claim) = claim.filter(Claim::says_something) else {
                continue;
            };
            self.graph.claims.push(claim);
            if claim.value.id != 0 {
                let regs = frame.regs.iter().enumerate();
                let regs = regs.map(|(n, value)| whole(Place::reg(number, n), value));
                let mut linked = regs.filter(|other| are_linked(&claim, other));
                if let Some(other) = linked.next() {
                    self.graph.links.push(link(&claim, &other));
                }
            }
        }
    }

    fn say(&mut self, claim: Claim) {
        if claim.says_something() {
            self.graph.claims.push(claim);
        }
    }
}

impl Observer for Recorder {
    fn observe(&mut self, context: &Context<'_>, event: Event<'_>) {
        match event {
            Event::Structure => self.begin(context),
            Event::Function { subprogram } => self.follow(subprogram),
            Event::Before { pc, state, .. } => self.before(pc, state),
            Event::Push { .. } => self.push(),
            Event::Pop => self.pop(),
            Event::Path { state, .. } if self.popped => {
                self.popped = false;
                self.parent = state.parent;
            }
            Event::Return { callee, .. } => {
                let callback = callee.frame().callback;
                self.again = callback.is_some_and(|callback| !callback.is_async);
            }
            Event::Covered {
                to,
                state,
                by,
                checkpoint,
                marks,
                ..
            } => self.covered(context, to, state, by, checkpoint, marks),
            _ => {}
        }
    }

    fn wants_details(&self) -> bool {
        false
    }
}

impl Mirror {
    fn copy(&mut self, regs: [Value; 11], slots: &[Slot]) {
        self.regs = regs;
        self.slots.clear();
        self.slots.extend_from_slice(slots);
    }
}

impl Claim {
    fn says_something(&self) -> bool {
        let of_value = match self.value.kind {
            _ if self.width == 0 => false,
            Kind::NotInit => false,
            Kind::Scalar => !self.value.num.is_unknown(),
            _ => true,
        };
        of_value || self.zeros != 0
    }
}

fn whole(place: Place, value: &Value) -> Claim {
    Claim {
        place,
        width: 8,
        zeros: 0,
        unmarked: false,
        value: *value,
    }
}

/// What is known of a slot; none when nothing was ever written there, or what was
/// is no number and no pointer.
fn slot_claim(place: Place, slot: &Slot) -> Option<Claim> {
    if slot.is_all(Byte::Invalid) {
        return None;
    }
    let mut claim = whole(place, &Value::NOT_INIT);
    claim.width = 0;
    if let Content::Spill(value) = &slot.content {
        let spilled = slot.bytes.iter().rev();
        let spilled = spilled.take_while(|byte| **byte == Byte::Spill).count();
        if matches!(spilled, 1 | 2 | 4 | 8) {
            claim.width = spilled as u8;
            claim.value = *value;
        }
    }
    for (n, byte) in slot.bytes.iter().rev().enumerate() {
        claim.zeros |= u8::from(*byte == Byte::Zero) << n;
    }
    Some(claim)
}

fn are_linked(one: &Claim, other: &Claim) -> bool {
    let linkable = |claim: &Claim| claim.width != 0 && claim.value.is_scalar();
    linkable(one) && linkable(other) && one.value.id != 0 && one.value.id == other.value.id
}

fn link(one: &Claim, other: &Claim) -> Link {
    let ahead = |value: &Value| match value.flags.contains(Flags::ADD_CONST) {
        true => value.off,
        false => 0,
    };
    let width = |claim: &Claim| match claim.value.flags.contains(Flags::ADD_CONST32) {
        true => claim.width.min(4),
        false => claim.width,
    };
    Link {
        places: [one.place, other.place],
        ahead: [ahead(&one.value), ahead(&other.value)],
        width: width(one).min(width(other)),
        apart: one.value.flags.contains(Flags::ADD_CONST)
            != other.value.flags.contains(Flags::ADD_CONST),
        unmarked: [one.unmarked, other.unmarked],
    }
}

/// The slots that a store of up to eight bytes touches, `at` bytes from the frame
/// pointer; all of them when that is not known.
fn written(at: Option<i64>) -> u64 {
    let slot = |at: i64| match (-512..0).contains(&at) {
        true => 1u64 << ((-at - 1) / 8),
        false => 0,
    };
    at.map_or(!0, |at| slot(at) | slot(at.saturating_add(7)))
}

fn effect(insn: Insn) -> Effect {
    const CALLED: u16 = 0x3f;
    match insn {
        Insn::Alu { dst, .. }
        | Insn::Neg { dst, .. }
        | Insn::Movsx { dst, .. }
        | Insn::Endian { dst, .. }
        | Insn::LoadImm { dst, .. }
        | Insn::Load { dst, .. }
        | Insn::LoadAcquire { dst, .. } => Effect::Reg(dst),
        Insn::Store {
            base, offset, src, ..
        } => Effect::Memory {
            base,
            offset,
            regs: match src {
                Operand::Reg(src) => 1 << src.index(),
                Operand::Imm(_) => 0,
            },
        },
        Insn::StoreRelease {
            base, offset, src, ..
        }
        | Insn::Atomic {
            base, offset, src, ..
        } => Effect::Memory {
            base,
            offset,
            regs: 1 | 1 << src.index(),
        },
        Insn::Branch { .. } | Insn::Jump { .. } | Insn::MayGoto { .. } => Effect::Anything {
            regs: 0,
            memory: false,
        },
        _ => Effect::Anything {
            regs: CALLED,
            memory: true,
        },
    }
}
