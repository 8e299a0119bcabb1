//! `may_goto`: the jump that Linux takes when a program has looped too often.

use isa::Pc;

use crate::explore::{Flow, Verifier};
use crate::reason::Result;

impl Verifier<'_> {
    /// Goes on at `target` first; the loop body is kept for later, with what a
    /// round changed forgotten.
    pub(crate) fn may_goto(&mut self, target: Pc) -> Result<Flow> {
        let body = self.after(self.pc);
        let mut round = self.push_branch(body)?.clone();
        round.may_goto_depth += 1;
        self.widen_next_round(&mut round);
        *self.last_pushed_mut() = round;
        Ok(Flow::To(target))
    }
}
