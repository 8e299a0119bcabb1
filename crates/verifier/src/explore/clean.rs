//! Dropping from finished checkpoints what no path from them read.
//!
//! A checkpoint from which all paths are done has its live stack slots known for
//! good. What is not live may be anything in the states that it is compared
//! with.

use super::cache::CheckpointId;
use super::equal::{frame_pcs, same_callsites};
use crate::state::{Slot, Value};

impl super::Verifier<'_> {
    /// Cleans the checkpoints in `list` that the current state may end at.
    pub(super) fn clean_list(&mut self, list: usize) {
        if !self.cache.may_need_cleaning(list) {
            return;
        }
        let mut next = self.cache.newest(list);
        while let Some(id) = next {
            let checkpoint = self.cache.get(id);
            next = checkpoint.older();
            if !checkpoint.cleaned
                && checkpoint.branches == 0
                && checkpoint.pc == self.pc
                && !self.loops.is_open(checkpoint.visit)
                && same_callsites(&checkpoint.state, &self.state)
            {
                self.clean(id);
            }
        }
    }

    fn clean(&mut self, id: CheckpointId) {
        let checkpoint = self.cache.get(id);
        let pcs: Vec<_> = frame_pcs(&checkpoint.state, checkpoint.pc).collect();
        let live: Vec<(u16, u64)> = pcs
            .iter()
            .enumerate()
            .map(|(number, pc)| {
                let regs = self.structure.insn(*pc).live_before;
                (
                    regs,
                    self.live_slots(&checkpoint.state, checkpoint.pc, number),
                )
            })
            .collect();
        self.cache.note_cleaned(id);
        let checkpoint = self.cache.get_mut(id);
        for (number, (regs, slots)) in live.into_iter().enumerate() {
            if let Some(marks) = checkpoint.marks.get_mut(number) {
                marks.regs &= regs;
                marks.slots &= slots;
            }
            let Some(frame) = checkpoint.state.nth_frame_mut(number) else {
                continue;
            };
            for (n, value) in frame.regs[..10].iter_mut().enumerate() {
                if regs & 1 << n == 0 {
                    *value = Value::NOT_INIT;
                }
            }
            for (n, slot) in frame.stack.slots_mut().iter_mut().enumerate() {
                if slots & 1 << n == 0 {
                    *slot = Slot::default();
                }
            }
        }
    }
}
