//! Calls of kernel functions.

use crate::explore::{Flow, Verifier};
use crate::reason::Result;

impl Verifier<'_> {
    /// A call of extern number `index` of the program.
    pub(crate) fn call_kfunc(&mut self, index: i32) -> Result<Flow> {
        Err(self.unsupported(format!("kernel function {index}")))
    }
}
