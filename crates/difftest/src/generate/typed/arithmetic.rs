//! Numbers: every operation in both widths, and what is known of the result.

use isa::{AluOp, CmpOp, EndianOp, Insn, Operand, Width};

use super::Writer;
use crate::generate::held::{Held, Range};

/// All binary operations, the usual ones more often.
pub(in crate::generate) const OPERATIONS: [AluOp; 20] = [
    AluOp::Add,
    AluOp::Add,
    AluOp::Add,
    AluOp::Sub,
    AluOp::Sub,
    AluOp::Mul,
    AluOp::Or,
    AluOp::And,
    AluOp::And,
    AluOp::Xor,
    AluOp::Lsh,
    AluOp::Rsh,
    AluOp::Rsh,
    AluOp::Arsh,
    AluOp::Div,
    AluOp::Mod,
    AluOp::Sdiv,
    AluOp::Smod,
    AluOp::Mov,
    AluOp::Mov,
];

const WORD: u64 = u32::MAX as u64;

impl Writer<'_> {
    pub(super) fn arithmetic(&mut self) {
        for _ in 0..1 + self.random.below(3) {
            let dst = self.number(0);
            self.operation(dst);
        }
    }

    pub(super) fn width(&mut self) -> Width {
        match self.random.percent(40) {
            true => Width::W32,
            false => Width::W64,
        }
    }

    fn operation(&mut self, dst: isa::Reg) {
        let width = self.width();
        match self.random.below(20) {
            0 => {
                self.emit.insn(Insn::Neg { width, dst });
                let known = self.range(dst);
                let range = transfer(AluOp::Sub, width, Range::one(0), known);
                self.put(dst, range);
            }
            1 => {
                let bits = match width {
                    Width::W32 => self.random.pick(&[8, 16]),
                    Width::W64 => self.random.pick(&[8, 16, 32]),
                };
                let src = self.operand(0);
                self.emit.insn(Insn::Movsx {
                    width,
                    bits,
                    dst,
                    src,
                });
                let known = self.range(src);
                let range = match known.max < 1 << (bits - 1) {
                    true => known,
                    false if width == Width::W32 => Range::up_to(WORD),
                    false => Range::ANY,
                };
                self.put(dst, range);
            }
            2 => {
                let op = self
                    .random
                    .pick(&[EndianOp::Le, EndianOp::Be, EndianOp::Bswap]);
                let bits = self.random.pick(&[16, 32, 64]);
                self.emit.insn(Insn::Endian { op, bits, dst });
                let max = match bits {
                    64 => u64::MAX,
                    _ => (1 << bits) - 1,
                };
                self.put(dst, Range::up_to(max));
            }
            _ => self.binary(dst, width),
        }
    }

    fn binary(&mut self, dst: isa::Reg, width: Width) {
        let op = self.random.pick(&OPERATIONS);
        let (src, known) = match self.random.percent(40) {
            true => {
                let src = self.operand(0);
                (Operand::Reg(src), self.range(src))
            }
            false => {
                let imm = self.immediate(op, width);
                let value = imm as i64 as u64;
                let value = match width {
                    Width::W32 => value & WORD,
                    Width::W64 => value,
                };
                (Operand::Imm(imm), Range::one(value))
            }
        };
        let before = self.range(dst);
        self.alu(op, width, dst, src);
        // A shift by a register that happens to be constant is as good as any.
        let range = match (op, src) {
            (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, Operand::Reg(_)) => Range::ANY,
            _ => transfer(op, width, before, known),
        };
        self.put(dst, range);
    }

    /// An immediate that the operation takes.
    fn immediate(&mut self, op: AluOp, width: Width) -> i32 {
        let bits = width.bits().into();
        match op {
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.random.below(bits) as i32,
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                match self.random.edge() as i32 {
                    0 => 1,
                    other => other,
                }
            }
            AluOp::And if self.random.percent(60) => {
                self.random.pick(&[1, 3, 7, 15, 31, 63, 127, 255, 0xffff])
            }
            AluOp::Add | AluOp::Sub if self.random.percent(60) => self.random.below(20) as i32 - 4,
            _ => self.random.edge() as i32,
        }
    }

    pub(super) fn range(&self, reg: isa::Reg) -> Range {
        match self.state.get(reg) {
            Held::Number(range) => range,
            _ => Range::ANY,
        }
    }
}

/// What an operation makes of two intervals. Never tighter than what Linux knows.
pub(super) fn transfer(op: AluOp, width: Width, a: Range, b: Range) -> Range {
    let (most, bits) = match width {
        Width::W32 => (WORD, 32),
        Width::W64 => (u64::MAX, 64),
    };
    let cut = |range: Range| match range.max > most {
        true => Range::up_to(most),
        false => range,
    };
    let (a, b) = (cut(a), cut(b));
    let known = match op {
        AluOp::Mov => Some(b),
        AluOp::Add => a.max.checked_add(b.max).map(|max| Range {
            min: a.min + b.min,
            max,
        }),
        AluOp::Sub => (a.min >= b.max).then(|| Range {
            min: a.min - b.max,
            max: a.max - b.min,
        }),
        AluOp::Mul => {
            let small = a.max <= WORD && b.max <= WORD;
            small.then(|| Range {
                min: a.min * b.min,
                max: a.max * b.max,
            })
        }
        AluOp::And => Some(Range::up_to(a.max.min(b.max))),
        AluOp::Or | AluOp::Xor => Some(Range::up_to(all_bits(a.max | b.max))),
        AluOp::Rsh | AluOp::Lsh | AluOp::Arsh if b.min == b.max && b.min < bits => {
            let by = b.min as u32;
            match op {
                AluOp::Rsh => Some(Range {
                    min: a.min >> by,
                    max: a.max >> by,
                }),
                AluOp::Lsh => (a.max <= (1 << (bits - 1)) >> by).then(|| Range {
                    min: a.min << by,
                    max: a.max << by,
                }),
                _ => (a.max < 1 << (bits - 1)).then(|| Range {
                    min: a.min >> by,
                    max: a.max >> by,
                }),
            }
        }
        // Linux does not follow divisions and shifts by what it does not know, not
        // even the width of the result.
        _ => return Range::ANY,
    };
    known
        .filter(|range| range.max <= most)
        .unwrap_or(Range::up_to(most))
}

/// The smallest number of ones that covers `value`.
fn all_bits(value: u64) -> u64 {
    match value.leading_zeros() {
        64 => 0,
        zeros => u64::MAX >> zeros,
    }
}

/// What is known of `range` where its comparison with a constant comes out as
/// `holds`. Signed comparisons say nothing here.
pub(super) fn refine(range: Range, op: CmpOp, with: u64, holds: bool) -> Range {
    let Range { min, max } = range;
    let below = |limit: Option<u64>| limit.map(|limit| (min, max.min(limit)));
    let above = |limit: Option<u64>| limit.map(|limit| (min.max(limit), max));
    let new = match (op, holds) {
        (CmpOp::Eq, true) | (CmpOp::Ne, false) => Some((with, with)),
        (CmpOp::Gt, true) | (CmpOp::Le, false) => above(with.checked_add(1)),
        (CmpOp::Ge, true) | (CmpOp::Lt, false) => above(Some(with)),
        (CmpOp::Lt, true) | (CmpOp::Ge, false) => below(with.checked_sub(1)),
        (CmpOp::Le, true) | (CmpOp::Gt, false) => below(Some(with)),
        _ => None,
    };
    match new {
        Some((min, max)) if min <= max => Range { min, max },
        // Either nothing new, or a path that is never taken.
        _ => range,
    }
}
