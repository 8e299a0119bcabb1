//! Which bits may be set in what host registers hold, within a block.

use isa::{AluOp, Reg, Width};

use super::{Loaded, Sum, Value};

/// For each register: the bits that may be set in its host register.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits(pub(crate) [u64; 11]);

pub(crate) const LOW: u64 = u32::MAX as u64;

/// All bits up to the highest.
pub(crate) fn smear(bits: u64) -> u64 {
    match bits {
        0 => 0,
        bits => u64::MAX >> bits.leading_zeros(),
    }
}

impl Bits {
    pub(crate) fn get(&self, reg: Reg) -> u64 {
        self.0[reg.index()]
    }

    pub(crate) fn set(&mut self, reg: Reg, bits: u64) {
        self.0[reg.index()] = bits;
    }

    pub(crate) fn sum(&self, sum: Sum) -> u64 {
        if let Some(value) = sum.as_constant() {
            return value;
        }
        if let Some(reg) = sum.as_copy() {
            return self.get(reg);
        }
        let most = || {
            let mut most = u64::try_from(sum.disp).ok()?;
            if let Some(base) = sum.base {
                most = most.checked_add(self.get(base))?;
            }
            if let Some((index, shift)) = sum.index {
                let index = self.get(index);
                most = most.checked_add((index <= u64::MAX >> shift).then(|| index << shift)?)?;
            }
            Some(smear(most))
        };
        most().unwrap_or(u64::MAX)
    }

    /// The bits that may be set in a value of a register.
    pub(crate) fn of(&self, reg: Reg, value: Value) -> u64 {
        match value {
            Value::Here => self.get(reg),
            Value::Sum(sum) => self.sum(sum),
            Value::Low(sum) => match self.sum(sum) {
                bits if bits <= LOW => bits,
                _ => LOW,
            },
            Value::Shift(shift) => {
                let bits = self.get(shift.reg);
                alu(shift.op, shift.width, bits, shift.by.into(), true)
            }
            Value::Rotate { width, .. } => all(width),
            Value::Extend { bits, signed, .. } => match signed {
                None => u64::MAX >> (64 - bits),
                Some(width) => all(width),
            },
            Value::Loaded(loaded) => Bits::loaded(loaded),
        }
    }

    pub(crate) fn loaded(loaded: Loaded) -> u64 {
        match loaded.signed {
            true => u64::MAX,
            false => u64::MAX >> (64 - loaded.size.bits()) << loaded.shift,
        }
    }
}

fn all(width: Width) -> u64 {
    match width {
        Width::W32 => LOW,
        Width::W64 => u64::MAX,
    }
}

/// The bits that may be set in a result, by those of the operands. `exact`: the
/// second operand is a number.
pub(crate) fn alu(op: AluOp, width: Width, dst: u64, src: u64, exact: bool) -> u64 {
    let all = all(width);
    let (dst, src) = match op {
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => (dst & all, src),
        _ => (dst & all, src & all),
    };
    let sign = all ^ all >> 1;
    let by = (src & if width == Width::W32 { 31 } else { 63 }) as u32;
    let bits = match op {
        AluOp::Mov => src,
        AluOp::And => dst & src,
        AluOp::Or | AluOp::Xor => dst | src,
        AluOp::Add => dst.checked_add(src).map_or(all, smear),
        AluOp::Mul => dst.checked_mul(src).map_or(all, smear),
        AluOp::Div => smear(dst),
        AluOp::Mod if exact && src != 0 => smear(dst.min(src - 1)),
        AluOp::Mod => smear(dst),
        AluOp::Lsh if exact => dst << by,
        AluOp::Rsh if exact => dst >> by,
        AluOp::Rsh => smear(dst),
        AluOp::Arsh if dst & sign == 0 => match exact {
            true => dst >> by,
            false => smear(dst),
        },
        _ => all,
    };
    if bits > all { all } else { bits }
}
