//! Arithmetic.
//!
//! rcx, rdx and r11 are free within an instruction, and no register of the program
//! lies there: shifts by a register and divisions need no saving but that of rax.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use inject::Bug;
use isa::{AluOp, EndianOp, Operand, Reg, Size, Width, eval};

use super::asm::{Form, host as fixed};
use super::{Emitter, host};
use crate::lower::{Bits, LOW, Loaded, Reciprocal, Shift, Sum, Value, bits_of_alu};

/// An instruction of two registers, in both widths.
macro_rules! by_reg {
    ($ops:expr, $name:ident, $width:expr, $dst:expr, $src:expr) => {{
        let (ops, dst, src) = (&mut *$ops, $dst, $src);
        match $width {
            Width::W64 => dynasm!(ops ; .arch x64 ; $name Rq(dst), Rq(src)),
            Width::W32 => dynasm!(ops ; .arch x64 ; $name Rd(dst), Rd(src)),
        }
    }};
}

pub(super) use by_reg;

/// The arithmetic that x86 has with an immediate, by the extension of its opcode.
#[derive(Clone, Copy, Debug)]
pub(super) enum Group {
    Add = 0,
    Or = 1,
    And = 4,
    Sub = 5,
    Xor = 6,
    Cmp = 7,
}

/// A number as an operand of this width.
pub(super) fn truncated(width: Width, value: u64) -> u64 {
    match width {
        Width::W32 => value & LOW,
        Width::W64 => value,
    }
}

