//! Arithmetic.

use isa::{AluOp, EndianOp, Operand, Reg, Width};

use crate::explore::Verifier;
use crate::reason::Result;
use crate::state::Value;

impl Verifier<'_> {
    /// `dst = dst op src`; for `Mov`, `dst = src`.
    pub(crate) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) -> Result {
        let _ = width;
        match (op, src) {
            (AluOp::Mov, Operand::Imm(imm)) => {
                self.write_reg(dst, Value::constant(i64::from(imm) as u64))
            }
            (AluOp::Mov, Operand::Reg(src)) => {
                let value = self.read_reg(src)?;
                self.write_reg(dst, value)
            }
            _ => Err(self.unsupported("arithmetic")),
        }
    }

    /// `dst = -dst`.
    pub(crate) fn neg(&mut self, width: Width, dst: Reg) -> Result {
        let _ = (width, dst);
        Err(self.unsupported("neg"))
    }

    /// `dst = (s<bits>)src`.
    pub(crate) fn movsx(&mut self, width: Width, bits: u8, dst: Reg, src: Reg) -> Result {
        let _ = (width, bits, dst, src);
        Err(self.unsupported("movsx"))
    }

    /// Byte order conversions.
    pub(crate) fn endian(&mut self, op: EndianOp, bits: u8, dst: Reg) -> Result {
        let _ = (op, bits, dst);
        Err(self.unsupported("byte swaps"))
    }
}
