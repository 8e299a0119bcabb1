//! Functions that helpers call: `bpf_loop`, `bpf_for_each_map_elem`, timers.

use super::helper::Call;
use crate::explore::{Flow, Verifier};
use crate::reason::Result;

impl Verifier<'_> {
    /// A call of a helper that will call function `call.callback` of the program.
    /// All arguments are checked; what a call leaves behind is still to be done
    /// ([`Verifier::finish_helper`]).
    pub(super) fn call_with_callback(&mut self, call: &Call) -> Result<Flow> {
        Err(self.unsupported(call.helper.name))
    }
}
