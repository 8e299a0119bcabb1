//! Structures of the kernel, by its BTF.

use btf::TypeId;

use super::Request;
use crate::explore::Verifier;
use crate::reason::Result;
use crate::state::Value;

impl Verifier<'_> {
    pub(super) fn access_kernel(&mut self, request: &Request, type_id: TypeId) -> Result<Value> {
        let _ = (request, type_id);
        Err(self.unsupported("kernel structures"))
    }
}
