//! Calls, and what comes with them.
//!
//! * [`helper`]: helper functions, by the table of `abi`;
//! * [`subprogram`]: functions of the program, static and global, and returns;
//! * [`callback`]: functions that helpers call;
//! * [`kfunc`]: kernel functions; dynptrs and iterators come with them;
//! * [`may_goto`]: the jump that counts.

mod callback;
mod helper;
mod kfunc;
mod may_goto;
mod subprogram;

use isa::{CallTarget, Reg};

use crate::explore::{Flow, Verifier};
use crate::reason::Result;
use crate::state::Value;

impl Verifier<'_> {
    /// A call of whatever it goes to.
    pub(crate) fn call(&mut self, target: CallTarget) -> Result<Flow> {
        match target {
            CallTarget::Helper(id) => self.call_helper(id),
            CallTarget::Local(offset) => self.call_subprogram(offset),
            CallTarget::Kfunc { btf_id, .. } => self.call_kfunc(btf_id),
        }
    }

    /// What every call leaves behind: `r0` to `r5` may not be read.
    pub(crate) fn clobber_arguments(&mut self) {
        for reg in &Reg::ALL[..6] {
            self.touch(*reg);
            *self.state.reg_mut(*reg) = Value::NOT_INIT;
        }
    }
}
