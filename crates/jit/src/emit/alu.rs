//! Arithmetic.
//!
//! rcx, rdx and r11 are free within an instruction, and no register of the program
//! lies there: shifts by a register and divisions need no saving but that of rax.

use dynasmrt::{DynasmApi, DynasmLabelApi, dynasm};
use isa::{AluOp, EndianOp, Operand, Reg, Width};

use super::asm::host as fixed;
use super::{Emitter, host};

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

impl Emitter<'_> {
    pub(super) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) {
        let dst = host(dst);
        match op {
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                self.divide(op, width, dst, src);
            }
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.shift(op, width, dst, src),
            _ => match src {
                Operand::Reg(src) => self.alu_reg(op, width, dst, host(src)),
                Operand::Imm(imm) => self.alu_imm(op, width, dst, imm),
            },
        }
    }

    fn alu_reg(&mut self, op: AluOp, width: Width, dst: u8, src: u8) {
        let ops = &mut self.tables.asm.ops;
        match op {
            AluOp::Add => by_reg!(ops, add, width, dst, src),
            AluOp::Sub => by_reg!(ops, sub, width, dst, src),
            AluOp::Or => by_reg!(ops, or, width, dst, src),
            AluOp::And => by_reg!(ops, and, width, dst, src),
            AluOp::Xor => by_reg!(ops, xor, width, dst, src),
            AluOp::Mul => by_reg!(ops, imul, width, dst, src),
            _ if width == Width::W64 && dst == src => {}
            _ => by_reg!(ops, mov, width, dst, src),
        }
    }

    fn alu_imm(&mut self, op: AluOp, width: Width, dst: u8, imm: i32) {
        let ops = &mut self.tables.asm.ops;
        match op {
            AluOp::Add => self.tables.asm.immediate(Group::Add as u8, width, dst, imm),
            AluOp::Sub => self.tables.asm.immediate(Group::Sub as u8, width, dst, imm),
            AluOp::Or => self.tables.asm.immediate(Group::Or as u8, width, dst, imm),
            // The upper half of a positive mask is zero.
            AluOp::And if imm >= 0 => {
                self.tables
                    .asm
                    .immediate(Group::And as u8, Width::W32, dst, imm)
            }
            AluOp::And => self.tables.asm.immediate(Group::And as u8, width, dst, imm),
            AluOp::Xor => self.tables.asm.immediate(Group::Xor as u8, width, dst, imm),
            AluOp::Mul => match (width, i8::try_from(imm)) {
                (Width::W64, Ok(imm)) => {
                    dynasm!(ops ; .arch x64 ; imul Rq(dst), Rq(dst), BYTE imm);
                }
                (Width::W64, Err(_)) => dynasm!(ops ; .arch x64 ; imul Rq(dst), Rq(dst), imm),
                (Width::W32, Ok(imm)) => {
                    dynasm!(ops ; .arch x64 ; imul Rd(dst), Rd(dst), BYTE imm);
                }
                (Width::W32, Err(_)) => dynasm!(ops ; .arch x64 ; imul Rd(dst), Rd(dst), imm),
            },
            _ => {
                let value = match width {
                    Width::W64 => imm as i64 as u64,
                    Width::W32 => u64::from(imm as u32),
                };
                self.constant(dst, value);
            }
        }
    }

    /// Puts a number into a register.
    pub(super) fn constant(&mut self, dst: u8, value: u64) {
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

    fn shift(&mut self, op: AluOp, width: Width, dst: u8, src: Operand) {
        let bmi2 = self.settings.bmi2;
        let ops = &mut self.tables.asm.ops;
        let src = match src {
            Operand::Imm(imm) => {
                let amount = match width {
                    Width::W64 => imm & 63,
                    Width::W32 => imm & 31,
                } as i8;
                match (op, width) {
                    (AluOp::Lsh, Width::W64) => dynasm!(ops ; .arch x64 ; shl Rq(dst), amount),
                    (AluOp::Lsh, Width::W32) => dynasm!(ops ; .arch x64 ; shl Rd(dst), amount),
                    (AluOp::Rsh, Width::W64) => dynasm!(ops ; .arch x64 ; shr Rq(dst), amount),
                    (AluOp::Rsh, Width::W32) => dynasm!(ops ; .arch x64 ; shr Rd(dst), amount),
                    (_, Width::W64) => dynasm!(ops ; .arch x64 ; sar Rq(dst), amount),
                    (_, Width::W32) => dynasm!(ops ; .arch x64 ; sar Rd(dst), amount),
                }
                if width == Width::W32 && amount == 0 {
                    // Nothing was written, so the upper half was not cleared.
                    dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst));
                }
                return;
            }
            Operand::Reg(src) => host(src),
        };
        if bmi2 {
            match (op, width) {
                (AluOp::Lsh, Width::W64) => {
                    dynasm!(ops ; .arch x64 ; shlx Rq(dst), Rq(dst), Rq(src));
                }
                (AluOp::Lsh, Width::W32) => {
                    dynasm!(ops ; .arch x64 ; shlx Rd(dst), Rd(dst), Rd(src));
                }
                (AluOp::Rsh, Width::W64) => {
                    dynasm!(ops ; .arch x64 ; shrx Rq(dst), Rq(dst), Rq(src));
                }
                (AluOp::Rsh, Width::W32) => {
                    dynasm!(ops ; .arch x64 ; shrx Rd(dst), Rd(dst), Rd(src));
                }
                (_, Width::W64) => dynasm!(ops ; .arch x64 ; sarx Rq(dst), Rq(dst), Rq(src)),
                (_, Width::W32) => dynasm!(ops ; .arch x64 ; sarx Rd(dst), Rd(dst), Rd(src)),
            }
            return;
        }
        dynasm!(ops ; .arch x64 ; mov ecx, Rd(src));
        match (op, width) {
            (AluOp::Lsh, Width::W64) => dynasm!(ops ; .arch x64 ; shl Rq(dst), cl),
            (AluOp::Lsh, Width::W32) => dynasm!(ops ; .arch x64 ; shl Rd(dst), cl),
            (AluOp::Rsh, Width::W64) => dynasm!(ops ; .arch x64 ; shr Rq(dst), cl),
            (AluOp::Rsh, Width::W32) => dynasm!(ops ; .arch x64 ; shr Rd(dst), cl),
            (_, Width::W64) => dynasm!(ops ; .arch x64 ; sar Rq(dst), cl),
            (_, Width::W32) => dynasm!(ops ; .arch x64 ; sar Rd(dst), cl),
        }
        if width == Width::W32 {
            dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst));
        }
    }

    /// Division and remainder. x86 faults where BPF has an answer: at 0, and at
    /// the least number by -1.
    fn divide(&mut self, op: AluOp, width: Width, dst: u8, src: Operand) {
        let signed = matches!(op, AluOp::Sdiv | AluOp::Smod);
        let quotient = matches!(op, AluOp::Div | AluOp::Sdiv);
        let [zero, minus_one, done] = [(); 3].map(|()| self.tables.asm.label());
        let (mut may_be_zero, mut may_be_minus_one) = (true, signed);
        match src {
            Operand::Reg(src) => {
                let ops = &mut self.tables.asm.ops;
                by_reg!(ops, mov, width, fixed::RCX, host(src));
            }
            Operand::Imm(imm) => {
                let value = match width {
                    Width::W64 => imm as i64 as u64,
                    Width::W32 => u64::from(imm as u32),
                };
                self.constant(fixed::RCX, value);
                may_be_zero = imm == 0;
                may_be_minus_one = signed && imm == -1;
            }
        }
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
                (false, Width::W32) => dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst)),
                (false, Width::W64) => {}
            }
        }
        dynasm!(ops ; .arch x64 ; =>done);
    }

    pub(super) fn neg(&mut self, width: Width, dst: u8) {
        let ops = &mut self.tables.asm.ops;
        match width {
            Width::W64 => dynasm!(ops ; .arch x64 ; neg Rq(dst)),
            Width::W32 => dynasm!(ops ; .arch x64 ; neg Rd(dst)),
        }
    }

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

    pub(super) fn endian(&mut self, op: EndianOp, bits: u8, dst: u8) {
        let ops = &mut self.tables.asm.ops;
        match (op, bits) {
            (EndianOp::Le, 16) => dynasm!(ops ; .arch x64 ; movzx Rd(dst), Rw(dst)),
            (EndianOp::Le, 32) => dynasm!(ops ; .arch x64 ; mov Rd(dst), Rd(dst)),
            (EndianOp::Le, _) => {}
            (_, 16) => dynasm!(ops ; .arch x64 ; rol Rw(dst), 8 ; movzx Rd(dst), Rw(dst)),
            (_, 32) => dynasm!(ops ; .arch x64 ; bswap Rd(dst)),
            (_, _) => dynasm!(ops ; .arch x64 ; bswap Rq(dst)),
        }
    }
}
