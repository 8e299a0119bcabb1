//! Arithmetic.

use isa::{AluOp, EndianOp, Imm64, Insn, Operand, Reg, Width};

use super::super::typed::OPERATIONS;
use super::{Holds, ONE, Pointer, VALUES, Writer};

impl Writer<'_> {
    pub(super) fn arithmetic(&mut self) {
        let op = self.random.pick(&OPERATIONS);
        let (width, dst) = (self.width(), self.target());
        let src = match op {
            // Shifts by what is in bounds, and by what is not.
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh if self.random.percent(50) => {
                Operand::Imm(self.random.below(66) as i32)
            }
            _ => self.operand(),
        };
        self.emit.insn(Insn::Alu {
            op,
            width,
            dst,
            src,
        });
        let holds = self.after(op, dst, src);
        self.set(dst, holds);
    }

    /// What the destination seems to hold after an operation.
    fn after(&self, op: AluOp, dst: Reg, src: Operand) -> Holds {
        match (op, self.get(dst), src) {
            (AluOp::Mov, _, Operand::Reg(src)) => self.get(src),
            (AluOp::And, _, Operand::Imm(imm)) if imm >= 0 => Holds::Small(imm),
            (AluOp::Add, Holds::Pointer(pointer), src) => match src {
                Operand::Imm(imm) if imm.unsigned_abs() < 1024 => Holds::Pointer(Pointer {
                    low: pointer.low + imm,
                    high: pointer.high + imm,
                    ..pointer
                }),
                Operand::Reg(src) => match self.get(src) {
                    Holds::Small(most) if most < 1024 => Holds::Pointer(Pointer {
                        high: pointer.high + most,
                        ..pointer
                    }),
                    _ => Holds::Number,
                },
                Operand::Imm(_) => Holds::Number,
            },
            _ => Holds::Number,
        }
    }

    /// Adds a number to an address.
    pub(super) fn add(&mut self, dst: Reg, imm: i32) {
        let width = match self.random.percent(85) {
            true => Width::W64,
            false => Width::W32,
        };
        self.emit.insn(Insn::Alu {
            op: AluOp::Add,
            width,
            dst,
            src: Operand::Imm(imm),
        });
        let holds = self.after(AluOp::Add, dst, Operand::Imm(imm));
        self.set(dst, holds);
    }

    /// Sign extension, byte order, negation.
    pub(super) fn conversion(&mut self) {
        let (dst, width) = (self.target(), self.width());
        let insn = match self.random.below(3) {
            0 => {
                let bits: &[u8] = match width {
                    Width::W32 => &[8, 16],
                    Width::W64 => &[8, 16, 32],
                };
                Insn::Movsx {
                    width,
                    bits: self.random.pick(bits),
                    dst,
                    src: self.any(),
                }
            }
            1 => Insn::Endian {
                op: self
                    .random
                    .pick(&[EndianOp::Le, EndianOp::Be, EndianOp::Bswap]),
                bits: self.random.pick(&[16, 32, 64]),
                dst,
            },
            _ => Insn::Neg { width, dst },
        };
        self.emit.insn(insn);
        self.set(dst, Holds::Number);
    }

    /// A number into a register.
    pub(super) fn constant(&mut self) {
        let dst = self.target();
        match self.random.below(4) {
            0 => {
                let value = self.random.edge();
                let (lo, hi) = (value as u32, (value >> 32) as u32);
                let imm = Imm64::Value { lo, hi };
                self.emit.insn(Insn::LoadImm { dst, imm });
                self.set(dst, Holds::Number);
            }
            1 => {
                let imm = self.random.below(64) as i32;
                self.number_in(dst, imm);
            }
            // A number for indexing.
            2 => {
                let (imm, width) = (self.random.pick(&[7, 15, 31]), self.width());
                self.emit.insn(Insn::Alu {
                    op: AluOp::And,
                    width,
                    dst,
                    src: Operand::Imm(imm),
                });
                self.set(dst, Holds::Small(imm));
            }
            _ => {
                let (index, offset) = (ONE, self.random.pick(&[0, 0, 8, 63]));
                let imm = Imm64::MapIndexValue { index, offset };
                self.emit.insn(Insn::LoadImm { dst, imm });
                let pointer = Pointer::new(-offset, VALUES[ONE as usize] - offset);
                self.set(dst, Holds::Pointer(pointer));
            }
        }
    }
}
