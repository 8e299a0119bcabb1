//! Conditional jumps: decisions, and what each side tells.

use isa::{CmpOp, Operand, Pc, Reg, Width};

use crate::explore::{Flow, Verifier};
use crate::reason::Result;

impl Verifier<'_> {
    /// `if dst op src goto target`.
    pub(crate) fn branch(
        &mut self,
        op: CmpOp,
        width: Width,
        dst: Reg,
        src: Operand,
        target: Pc,
    ) -> Result<Flow> {
        let _ = (op, width, src);
        self.read_reg(dst)?;
        self.push_branch(target)?;
        Ok(Flow::Next)
    }
}
