//! Calls of functions of the program, static and global, and returns.

use isa::Reg;

use crate::explore::{Flow, Verifier};
use crate::reason::Result;
use crate::state::{Kind, Value};

impl Verifier<'_> {
    /// Sets up the registers of subprogram `subprogram` to follow it on its
    /// own: the main function with the context, a global one by its prototype.
    pub(crate) fn begin_subprogram(&mut self, subprogram: u32) -> Result {
        if subprogram != 0 {
            return Err(self.unsupported("global functions"));
        }
        *self.state.reg_mut(Reg::R1) = Value::pointer(Kind::Ctx);
        Ok(())
    }

    /// A call of the function that begins `offset` slots after the next one.
    pub(crate) fn call_subprogram(&mut self, offset: i32) -> Result<Flow> {
        let _ = offset;
        Err(self.unsupported("calls of functions of the program"))
    }

    /// The current function returns.
    pub(crate) fn exit(&mut self) -> Result<Flow> {
        self.read_reg(Reg::R0)?;
        Ok(Flow::End)
    }
}
