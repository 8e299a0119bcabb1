//! Precision: which scalars a verdict depended on, found by going back over a
//! path from where one was used.
//!
//! A scalar is compared between states only if something depended on its exact
//! value. When something does, [`Verifier::mark_precise`] goes back over the
//! path, instruction by instruction, with the set of registers and slots that
//! the value came from ([`wanted`]), until the set is empty. What is still in it
//! at a checkpoint is marked there, and going back goes on in the stretch before
//! that checkpoint with what was not marked already.
//!
//! * [`effect`]: what one instruction does to the set;
//! * [`wanted`]: the set;
//! * [`seen`]: what was looked for before;
//! * `history`: how a path is walked backwards.
//!
//! The order of everything is Linux's, as its log shows each step.

mod effect;
mod seen;
#[cfg(test)]
mod tests;
mod wanted;

use isa::{Pc, Reg};

use effect::Effect;
pub(super) use effect::{Traits, effects};
pub(super) use seen::Seen;

use super::cache::FrameMarks;
use super::history::{Backward, History, Trail};
use super::{CheckpointId, Verifier};
use crate::observe::Event;
use crate::reason::{Limit, Result};
use crate::state::{Frame, State};
use effect::{Step, Stuck};
use seen::Point;
use wanted::Wanted;

/// A step of going back over a path, as Linux's log of level 2 shows it.
#[derive(Debug)]
#[non_exhaustive]
pub enum PrecisionStep<'e> {
    /// What a checkpoint depended on is about to be looked for on a path that it
    /// covers.
    Propagate {
        /// The frame.
        frame: usize,
        /// Its registers and slots.
        wanted: FrameMarks,
    },
    /// A stretch of path between two checkpoints is gone back over.
    Stretch {
        /// The frame at its end.
        frame: usize,
        /// Its last instruction; none before the start of a function.
        last: Option<Pc>,
        /// Its first instruction.
        first: Pc,
        /// The instruction that followed it on the path, if any.
        next: Option<Pc>,
    },
    /// An instruction is gone back over.
    Before {
        /// The frame that it ran in.
        frame: usize,
        /// What is wanted after it.
        wanted: FrameMarks,
        /// The instruction.
        pc: Pc,
    },
    /// Something was marked in a checkpoint.
    Parent {
        /// The frame.
        frame: usize,
        /// What is marked now and was not before.
        wanted: FrameMarks,
        /// The checkpoint's state.
        state: &'e State,
        /// What is marked in that frame of it.
        marks: FrameMarks,
    },
    /// It could not be followed where a value came from: everything is marked.
    GiveUp {
        /// The frame at the end of the path.
        frame: usize,
    },
    /// Scalars of a checkpoint are marked as it could not be followed where a
    /// value came from.
    Force {
        /// The frame.
        frame: usize,
        /// What is marked now and was not before.
        marks: FrameMarks,
    },
}

/// The end of a path from which it can be gone back over.
#[derive(Clone, Copy, Debug)]
struct PathEnd {
    /// The instruction that is followed there.
    pc: Pc,
    first_pc: Pc,
    parent: Option<CheckpointId>,
    history: History,
    frame: usize,
}

impl PathEnd {
    /// Of the path that led to `state`, before the instruction at `pc`.
    fn of(state: &State, pc: Pc) -> PathEnd {
        PathEnd {
            pc,
            first_pc: state.first_pc,
            parent: state.parent,
            history: state.history,
            frame: state.current(),
        }
    }
}

