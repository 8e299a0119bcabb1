//! `may_goto`: the jump that Linux takes when a program has looped too often.

use isa::Pc;

use crate::explore::{Flow, Verifier};
use crate::reason::Result;

impl Verifier<'_> {
    /// Goes on at `target` first; the loop body is kept for later.
    pub(crate) fn may_goto(&mut self, target: Pc) -> Result<Flow> {
        let _ = target;
        Err(self.unsupported("may_goto"))
    }
}
