//! Making loops end that Linux trusts to end: what a round of the loop changed
//! becomes any number, unless something depended on it.

use isa::Pc;

use super::cache::CheckpointId;
use super::equal::{IdMap, same_callsites};
use crate::state::{State, Value};

impl super::Verifier<'_> {
    /// The checkpoint of the round before this one: the newest one before `pc`
    /// on the current path, or, with `beside_parent`, the newest before the one
    /// that was kept at `pc` just now.
    fn previous_round(&self, pc: Pc, beside_parent: bool) -> Option<CheckpointId> {
        let parent = self.cache.get(self.state.parent?);
        let depth = parent.depth + u32::from(!beside_parent);
        let list = self.cache.list(pc, self.state.frame().callsite);
        let mut next = self.cache.newest(list);
        while let Some(id) = next {
            let checkpoint = self.cache.get(id);
            if checkpoint.pc == pc
                && checkpoint.branches > 0
                && checkpoint.depth < depth
                && same_callsites(&checkpoint.state, &self.state)
            {
                return Some(id);
            }
            next = checkpoint.older();
        }
        None
    }

    /// Widens `state`, which goes on from the current instruction (`iter_next`
    /// or `may_goto`, where a checkpoint was kept just now) into the next round.
    pub(crate) fn widen_next_round(&mut self, state: &mut State) {
        if let Some(old) = self.previous_round(self.pc, true) {
            self.widen(old, state);
        }
    }

    /// Widens the current state, which goes back to the calling instruction `pc`
    /// after a callback.
    pub(crate) fn widen_callback_return(&mut self, pc: Pc) {
        if let Some(old) = self.previous_round(pc, false) {
            let mut state = std::mem::replace(&mut self.state, State::new(0, pc));
            self.widen(old, &mut state);
            self.state = state;
        }
    }

    fn widen(&mut self, old: CheckpointId, state: &mut State) {
        let checkpoint = self.cache.get(old);
        self.ids.clear();
        for number in (0..state.frames().len()).rev() {
            let Some(old) = checkpoint.state.frames().get(number) else {
                continue;
            };
            let marks = checkpoint.marks.get(number).copied().unwrap_or_default();
            let Some(cur) = state.nth_frame_mut(number) else {
                continue;
            };
            for (n, (old, cur)) in old.regs.iter().zip(&mut cur.regs).enumerate() {
                if marks.regs & 1 << n == 0 {
                    widen_value(old, cur, &mut self.ids);
                }
            }
            let slots = old.stack.slots().iter().zip(cur.stack.slots_mut());
            for (n, (old, cur)) in slots.enumerate() {
                if let (Some(old), Some(cur), 0) =
                    (old.spill(), cur.spill_mut(), marks.slots & 1 << n)
                {
                    widen_value(old, cur, &mut self.ids);
                }
            }
        }
    }
}

/// Makes a number that differs from the one before any number.
fn widen_value(old: &Value, cur: &mut Value, ids: &mut IdMap) {
    if old.is_scalar() && cur.is_scalar() && !ids.same(old, cur) {
        *cur = Value::UNKNOWN;
    }
}