impl Verifier<'_> {
    /// The exact value of `reg` (a scalar in the current frame) mattered just
    /// now: marks what it was computed from, back through all checkpoints.
    /// Nothing happens when it is no scalar.
    pub(crate) fn mark_precise(&mut self, reg: Reg) -> Result {
        if !self.state.reg(reg).is_scalar() {
            return Ok(());
        }
        let path = PathEnd::of(&self.state, self.pc);
        let mut wanted = Wanted::new(path.frame);
        wanted.add(reg.index() as u8);
        self.go_back(path, wanted)?;
        Ok(())
    }

    /// As [`Self::mark_precise`] for the scalar spilled in slot `slot` of frame
    /// `frame`.
    pub(crate) fn mark_slot_precise(&mut self, frame: u8, slot: u8) -> Result {
        let path = PathEnd::of(&self.state, self.pc);
        let mut wanted = Wanted::new(path.frame);
        wanted.add_slot(frame.into(), slot);
        self.go_back(path, wanted)?;
        Ok(())
    }

    /// [`Self::propagate_precision`] for the current path.
    ///
    /// At a jump-history point the history must have its entry before
    /// ([`Self::note_jump`]).
    pub(crate) fn propagate_precision_here(&mut self, from: CheckpointId) -> Result<bool> {
        self.propagate_on(from, PathEnd::of(&self.state, self.pc))
    }

    /// What `from` depended on, the path to `state` depends on as well, since it
    /// ends before the instruction at `pc` as `from` covers it. Tells whether
    /// that marked anything.
    pub(crate) fn propagate_precision(
        &mut self,
        from: CheckpointId,
        state: &State,
        pc: Pc,
    ) -> Result<bool> {
        self.propagate_on(from, PathEnd::of(state, pc))
    }

    /// Marks all scalars of all checkpoints on the path to `state`, before the
    /// instruction at `pc`.
    pub(crate) fn mark_all_precise(&mut self, state: &State, pc: Pc) {
        self.force_precision(PathEnd::of(state, pc));
    }

    fn propagate_on(&mut self, from: CheckpointId, path: PathEnd) -> Result<bool> {
        let checkpoint = self.cache.get(from);
        let mut wanted = Wanted::new(path.frame);
        for (number, frame) in checkpoint.state.frames().iter().enumerate() {
            let marks = checkpoint.marks.get(number).copied().unwrap_or_default();
            *wanted.of_mut(number) = scalars(frame, marks);
        }
        for number in (0..=path.frame).rev() {
            let of_frame = wanted.of(number);
            if of_frame != FrameMarks::default() {
                self.observe_precision(|_| PrecisionStep::Propagate {
                    frame: number,
                    wanted: of_frame,
                });
            }
        }
        self.go_back(path, wanted)
    }

    fn force_precision(&mut self, path: PathEnd) {
        self.seen.clear();
        self.observe_precision(|_| PrecisionStep::GiveUp { frame: path.frame });
        let mut next = path.parent;
        while let Some(id) = next {
            next = self.cache.get(id).state.parent;
            for number in 0..self.cache.get(id).state.frames().len() {
                self.force_frame(id, number);
            }
        }
    }

    fn force_frame(&mut self, id: CheckpointId, number: usize) {
        let checkpoint = self.cache.get_mut(id);
        let (Some(frame), Some(marks)) = (
            checkpoint.state.frames().get(number),
            checkpoint.marks.get_mut(number),
        ) else {
            return;
        };
        let all = scalars(frame, ALL);
        let marked = without(all, *marks);
        marks.regs |= all.regs;
        marks.slots |= all.slots;
        if marked != FrameMarks::default() {
            self.observe_precision(|_| PrecisionStep::Force {
                frame: number,
                marks: marked,
            });
        }
    }

    /// Goes back from the end of a path, the instruction there left out. Tells
    /// whether that marked anything.
    fn go_back(&mut self, path: PathEnd, mut wanted: Wanted) -> Result<bool> {
        let mut changed = false;
        if wanted.is_empty() {
            return Ok(changed);
        }
        if self.effects.is_empty() {
            self.effects = effects(self.structure);
        }
        let mut stretch = Stretch::last_of(&self.trail, path);
        loop {
            self.observe_precision(|_| stretch.event(&wanted));
            if stretch.at.pc == super::NOWHERE {
                // The arguments of a global function: whatever they are.
                return Ok(changed);
            }
            match self.go_back_over(&mut stretch, &mut wanted) {
                Ok(()) => {}
                Err(Stuck::Unknown) => {
                    self.force_precision(path);
                    return Ok(changed);
                }
                Err(Stuck::Arguments(wanted)) => {
                    return Err(Limit::ArgumentsBeforeCall(wanted).into());
                }
                Err(Stuck::Impossible) => {
                    return Err(self.unsupported("precision of a value that no path explains"));
                }
            }
            if wanted.is_empty() {
                return Ok(changed);
            }
            let Some(parent) = stretch.parent else {
                self.force_precision(path);
                return Ok(changed);
            };
            changed |= self.mark_checkpoint(parent, &mut wanted)?;
            if wanted.is_empty() {
                return Ok(changed);
            }
            stretch = stretch.before(&self.trail, &self.cache.get(parent).state);
        }
    }

    /// Goes back over one stretch, until nothing is wanted or it ends.
    fn go_back_over(
        &mut self,
        stretch: &mut Stretch,
        wanted: &mut Wanted,
    ) -> std::result::Result<(), Stuck> {
        let watched = self.wants_details();
        if stretch.ends_path {
            if !watched && self.begin_back(stretch, wanted) {
                return Ok(());
            }
            if !stretch.step(&self.trail) {
                return Ok(());
            }
        }
        // A copy, which stays in registers.
        let mut at = *stretch;
        let mut sorts = wanted.sorts();
        loop {
            let pc = at.at.pc;
            let traits = *self.effects.get(pc.index()).ok_or(Stuck::Impossible)?;
            let linked = at.at.is_linked();
            if watched && traits.effect != Effect::Tail {
                self.observe_precision(|_| PrecisionStep::Before {
                    frame: wanted.frame(),
                    wanted: wanted.current(),
                    pc,
                });
            }
            if linked || traits.concerns(sorts) {
                self.undo(traits.effect, &at, wanted)?;
                sorts = wanted.sorts();
                if sorts == 0 && wanted.is_empty() {
                    break;
                }
            }
            if traits.begun() && !watched && self.seen.pass(self.point(&at), wanted) {
                wanted.clear();
                break;
            }
            if !at.step(&self.trail) {
                break;
            }
        }
        *stretch = at;
        Ok(())
    }

    /// Takes what is wanted from after the instruction to before it.
    fn undo(
        &self,
        effect: Effect,
        at: &Stretch,
        wanted: &mut Wanted,
    ) -> std::result::Result<(), Stuck> {
        let details = at.at.details(&self.trail);
        let step = Step {
            pc: at.at.pc,
            next: at.next,
            effects: &self.effects,
            structure: self.structure,
        };
        if details.linked.is_empty() {
            return effect.undo(wanted, details, step);
        }
        wanted.spread(details.linked);
        effect.undo(wanted, details, step)?;
        wanted.spread(details.linked);
        Ok(())
    }

    /// Going back begins at the end of a path; whether it need not, as all that
    /// is wanted was looked for from there before. Nothing is wanted then.
    fn begin_back(&mut self, stretch: &Stretch, wanted: &mut Wanted) -> bool {
        if let Some(traits) = self.effects.get_mut(stretch.at.pc.index()) {
            traits.begin();
        }
        let known = self.seen.insert(self.point(stretch), wanted);
        if known {
            wanted.clear();
        }
        known
    }

    /// Where going back stands.
    fn point(&self, stretch: &Stretch) -> Point {
        const ENTRY: u64 = 1 << 40;
        let entry = match (stretch.at.left(), stretch.parent) {
            (Some(entry), _) => ENTRY | u64::from(entry.get()),
            (None, Some(parent)) => self.cache.get(parent).serial,
            (None, None) => 0,
        };
        Point {
            entry,
            pc: stretch.at.pc,
        }
    }

    /// Marks what is wanted in a checkpoint and leaves in `wanted` what was not
    /// marked before. Tells whether there was any.
    fn mark_checkpoint(&mut self, id: CheckpointId, wanted: &mut Wanted) -> Result<bool> {
        let mut changed = false;
        for number in (0..=wanted.frame()).rev() {
            let checkpoint = self.cache.get_mut(id);
            let of_frame = wanted.of_mut(number);
            match (
                checkpoint.state.frames().get(number),
                checkpoint.marks.get_mut(number),
            ) {
                (Some(frame), Some(marks)) => {
                    let reach = frame.stack.slots().len() as u32;
                    if of_frame.slots.checked_shr(reach).unwrap_or(0) != 0 {
                        // Linux takes that for a mistake of its own, and refuses.
                        return Err(self.unsupported("precision of stack that was not there yet"));
                    }
                    *of_frame = without(scalars(frame, *of_frame), *marks);
                    marks.regs |= of_frame.regs;
                    marks.slots |= of_frame.slots;
                }
                _ => *of_frame = FrameMarks::default(),
            }
            let wanted = *of_frame;
            changed |= wanted != FrameMarks::default();
            self.observe_precision(|cache| {
                let checkpoint = cache.get(id);
                PrecisionStep::Parent {
                    frame: number,
                    wanted,
                    state: &checkpoint.state,
                    marks: checkpoint.marks.get(number).copied().unwrap_or_default(),
                }
            });
        }
        Ok(changed)
    }

    fn observe_precision<F>(&mut self, step: F)
    where
        F: for<'v> FnOnce(&'v super::cache::Cache) -> PrecisionStep<'v>,
    {
        self.observe_detail(|v| Event::Precision(step(v.cache)));
    }
}

