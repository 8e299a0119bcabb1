//! Calls, and what comes with them.
//!
//! * [`dynptr`]: memory with a length and a kind;
//! * [`held`]: what must not be held at the end;
//! * [`helper`]: helper functions, by the table of `abi`;
//! * [`subprogram`]: functions of the program, static and global, and returns;
//! * [`prototype`]: what BTF says that those take;
//! * [`functions`]: what is found out of them as a whole;
//! * [`callback`]: functions that helpers call;
//! * [`kfunc`]: kernel functions;
//! * [`iterator`], [`irq`]: objects of theirs on the stack;
//! * [`may_goto`]: the jump that counts.

mod callback;
mod dynptr;
mod functions;
mod held;
mod helper;
mod irq;
mod iterator;
mod kfunc;
mod may_goto;
mod prototype;
mod stack_object;
mod subprogram;

pub(crate) use functions::Functions;

use isa::{CallTarget, Reg};

use crate::explore::{Flow, Verifier};
use crate::reason::{Reference, Result};
use crate::state::Value;

impl Verifier<'_> {
    /// A call of whatever it goes to.
    pub(crate) fn call(&mut self, target: CallTarget) -> Result<Flow> {
        if self.state.refs.active_locks > 0 && !self.may_be_called_locked(target) {
            return Err(Reference::CallWhileLocked.into());
        }
        match target {
            CallTarget::Helper(id) => self.call_helper(id),
            CallTarget::Local(offset) => self.call_subprogram(offset),
            CallTarget::Kfunc { btf_id, .. } => self.call_kfunc(btf_id),
        }
    }

    /// Whether a call may stand between lock and unlock.
    fn may_be_called_locked(&self, target: CallTarget) -> bool {
        match target {
            CallTarget::Helper(id) => id == UNLOCK,
            CallTarget::Local(_) => true,
            CallTarget::Kfunc { btf_id, .. } => {
                let externs = &self.program.externs;
                let named = usize::try_from(btf_id).ok().and_then(|n| externs.get(n));
                named.is_some_and(|named| kfunc::may_be_called_locked(&named.name))
            }
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

/// `bpf_spin_unlock`.
const UNLOCK: i32 = 94;
