//! Reading and writing registers of the current frame.

use isa::Reg;

use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Kind, Value};

impl Verifier<'_> {
    /// The value of a register that the instruction reads.
    pub(crate) fn read_reg(&mut self, reg: Reg) -> Result<Value> {
        self.check_readable(reg)?;
        Ok(*self.state.reg(reg))
    }

    /// Checks that the instruction may read a register.
    #[inline]
    pub(crate) fn check_readable(&mut self, reg: Reg) -> Result {
        self.touch(reg);
        if matches!(self.state.reg(reg).kind, Kind::NotInit) {
            return Err(Access::NotReadable(reg).into());
        }
        Ok(())
    }

    /// Checks that the instruction may write a register.
    #[inline]
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
