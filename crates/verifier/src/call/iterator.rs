//! Open-coded iterators on the stack: begun, asked for the next element, ended.
//!
//! An iterator takes one or more slots, the first of which, at the highest
//! address, has its state. It holds a reference until it is ended.

use isa::Reg;

use super::stack_object::{self, Misplaced, Spot};
use crate::explore::Verifier;
use crate::reason::{Kfunc, Result};
use crate::state::{Byte, Content, Flags, Iter, IterState, Slot, State, Value};
use crate::step::memory::Direction;

/// An iterator that a call is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    spot: Spot,
    slots: usize,
    pub(super) ref_id: u32,
}

impl Verifier<'_> {
    /// Checks that there is room for an iterator at `reg`, and begins it.
    pub(super) fn begin_iterator(&mut self, reg: Reg, name: &'static str, slots: u32) -> Result {
        let arg = reg.index() - 1;
        let value = *self.state.reg(reg);
        if !stack_object::is_on_stack(&value) {
            return Err(Kfunc::NotIterator(arg).into());
        }
        let in_use = |misplaced| Kfunc::IteratorInUse {
            misplaced,
            name,
            arg,
        };
        let spot = match Spot::of(&value, slots as usize) {
            Ok(spot) => spot,
            Err(Misplaced::Offset(off)) if is_outside(off, slots) => {
                // Linux leaves it to the write to refuse that.
                self.access_argument(reg, 0, 8, Direction::Write)?;
                return Err(in_use(Misplaced::Offset(off).sentence("iter")).into());
            }
            Err(misplaced) => return Err(in_use(misplaced.sentence("iter")).into()),
        };
        let taken = (0..slots as usize).any(|i| {
            let slot = stack_object::slot(&self.state, spot.lower(i));
            slot.is_some_and(|slot| matches!(slot.content, Content::Iter(_)))
        });
        if taken {
            return Err(in_use(String::new()).into());
        }
        for offset in (0..slots * 8).step_by(8) {
            self.access_argument(reg, offset, 8, Direction::Write)?;
        }
        let ref_id = self.acquire_reference();
        for i in 0..slots as usize {
            let iter = Iter {
                name,
                first: i == 0,
                ref_id: if i == 0 { ref_id } else { 0 },
                state: IterState::Active,
                depth: 0,
            };
            self.put_stack_object(spot.lower(i), Byte::Iter, Content::Iter(iter))?;
        }
        Ok(())
    }

    /// Checks that `reg` points to an iterator that was begun.
    pub(super) fn find_iterator(&mut self, reg: Reg, name: &'static str, slots: u32) -> Result<At> {
        let arg = reg.index() - 1;
        let value = *self.state.reg(reg);
        if !stack_object::is_on_stack(&value) {
            return Err(Kfunc::NotIterator(arg).into());
        }
        let not_begun = |misplaced| Kfunc::IteratorNotBegun {
            misplaced,
            name,
            arg,
        };
        let slots = slots as usize;
        let spot =
            Spot::of(&value, slots).map_err(|misplaced| not_begun(misplaced.sentence("iter")))?;
        let mut ref_id = 0;
        for i in 0..slots {
            let slot = stack_object::slot(&self.state, spot.lower(i));
            match slot.map(|slot| slot.content) {
                Some(Content::Iter(iter)) if iter.name == name && iter.first == (i == 0) => {
                    ref_id = ref_id.max(iter.ref_id);
                }
                _ => return Err(not_begun(String::new()).into()),
            }
        }
        let mask = spot.mask(slots);
        self.note_slots_read(spot.frame, mask);
        Ok(At {
            spot,
            slots,
            ref_id,
        })
    }

    /// Ends an iterator: its elements are gone.
    pub(super) fn end_iterator(&mut self, at: At) -> Result {
        self.release_reference(at.ref_id);
        for i in 0..at.slots {
            let spot = at.spot.lower(i);
            *self.stack_slot_mut(spot)? = Slot::default();
            self.touched.slot(spot.slot);
        }
        self.note_slots_written(at.spot.frame, at.spot.mask(at.slots));
        Ok(())
    }

    /// `next` of an iterator gave `element`: the path goes on with none, and a
    /// branch is kept for the next round with one.
    pub(super) fn fork_iterator(&mut self, at: At, element: Value) -> Result {
        *self.state.reg_mut(Reg::R0) = element;
        let active =
            iter_mut(&mut self.state, at).is_some_and(|iter| iter.state == IterState::Active);
        if active {
            let after = self.after(self.pc);
            let mut round = self.push_branch(after)?.clone();
            if let Some(iter) = iter_mut(&mut round, at) {
                iter.depth += 1;
            }
            self.widen_next_round(&mut round);
            let element = round.reg_mut(Reg::R0);
            element.flags = element.flags.without(Flags::OR_NULL);
            *self.last_pushed_mut() = round;
        }
        if let Some(iter) = iter_mut(&mut self.state, at) {
            iter.state = IterState::Drained;
        }
        self.touched.slot(at.spot.slot);
        *self.state.reg_mut(Reg::R0) = Value::constant(0);
        Ok(())
    }
}

fn iter_mut(state: &mut State, at: At) -> Option<&mut Iter> {
    let frame = state.nth_frame_mut(usize::from(at.spot.frame))?;
    match &mut frame.stack.slot_mut(at.spot.slot).content {
        Content::Iter(iter) => Some(iter),
        _ => None,
    }
}

/// Whether a place of whole slots is none of the stack, though Linux's arithmetic
/// finds the object to fit: the frame pointer itself, or below the 512 bytes.
fn is_outside(off: i64, slots: u32) -> bool {
    off % 8 == 0 && (off == 0 && slots == 1 || off < -512)
}
