//! Calls of helper functions.

use crate::explore::{Flow, Verifier};
use crate::reason::Result;

impl Verifier<'_> {
    /// `call id`.
    pub(crate) fn call_helper(&mut self, id: i32) -> Result<Flow> {
        Err(self.unsupported(format!("helper {id}")))
    }
}