/// All registers that may hold a number, and all slots.
const ALL: FrameMarks = FrameMarks {
    regs: 0x3ff,
    slots: !0,
};

/// Those of `marks` that are scalars in `frame`.
fn scalars(frame: &Frame, marks: FrameMarks) -> FrameMarks {
    let mut found = FrameMarks::default();
    for (number, value) in frame.regs.iter().enumerate() {
        let scalar = marks.regs >> number & 1 != 0 && value.is_scalar();
        found.regs |= u16::from(scalar) << number;
    }
    let mut left = marks.slots;
    while left != 0 {
        let slot = left.trailing_zeros() as usize;
        left &= left - 1;
        let spill = frame.stack.slot(slot).and_then(|slot| slot.spill());
        if spill.is_some_and(|value| value.is_scalar()) {
            found.slots |= 1 << slot;
        }
    }
    found
}

fn without(marks: FrameMarks, others: FrameMarks) -> FrameMarks {
    FrameMarks {
        regs: marks.regs & !others.regs,
        slots: marks.slots & !others.slots,
    }
}

/// A stretch of path from one checkpoint to the next, and where on it going back
/// stands.
#[derive(Clone, Copy)]
struct Stretch {
    at: Backward,
    first_pc: Pc,
    parent: Option<CheckpointId>,
    /// The instruction that followed on the path.
    next: Option<Pc>,
    /// Whether the path ends here; its last instruction was not followed yet.
    ends_path: bool,
}

impl Stretch {
    fn last_of(trail: &Trail, path: PathEnd) -> Stretch {
        Stretch {
            at: Backward::new(trail, path.pc, path.first_pc, path.history),
            first_pc: path.first_pc,
            parent: path.parent,
            next: None,
            ends_path: true,
        }
    }

    /// The stretch that leads to the checkpoint with `state`, after which this
    /// one begins.
    fn before(self, trail: &Trail, state: &State) -> Stretch {
        Stretch {
            at: Backward::new(trail, state.last_pc, state.first_pc, state.history),
            first_pc: state.first_pc,
            parent: state.parent,
            next: Some(self.first_pc),
            ends_path: false,
        }
    }

    /// To the instruction before; `false` at the first one.
    fn step(&mut self, trail: &Trail) -> bool {
        self.next = Some(self.at.pc);
        self.at.step(trail)
    }

    fn event<'e>(&self, wanted: &Wanted) -> PrecisionStep<'e> {
        PrecisionStep::Stretch {
            frame: wanted.frame(),
            last: Some(self.at.pc).filter(|pc| *pc != super::NOWHERE),
            first: self.first_pc,
            next: self.next,
        }
    }
}
