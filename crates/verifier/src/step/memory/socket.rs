//! Sockets: the members that the table allows, read only.

use super::Request;
use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::Value;

impl Verifier<'_> {
    pub(super) fn access_socket(&mut self, request: &Request) -> Result<Value> {
        let (reg, found) = (request.reg, request.base.type_name());
        if request.is_write() {
            return Err(Access::ReadOnly { reg, found }.into());
        }
        if request.base.num.smin() < 0 {
            return Err(Access::MinNegative(reg).into());
        }
        Err(self.unsupported("reads of sockets"))
    }
}