impl Emitter<'_> {
    /// A number as the immediate of an instruction of this width.
    pub(super) fn as_immediate(&self, width: Width, value: u64) -> Option<i32> {
        let imm = match width {
            Width::W32 => Some(value as i32),
            Width::W64 => i32::try_from(value as i64).ok(),
        };
        imm.filter(|imm| self.may_show((*imm).into()))
    }

    pub(super) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) {
        let number = match src {
            Operand::Imm(imm) => Some(eval::immediate(imm)),
            Operand::Reg(src) => self.values.constant(src),
        };
        let left = match op {
            AluOp::Mov => Some(0),
            _ => self.values.constant(dst),
        };
        if let (Some(left), Some(right)) = (left, number) {
            let value = eval::alu(op, width, left, right);
            return self.define(dst, Value::constant(value));
        }
        let done = match (number, src) {
            (Some(number), _) => self.alu_number(op, width, dst, number),
            (None, Operand::Reg(src)) => self.alu_reg(op, width, dst, src),
            (None, Operand::Imm(_)) => true,
        };
        if !done {
            let Operand::Reg(src) = src else {
                let number = number.unwrap_or_default();
                return self.binary_immediate(op, width, dst, number as i32);
            };
            self.binary(op, width, dst, src);
        }
    }

    /// Arithmetic with a known number, if there is a way for it.
    fn alu_number(&mut self, op: AluOp, width: Width, dst: Reg, number: u64) -> bool {
        match op {
            AluOp::Add => self.add_number(width, dst, number as i64),
            AluOp::Sub => self.add_number(width, dst, (number as i64).wrapping_neg()),
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
                let by = match width {
                    Width::W32 => number & 31,
                    Width::W64 => number & 63,
                };
                self.shift_number(op, width, dst, by as u8);
            }
            AluOp::And => return self.mask(width, dst, number),
            AluOp::Mul => return self.multiply_number(width, dst, number),
            AluOp::Div | AluOp::Mod => return self.divide_number(op, width, dst, number),
            AluOp::Sdiv | AluOp::Smod => {
                self.settle(dst);
                self.divide(op, width, dst, Err(truncated(width, number)));
            }
            AluOp::Or | AluOp::Xor | AluOp::Mov => {
                let Some(imm) = self.as_immediate(width, number) else {
                    return false;
                };
                self.binary_immediate(op, width, dst, imm);
            }
        }
        true
    }

    /// Arithmetic of two registers, if there is a way better than the plain one.
    fn alu_reg(&mut self, op: AluOp, width: Width, dst: Reg, src: Reg) -> bool {
        match op {
            AluOp::Mov => self.move_reg(width, dst, src),
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.shift_reg(op, width, dst, src),
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                self.settle(dst);
                let bits = self.values.bits_of(dst) | self.values.bits_of(src);
                let unsigned = matches!(op, AluOp::Div | AluOp::Mod);
                let width = if unsigned && bits <= LOW {
                    Width::W32
                } else {
                    width
                };
                self.divide(op, width, dst, Ok(src));
            }
            AluOp::Xor | AluOp::Sub if dst == src => self.define(dst, Value::constant(0)),
            AluOp::Add | AluOp::Or | AluOp::Xor if self.put_together(width, dst, src) => {}
            AluOp::Add => return self.add_reg(width, dst, src),
            _ => return false,
        }
        true
    }

    fn move_reg(&mut self, width: Width, dst: Reg, src: Reg) {
        let whole = width == Width::W64 || self.values.bits_of(src) <= LOW;
        if whole && dst == src {
            return;
        }
        let value = self.values.get(src);
        if whole {
            let sum = self.values.sum(src);
            // What takes two registers is not computed twice.
            let again = |sum: &Sum| sum.index.is_some() && self.after.contains(src);
            if let Some(sum) = sum.filter(|sum| !again(sum)) {
                return self.define(dst, Value::Sum(sum));
            }
            if !self.after.contains(src) {
                self.took(src);
                return self.define(dst, value);
            }
            self.settle(src);
            return self.define(dst, Value::Sum(Sum::of(src)));
        }
        let sum = match self.values.low(src) {
            Some(sum) => sum,
            None => self.sum_of(src),
        };
        self.define(dst, Value::Low(sum));
    }

    fn add_number(&mut self, width: Width, dst: Reg, number: i64) {
        match width {
            Width::W64 => {
                let sum = self.sum_of(dst).plus(number);
                self.define(dst, Value::Sum(sum));
            }
            Width::W32 => {
                let sum = self.low_of(dst).plus((number as i32).into());
                self.define_low(dst, sum);
            }
        }
    }

    /// A sum in 32 bits. Bits above those of its terms do not count.
    fn define_low(&mut self, dst: Reg, sum: Sum) {
        let disp = i64::from(sum.disp as i32);
        self.define(dst, Value::Low(Sum { disp, ..sum }));
    }

    fn low_of(&mut self, reg: Reg) -> Sum {
        match self.values.low(reg) {
            Some(sum) => sum,
            None => self.sum_of(reg),
        }
    }

    fn add_reg(&mut self, width: Width, dst: Reg, src: Reg) -> bool {
        if self.load_to_take(width, src).is_some() && dst != src {
            return false;
        }
        for attempt in 0..3 {
            let (left, right) = match width {
                Width::W64 => (self.values.sum(dst), self.values.sum(src)),
                Width::W32 => (self.values.low(dst), self.values.low(src)),
            };
            if let (Some(left), Some(right)) = (left, right)
                && let Some(sum) = left.with(right)
            {
                match width {
                    Width::W64 => self.define(dst, Value::Sum(sum)),
                    Width::W32 => self.define_low(dst, sum),
                }
                return true;
            }
            let settled = match attempt {
                0 if left.is_none() || right.is_some() => dst,
                _ => src,
            };
            self.settle(settled);
        }
        false
    }

    /// Two shifts that together rotate, or two loads of neighbours.
    fn put_together(&mut self, width: Width, dst: Reg, src: Reg) -> bool {
        let (left, right) = (self.values.get(dst), self.values.get(src));
        if let Some(rotation) = left.rotation(right) {
            let whole = width == Width::W64 || self.values.bits.of(dst, rotation) <= LOW;
            if whole {
                self.define(dst, rotation);
                return true;
            }
        }
        if let Value::Loaded(left) = left
            && dst != src
            && let Some(right) = self.take_load(src)
            && let Some(joined) = left.join(right)
            && (width == Width::W64 || Bits::loaded(joined) <= LOW)
        {
            let parts = self.tables.join([left, right], joined.at.disp);
            self.took(dst);
            self.took(src);
            self.define(dst, Value::Loaded(Loaded { parts, ..joined }));
            return true;
        }
        false
    }

    /// A load that waits and can be the operand of an instruction of this width.
    fn load_to_take(&mut self, width: Width, src: Reg) -> Option<Loaded> {
        let size = match width {
            Width::W32 => Size::B4,
            Width::W64 => Size::B8,
        };
        let loaded = self.take_load(src)?;
        let plain = loaded.size == size && !loaded.signed && !loaded.swapped && loaded.shift == 0;
        plain.then_some(loaded)
    }

    /// The bits that may be set in a result.
    fn result_bits(&self, op: AluOp, width: Width, dst: Reg, src: Reg) -> u64 {
        let (left, right) = (self.values.bits_of(dst), self.values.bits_of(src));
        bits_of_alu(op, width, left, right, false)
    }

    fn binary(&mut self, op: AluOp, width: Width, dst: Reg, src: Reg) {
        let bits = self.result_bits(op, width, dst, src);
        self.settle(dst);
        if dst != src && self.binary_memory(op, width, dst, src, bits) {
            return;
        }
        self.clobber(dst);
        let src = match width {
            Width::W64 => self.operand_of(src),
            Width::W32 => host(self.low_source(src)),
        };
        self.values.overwritten(dst, bits);
        // The lower half depends on lower halves alone, and is all there is.
        let width = if bits <= LOW { Width::W32 } else { width };
        self.values.wrote_by(dst, width);
        let dst = host(dst);
        let ops = &mut self.tables.asm.ops;
        match op {
            AluOp::Add => by_reg!(ops, add, width, dst, src),
            AluOp::Sub => by_reg!(ops, sub, width, dst, src),
            AluOp::Or => by_reg!(ops, or, width, dst, src),
            AluOp::And => by_reg!(ops, and, width, dst, src),
            AluOp::Xor => by_reg!(ops, xor, width, dst, src),
            _ => by_reg!(ops, imul, width, dst, src),
        }
    }

    /// The same with an operand in memory, if the operand waits there.
    fn binary_memory(&mut self, op: AluOp, width: Width, dst: Reg, src: Reg, bits: u64) -> bool {
        let opcode: &'static [u8] = match op {
            AluOp::Add => &[0x03],
            AluOp::Sub => &[0x2b],
            AluOp::Or => &[0x0b],
            AluOp::And => &[0x23],
            AluOp::Xor => &[0x33],
            AluOp::Mul => &[0x0f, 0xaf],
            _ => return false,
        };
        let Some(loaded) = self.load_to_take(width, src) else {
            return false;
        };
        self.loads_before(loaded.number);
        self.clobber(dst);
        // Both may have made it.
        let Some(loaded) = self.load_to_take(width, src) else {
            return false;
        };
        let at = self.loaded_operand(loaded);
        self.took(src);
        self.values.overwritten(dst, bits);
        self.values.wrote_by(dst, width);
        let form = Form {
            opcode,
            wide: width == Width::W64,
            ..Form::default()
        };
        self.tables.asm.memory(form, host(dst), at);
        true
    }

    fn binary_immediate(&mut self, op: AluOp, width: Width, dst: Reg, imm: i32) {
        let number = truncated(width, eval::immediate(imm));
        let bits = bits_of_alu(op, width, self.values.bits_of(dst), number, true);
        self.settle(dst);
        self.overwrite(dst, bits);
        // The lower half depends on lower halves alone, and is all there is.
        let width = if bits <= LOW { Width::W32 } else { width };
        self.values.wrote_by(dst, width);
        let dst = host(dst);
        let ops = &mut self.tables.asm.ops;
        if op == AluOp::Mul {
            self.constant(fixed::RDX, eval::immediate(imm));
            let ops = &mut self.tables.asm.ops;
            return by_reg!(ops, imul, width, dst, fixed::RDX);
        }
        let group = match op {
            AluOp::Xor if imm == -1 => {
                match width {
                    Width::W64 => dynasm!(ops ; .arch x64 ; not Rq(dst)),
                    Width::W32 => dynasm!(ops ; .arch x64 ; not Rd(dst)),
                }
                return;
            }
            AluOp::Or => Group::Or,
            AluOp::Xor => Group::Xor,
            _ => Group::And,
        };
        self.immediate(group, width, dst, imm);
    }

    /// `dst &= number`.
    fn mask(&mut self, width: Width, dst: Reg, number: u64) -> bool {
        let mask = truncated(width, number);
        let bits = self.values.bits_of(dst);
        if bits & !mask == 0 {
            return true;
        }
        let bits = match mask {
            _ if bits & LOW & !mask == 0 && mask <= LOW => 32,
            0xff => 8,
            0xffff => 16,
            LOW => 32,
            _ => {
                let imm = match u32::try_from(mask) {
                    Ok(mask) if width == Width::W32 => Some(mask as i32),
                    _ => self.as_immediate(Width::W64, mask),
                };
                let Some(imm) = imm else {
                    return false;
                };
                self.binary_immediate(AluOp::And, width, dst, imm);
                return true;
            }
        };
        if bits == 32 {
            self.move_reg(Width::W32, dst, dst);
            return true;
        }
        let reg = self.low_source(dst);
        let value = Value::Extend {
            reg,
            bits,
            signed: None,
        };
        self.define(dst, value);
        true
    }

    fn multiply_number(&mut self, width: Width, dst: Reg, number: u64) -> bool {
        let number = truncated(width, number);
        match number {
            0 => {
                self.define(dst, Value::constant(0));
                return true;
            }
            _ if number.is_power_of_two() => {
                let by = number.trailing_zeros() as u8;
                self.shift_number(AluOp::Lsh, width, dst, by);
                return true;
            }
            3 | 5 | 9 => {
                let reg = match width {
                    Width::W64 => self.source(dst),
                    Width::W32 => self.low_source(dst),
                };
                let index = Some((reg, (number - 1).trailing_zeros() as u8));
                let sum = Sum {
                    index,
                    ..Sum::of(reg)
                };
                match width {
                    Width::W64 => self.define(dst, Value::Sum(sum)),
                    Width::W32 => self.define_low(dst, sum),
                }
                return true;
            }
            _ => {}
        }
        let Some(imm) = self.as_immediate(width, number) else {
            return false;
        };
        let bits = bits_of_alu(AluOp::Mul, width, self.values.bits_of(dst), number, true);
        let src = host(self.only_operand(width, dst));
        self.values.overwritten(dst, bits);
        self.values.wrote_by(dst, width);
        let dst = host(dst);
        let ops = &mut self.tables.asm.ops;
        match (width, i8::try_from(imm)) {
            (Width::W64, Ok(imm)) => dynasm!(ops ; .arch x64 ; imul Rq(dst), Rq(src), BYTE imm),
            (Width::W64, Err(_)) => dynasm!(ops ; .arch x64 ; imul Rq(dst), Rq(src), imm),
            (Width::W32, Ok(imm)) => dynasm!(ops ; .arch x64 ; imul Rd(dst), Rd(src), BYTE imm),
            (Width::W32, Err(_)) => dynasm!(ops ; .arch x64 ; imul Rd(dst), Rd(src), imm),
        }
        true
    }

    /// A register whose host register holds what `dst` does, which may be written
    /// next.
    fn only_operand(&mut self, width: Width, dst: Reg) -> Reg {
        let source = |this: &mut Self| match width {
            Width::W64 => this.source(dst),
            Width::W32 => this.low_source(dst),
        };
        source(self);
        self.clobber(dst);
        source(self)
    }

    fn shift_number(&mut self, op: AluOp, width: Width, dst: Reg, by: u8) {
        if by == 0 {
            return self.move_reg(width, dst, dst);
        }
        let value = match (self.values.get(dst), op, width) {
            (Value::Loaded(loaded), AluOp::Lsh, _) if stays(loaded, width, by) => {
                self.took(dst);
                let shift = loaded.shift + by;
                Value::Loaded(Loaded { shift, ..loaded })
            }
            (Value::Shift(inner), _, Width::W64) if inner.op == AluOp::Lsh => {
                match shift_again(inner, op, by) {
                    Some(value) => value,
                    None => self.shift_of(op, width, dst, by),
                }
            }
            (Value::Low(sum), AluOp::Rsh, Width::W64) if by < 32 && sum.as_copy().is_some() => {
                self.shift_of(op, Width::W32, dst, by)
            }
            _ => self.shift_of(op, width, dst, by),
        };
        self.define(dst, value);
    }

    fn shift_of(&mut self, op: AluOp, width: Width, dst: Reg, by: u8) -> Value {
        let reg = match width {
            Width::W64 => self.source(dst),
            Width::W32 => self.low_source(dst),
        };
        Value::Shift(Shift { op, width, reg, by })
    }

    fn shift_reg(&mut self, op: AluOp, width: Width, dst: Reg, src: Reg) {
        let bits = self.result_bits(op, width, dst, src);
        self.only_operand(width, dst);
        let amount = host(self.low_source(src));
        let from = match width {
            Width::W64 => self.operand_of(dst),
            Width::W32 => host(self.low_source(dst)),
        };
        self.values.overwritten(dst, bits);
        self.values.wrote_by(dst, width);
        let dst = host(dst);
        if !self.settings.bmi2 {
            return self.shift_by_cl(op, width, dst, from, amount);
        }
        let ops = &mut self.tables.asm.ops;
        match (op, width) {
            (AluOp::Lsh, Width::W64) => {
                dynasm!(ops ; .arch x64 ; shlx Rq(dst), Rq(from), Rq(amount));
            }
            (AluOp::Lsh, Width::W32) => {
                dynasm!(ops ; .arch x64 ; shlx Rd(dst), Rd(from), Rd(amount));
            }
            (AluOp::Rsh, Width::W64) => {
                dynasm!(ops ; .arch x64 ; shrx Rq(dst), Rq(from), Rq(amount));
            }
            (AluOp::Rsh, Width::W32) => {
                dynasm!(ops ; .arch x64 ; shrx Rd(dst), Rd(from), Rd(amount));
            }
            (_, Width::W64) => dynasm!(ops ; .arch x64 ; sarx Rq(dst), Rq(from), Rq(amount)),
            (_, Width::W32) => dynasm!(ops ; .arch x64 ; sarx Rd(dst), Rd(from), Rd(amount)),
        }
    }

    fn shift_by_cl(&mut self, op: AluOp, width: Width, dst: u8, from: u8, amount: u8) {
        let ops = &mut self.tables.asm.ops;
        dynasm!(ops ; .arch x64 ; mov ecx, Rd(amount));
        self.copy(width, dst, from);
        let ops = &mut self.tables.asm.ops;
        match (op, width) {
            (AluOp::Lsh, Width::W64) => dynasm!(ops ; .arch x64 ; shl Rq(dst), cl),
            (AluOp::Lsh, Width::W32) => dynasm!(ops ; .arch x64 ; shl Rd(dst), cl),
            (AluOp::Rsh, Width::W64) => dynasm!(ops ; .arch x64 ; shr Rq(dst), cl),
            (AluOp::Rsh, Width::W32) => dynasm!(ops ; .arch x64 ; shr Rd(dst), cl),
            (_, Width::W64) => dynasm!(ops ; .arch x64 ; sar Rq(dst), cl),
            (_, Width::W32) => dynasm!(ops ; .arch x64 ; sar Rd(dst), cl),
        }
        if width == Width::W32 {
            // A shift by 0 may leave the upper half.
            dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst));
        }
    }

    /// A shift by a number that is neither 0 nor as large as the width.
    pub(super) fn shift_by(&mut self, op: AluOp, width: Width, dst: u8, by: u8) {
        let amount = by as i8;
        let ops = &mut self.tables.asm.ops;
        match (op, width) {
            (AluOp::Lsh, Width::W64) => dynasm!(ops ; .arch x64 ; shl Rq(dst), amount),
            (AluOp::Lsh, Width::W32) => dynasm!(ops ; .arch x64 ; shl Rd(dst), amount),
            (AluOp::Rsh, Width::W64) => dynasm!(ops ; .arch x64 ; shr Rq(dst), amount),
            (AluOp::Rsh, Width::W32) => dynasm!(ops ; .arch x64 ; shr Rd(dst), amount),
            (_, Width::W64) => dynasm!(ops ; .arch x64 ; sar Rq(dst), amount),
            (_, Width::W32) => dynasm!(ops ; .arch x64 ; sar Rd(dst), amount),
        }
    }

    /// Puts a number into a register.
    pub(super) fn constant(&mut self, dst: u8, value: u64) {
        if self.hidden_constant(dst, value) {
            return;
        }
        let ops = &mut self.tables.asm.ops;
        if value == 0 {
            dynasm!(ops ; .arch x64 ; xor Rd(dst), Rd(dst));
        } else if let Ok(value) = u32::try_from(value) {
            dynasm!(ops ; .arch x64 ; mov Rd(dst), DWORD value as i32);
        } else if let Ok(value) = i32::try_from(value as i64) {
            dynasm!(ops ; .arch x64 ; mov Rq(dst), DWORD value);
        } else {
            dynasm!(ops ; .arch x64 ; mov Rq(dst), QWORD value as i64);
        }
    }

    /// Unsigned division by a known number.
    fn divide_number(&mut self, op: AluOp, width: Width, dst: Reg, number: u64) -> bool {
        let divisor = truncated(width, number);
        let quotient = op == AluOp::Div;
        match divisor {
            0 if quotient => self.define(dst, Value::constant(0)),
            0 => self.move_reg(width, dst, dst),
            1 if quotient => self.move_reg(width, dst, dst),
            1 => self.define(dst, Value::constant(0)),
            _ if divisor.is_power_of_two() && quotient => {
                let by = divisor.trailing_zeros() as u8;
                self.shift_number(AluOp::Rsh, width, dst, by);
            }
            // A mask that must not show is none.
            _ if divisor.is_power_of_two()
                && divisor <= 1 << 31
                && self.mask(width, dst, divisor - 1) => {}
            _ if !self.may_show(divisor as i64) => {
                self.settle(dst);
                self.divide(op, width, dst, Err(divisor));
            }
            _ => {
                let short = width == Width::W32 || self.values.bits_of(dst) <= LOW;
                let reciprocal = Reciprocal::of(divisor, if short { 32 } else { 64 });
                match reciprocal {
                    Some(reciprocal) if self.settings.bmi2 => {
                        self.multiply_by(reciprocal, op, width, dst, divisor);
                    }
                    _ => {
                        self.settle(dst);
                        self.divide(op, width, dst, Err(divisor));
                    }
                }
            }
        }
        true
    }

    /// Division by multiplication.
    fn multiply_by(&mut self, by: Reciprocal, op: AluOp, width: Width, dst: Reg, divisor: u64) {
        let bits = bits_of_alu(op, width, self.values.bits_of(dst), divisor, true);
        let from = self.only_operand(width, dst);
        let extended = width == Width::W64 || self.values.bits.get(from) <= LOW;
        let from = host(from);
        self.values.overwritten(dst, bits);
        let dst = host(dst);
        let ops = &mut self.tables.asm.ops;
        let mut dividend = from;
        if !extended {
            dynasm!(ops ; .arch x64 ; mov ecx, Rd(from));
            dividend = fixed::RCX;
        }
        if by.before != 0 {
            if dividend != fixed::RCX {
                dynasm!(ops ; .arch x64 ; mov rcx, Rq(dividend));
                dividend = fixed::RCX;
            }
            dynasm!(ops ; .arch x64 ; shr rcx, by.before as i8);
        }
        dynasm!(ops
            ; .arch x64
            ; mov rdx, QWORD by.multiplier as i64
            ; mulx rcx, r11, Rq(dividend)
        );
        if by.carries {
            dynasm!(ops
                ; .arch x64
                ; mov r11, Rq(from)
                ; sub r11, rcx
                ; shr r11, 1
                ; add rcx, r11
                ; shr rcx, by.after as i8 - 1
            );
        } else if by.after != 0 {
            dynasm!(ops ; .arch x64 ; shr rcx, by.after as i8);
        }
        if op == AluOp::Div {
            return self.copy(Width::W64, dst, fixed::RCX);
        }
        let divisor_shown = self.as_immediate(width, divisor);
        let ops = &mut self.tables.asm.ops;
        match divisor_shown {
            Some(divisor) => match width {
                Width::W64 => dynasm!(ops ; .arch x64 ; imul rcx, rcx, divisor),
                Width::W32 => dynasm!(ops ; .arch x64 ; imul ecx, ecx, divisor),
            },
            None => dynasm!(ops ; .arch x64 ; mov rdx, QWORD divisor as i64 ; imul rcx, rdx),
        }
        self.copy(width, dst, from);
        let ops = &mut self.tables.asm.ops;
        by_reg!(ops, sub, width, dst, fixed::RCX);
    }

    /// Division and remainder of a register that has been settled, by a register or
    /// a number. x86 faults where BPF has an answer: at 0, and at the least number
    /// by -1.
    fn divide(&mut self, op: AluOp, width: Width, dst: Reg, src: Result<Reg, u64>) {
        let signed = matches!(op, AluOp::Sdiv | AluOp::Smod);
        let quotient = matches!(op, AluOp::Div | AluOp::Sdiv);
        let [zero, minus_one, done] = [(); 3].map(|()| self.tables.asm.label());
        let (mut may_be_zero, mut may_be_minus_one) = (true, signed);
        let bits = match width {
            Width::W32 => LOW,
            Width::W64 if signed => u64::MAX,
            Width::W64 => crate::lower::smear(self.values.bits_of(dst)),
        };
        self.clobber(dst);
        match src {
            Ok(src) => {
                let src = self.operand_of(src);
                let ops = &mut self.tables.asm.ops;
                by_reg!(ops, mov, width, fixed::RCX, src);
            }
            Err(value) => {
                self.constant(fixed::RCX, value);
                may_be_zero = value == 0;
                may_be_minus_one = signed && value == truncated(width, u64::MAX);
            }
        }
        self.values.overwritten(dst, bits);
        let dst = host(dst);
        let ops = &mut self.tables.asm.ops;
        if may_be_zero {
            by_reg!(ops, test, width, fixed::RCX, fixed::RCX);
            dynasm!(ops ; .arch x64 ; jz =>zero);
        }
        if may_be_minus_one {
            self.tables
                .asm
                .immediate(Group::Cmp as u8, width, fixed::RCX, -1);
            let ops = &mut self.tables.asm.ops;
            dynasm!(ops ; .arch x64 ; je =>minus_one);
        }
        let ops = &mut self.tables.asm.ops;
        let elsewhere = dst != fixed::RAX;
        if elsewhere {
            dynasm!(ops ; .arch x64 ; mov r11, rax);
            by_reg!(ops, mov, width, fixed::RAX, dst);
        }
        let ops = &mut self.tables.asm.ops;
        match (signed, width) {
            (true, Width::W64) => dynasm!(ops ; .arch x64 ; cqo ; idiv rcx),
            (true, Width::W32) => dynasm!(ops ; .arch x64 ; cdq ; idiv ecx),
            (false, Width::W64) => dynasm!(ops ; .arch x64 ; xor edx, edx ; div rcx),
            (false, Width::W32) => dynasm!(ops ; .arch x64 ; xor edx, edx ; div ecx),
        }
        let result = if quotient { fixed::RAX } else { fixed::RDX };
        if result != dst {
            by_reg!(ops, mov, width, dst, result);
        }
        let ops = &mut self.tables.asm.ops;
        if elsewhere {
            dynasm!(ops ; .arch x64 ; mov rax, r11);
        }
        if may_be_zero || may_be_minus_one {
            dynasm!(ops ; .arch x64 ; jmp =>done);
        }
        if may_be_minus_one {
            dynasm!(ops ; .arch x64 ; =>minus_one);
            match (quotient, width) {
                (true, Width::W64) => dynasm!(ops ; .arch x64 ; neg Rq(dst)),
                (true, Width::W32) => dynasm!(ops ; .arch x64 ; neg Rd(dst)),
                (false, _) => dynasm!(ops ; .arch x64 ; xor Rd(dst), Rd(dst)),
            }
            if may_be_zero {
                dynasm!(ops ; .arch x64 ; jmp =>done);
            }
        }
        if may_be_zero {
            dynasm!(ops ; .arch x64 ; =>zero);
            match (quotient, width) {
                (true, _) => dynasm!(ops ; .arch x64 ; xor Rd(dst), Rd(dst)),
                (false, Width::W32) if !inject::on(Bug::Cve2021_3444) => {
                    dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst));
                }
                (false, _) => {}
            }
        }
        dynasm!(ops ; .arch x64 ; =>done);
    }

    pub(super) fn neg(&mut self, width: Width, dst: Reg) {
        if let Some(value) = self.values.constant(dst) {
            return self.define(dst, Value::constant(eval::neg(width, value)));
        }
        self.settle(dst);
        let bits = truncated(width, u64::MAX);
        self.overwrite(dst, bits);
        self.values.wrote_by(dst, width);
        let (ops, dst) = (&mut self.tables.asm.ops, host(dst));
        match width {
            Width::W64 => dynasm!(ops ; .arch x64 ; neg Rq(dst)),
            Width::W32 => dynasm!(ops ; .arch x64 ; neg Rd(dst)),
        }
    }

    pub(super) fn move_signed(&mut self, width: Width, bits: u8, dst: Reg, src: Reg) {
        if let Some(value) = self.values.constant(src) {
            let value = eval::movsx(width, bits, value);
            return self.define(dst, Value::constant(value));
        }
        if width == Width::W32 && bits == 32 {
            return self.move_reg(width, dst, src);
        }
        let value = Value::Extend {
            reg: self.low_source(src),
            bits,
            signed: Some(width),
        };
        self.define(dst, value);
    }

    /// Puts the low bits of a register into one, sign-extended.
    pub(super) fn movsx(&mut self, width: Width, bits: u8, dst: u8, src: u8) {
        let ops = &mut self.tables.asm.ops;
        match (width, bits) {
            (Width::W64, 8) => dynasm!(ops ; .arch x64 ; movsx Rq(dst), Rb(src)),
            (Width::W64, 16) => dynasm!(ops ; .arch x64 ; movsx Rq(dst), Rw(src)),
            (Width::W64, _) => dynasm!(ops ; .arch x64 ; movsxd Rq(dst), Rd(src)),
            (Width::W32, 8) => dynasm!(ops ; .arch x64 ; movsx Rd(dst), Rb(src)),
            (Width::W32, 16) => dynasm!(ops ; .arch x64 ; movsx Rd(dst), Rw(src)),
            (Width::W32, _) => dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(src)),
        }
    }

    pub(super) fn endian(&mut self, op: EndianOp, bits: u8, dst: Reg) {
        if let Some(value) = self.values.constant(dst) {
            return self.define(dst, Value::constant(eval::endian(op, bits, value)));
        }
        if op == EndianOp::Le {
            if bits < 64 {
                self.mask(Width::W64, dst, u64::MAX >> (64 - bits));
            }
            return;
        }
        if let Value::Loaded(loaded) = self.values.get(dst)
            && loaded.size.bits() == u32::from(bits)
            && !loaded.signed
            && loaded.shift == 0
        {
            self.took(dst);
            let swapped = !loaded.swapped;
            return self.define(dst, Value::Loaded(Loaded { swapped, ..loaded }));
        }
        self.settle(dst);
        let short = self.values.bits_of(dst) <= 0xffff;
        self.overwrite(dst, u64::MAX >> (64 - bits));
        let (ops, dst) = (&mut self.tables.asm.ops, host(dst));
        match bits {
            16 if short => dynasm!(ops ; .arch x64 ; rol Rw(dst), 8),
            16 => dynasm!(ops ; .arch x64 ; rol Rw(dst), 8 ; movzx Rd(dst), Rw(dst)),
            32 => dynasm!(ops ; .arch x64 ; bswap Rd(dst)),
            _ => dynasm!(ops ; .arch x64 ; bswap Rq(dst)),
        }
    }
}

