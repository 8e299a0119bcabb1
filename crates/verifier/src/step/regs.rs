//! Reading and writing registers of the current frame.

use isa::Reg;

use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Kind, Value};

impl Verifier<'_> {
    /// The value of a register that the instruction reads.
    pub(crate) fn read_reg(&mut self, reg: Reg) -> Result<Value> {
        self.touch(reg);
        let value = *self.state.reg(reg);
        if value.kind == Kind::NotInit {
            return Err(Access::NotReadable(reg).into());
        }
        Ok(value)
    }

    /// Checks that the instruction may write a register.
    pub(crate) fn check_writable(&mut self, reg: Reg) -> Result {
        if reg == Reg::FP {
            return Err(Access::FramePointer.into());
        }
        self.touch(reg);
        Ok(())
    }

    /// Writes a register.
    pub(crate) fn write_reg(&mut self, reg: Reg, value: Value) -> Result {
        self.check_writable(reg)?;
        *self.state.reg_mut(reg) = value;
        Ok(())
    }
}
