//! Arithmetic on numbers, and moves.

use inject::Bug;
use isa::{AluOp, EndianOp, Operand, Reg, Width};

use crate::explore::Verifier;
use crate::reason::{Arithmetic, Contradiction, Pointer, Result};
use crate::scalar::Scalar;
use crate::state::{Flags, Value};

use super::linked;

impl Verifier<'_> {
    /// `dst = dst op src`; for `Mov`, `dst = src`.
    pub(crate) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) -> Result {
        match (op, src) {
            (AluOp::Mov, Operand::Imm(imm)) => self.move_constant(width, dst, imm),
            (AluOp::Mov, Operand::Reg(src)) => self.move_register(width, dst, src),
            _ => self.combine(op, width, dst, src),
        }
    }

    fn move_constant(&mut self, width: Width, dst: Reg, imm: i32) -> Result {
        let number = match width {
            Width::W32 if inject::on(Bug::Cve2017_16995) => i64::from(imm) as u64,
            Width::W32 => u64::from(imm as u32),
            Width::W64 => i64::from(imm) as u64,
        };
        self.check_writable(dst)?;
        *self.state.reg_mut(dst) = Value::constant(number);
        Ok(())
    }

    fn move_register(&mut self, width: Width, dst: Reg, src: Reg) -> Result {
        self.check_readable(src)?;
        self.check_writable(dst)?;
        match width {
            Width::W64 => {
                self.link(src);
                self.copy_reg(dst, src);
            }
            Width::W32 => self.move_low(dst, src)?,
        }
        self.settle(dst)
    }

    fn copy_reg(&mut self, dst: Reg, src: Reg) -> &mut Value {
        let regs = &mut self.state.frame_mut().regs;
        regs[dst.index()] = regs[src.index()];
        &mut regs[dst.index()]
    }

    fn move_low(&mut self, dst: Reg, src: Reg) -> Result {
        let value = self.state.reg(src);
        if value.is_scalar() {
            let keeps_value = value.num.umax() <= u64::from(u32::MAX);
            if keeps_value {
                self.link(src);
            }
            let copy = self.copy_reg(dst, src);
            if !keeps_value {
                copy.unlink();
            }
            copy.num = copy.num.zero_extend32();
        } else if self.may_leak() {
            *self.state.reg_mut(dst) = Value::scalar(Scalar::unknown().zero_extend32());
        } else {
            return Err(Pointer::PartialCopy(src).into());
        }
        Ok(())
    }

    /// `dst = (s<bits>)src`.
    pub(crate) fn movsx(&mut self, width: Width, bits: u8, dst: Reg, src: Reg) -> Result {
        self.check_readable(src)?;
        self.check_writable(dst)?;
        let bits = u32::from(bits);
        let value = self.state.reg(src);
        if value.is_scalar() {
            let keeps_value = value.num.umax() < 1 << (bits - 1);
            if keeps_value {
                self.link(src);
            }
            let copy = self.copy_reg(dst, src);
            if !keeps_value {
                copy.unlink();
            }
            copy.num = copy.num.movsx(width, bits);
        } else if !self.may_leak() {
            return Err(match width {
                Width::W64 => Pointer::SignExtension(src),
                Width::W32 => Pointer::PartialCopy(src),
            }
            .into());
        } else {
            *self.state.reg_mut(dst) = match width {
                Width::W64 => Value::UNKNOWN,
                Width::W32 => Value::scalar(Scalar::unknown().zero_extend32()),
            };
        }
        self.settle(dst)
    }

    /// `dst = -dst`.
    pub(crate) fn neg(&mut self, width: Width, dst: Reg) -> Result {
        self.change(dst, |value| {
            value.unlink();
            value.num = value.num.neg(width);
        })
    }

    /// Byte order conversions.
    pub(crate) fn endian(&mut self, op: EndianOp, bits: u8, dst: Reg) -> Result {
        self.change(dst, |value| {
            // Nothing happens to the number then, not even to its link.
            if (op, bits) != (EndianOp::Le, 64) {
                if !inject::on(Bug::Cve2026_43070) {
                    value.unlink();
                }
                value.num = value.num.endian(op, bits.into());
            }
        })
    }

    /// Changes a number in place; of a pointer nothing is known afterwards.
    fn change(&mut self, dst: Reg, change: impl FnOnce(&mut Value)) -> Result {
        let mut value = self.read_reg(dst)?;
        if value.is_pointer() && !inject::on(Bug::Cve2025_40050) {
            if !self.may_leak() {
                return Err(Pointer::Hidden(dst).into());
            }
            value = Value::UNKNOWN;
        } else {
            change(&mut value);
        }
        self.write_reg(dst, value)?;
        self.settle(dst)
    }

    /// Operations on two operands.
    fn combine(&mut self, op: AluOp, width: Width, dst: Reg, operand: Operand) -> Result {
        let src = match operand {
            Operand::Reg(src) => self.read_reg(src)?,
            Operand::Imm(imm) => Value::constant(i64::from(imm) as u64),
        };
        self.check_readable(dst)?;
        check_constant(op, width, operand)?;
        self.check_writable(dst)?;
        if self.state.reg(dst).is_pointer() || src.is_pointer() {
            self.pointer_alu(op, width, dst, operand, &src)?;
            return self.settle(dst);
        }
        self.fork_on_sign(op, dst, &src.num)?;
        let value = self.state.reg_mut(dst);
        linked::relink(value, (op, width), dst, (operand, &src.num));
        if is_forgotten(op, &src.num) {
            value.flags = value.flags.without(Flags::WAS_POINTER);
        }
        value.num = value.num.alu(op, width, src.num);
        self.settle(dst)
    }

    /// A number that is 0 or -1 under `&` or `|` with a constant: compilers write
    /// a choice between two constants like that, so Linux follows both numbers
    /// by themselves, 0 as a branch that begins with the same instruction.
    fn fork_on_sign(&mut self, op: AluOp, dst: Reg, src: &Scalar) -> Result {
        if !matches!(op, AluOp::And | AluOp::Or) || !src.is_const() {
            return Ok(());
        }
        let value = self.state.reg(dst);
        let num = &value.num;
        let (zero, ones) = if (num.smin(), num.smax()) == (-1, 0) {
            (Value::constant(0), Value::constant(u64::MAX))
        } else if (num.s32min(), num.s32max()) == (-1, 0) {
            let with = |low| Value {
                num: num.with_low(low),
                ..*value
            };
            (with(0), with(u32::MAX))
        } else {
            return Ok(());
        };
        let at = match op {
            AluOp::Or if inject::on(Bug::Cve2026_31413) => self.after(self.pc),
            _ => self.pc,
        };
        *self.push_branch(at)?.reg_mut(dst) = zero;
        *self.state.reg_mut(dst) = ones;
        Ok(())
    }

    /// Forgets what contradicts itself in a register that was written.
    pub(super) fn settle(&mut self, reg: Reg) -> Result {
        let num = &self.state.reg(reg).num;
        if num.violates_invariants() {
            self.state.reg_mut(reg).num = self.settled(*num, "alu")?;
        }
        Ok(())
    }

    /// What Linux goes on with, and reports as its own mistake, if what is known
    /// of a number contradicts itself.
    pub(super) fn settled(&mut self, number: Scalar, place: &'static str) -> Result<Scalar> {
        if !number.violates_invariants() {
            return Ok(number);
        }
        let report = Contradiction { place, number };
        if self.config.test_reg_invariants {
            return Err(Arithmetic::Contradiction(report).into());
        }
        self.note_level1(format_args!("{report}"));
        Ok(number.settled())
    }
}

/// Whether Linux makes a new register of the result, of which it knows nothing.
fn is_forgotten(op: AluOp, src: &Scalar) -> bool {
    match op {
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => true,
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => !src.is_const(),
        _ => false,
    }
}

/// Divisors and shift amounts that are refused as constants. Registers may hold
/// them.
fn check_constant(op: AluOp, width: Width, operand: Operand) -> Result {
    let Operand::Imm(imm) = operand else {
        return Ok(());
    };
    let bits = width.bits() as i32;
    match op {
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod if imm == 0 => {
            Err(Arithmetic::DivisionByZero.into())
        }
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh if !(0..bits).contains(&imm) => {
            Err(Arithmetic::Shift(imm).into())
        }
        _ => Ok(()),
    }
}