/// Whether all bits of a load stay when it is shifted to the left, by whole bytes.
fn stays(loaded: Loaded, width: Width, by: u8) -> bool {
    let last = loaded.size.bits() + u32::from(loaded.shift) + u32::from(by);
    !loaded.signed && by.is_multiple_of(8) && last <= width.bits()
}

/// A shift to the left in 64 bits, shifted once more.
fn shift_again(inner: Shift, op: AluOp, by: u8) -> Option<Value> {
    if inner.width != Width::W64 {
        return None;
    }
    let reg = inner.reg;
    match op {
        AluOp::Lsh if inner.by + by < 64 => Some(Value::Shift(Shift {
            by: inner.by + by,
            ..inner
        })),
        AluOp::Rsh if inner.by == by && by == 32 => Some(Value::Low(Sum::of(reg))),
        AluOp::Rsh | AluOp::Arsh if inner.by == by && matches!(by, 32 | 48 | 56) => {
            Some(Value::Extend {
                reg,
                bits: 64 - by,
                signed: (op == AluOp::Arsh).then_some(Width::W64),
            })
        }
        AluOp::Rsh if inner.by == 32 && by > 32 => Some(Value::Shift(Shift {
            op,
            width: Width::W32,
            reg,
            by: by - 32,
        })),
        _ => None,
    }
}
