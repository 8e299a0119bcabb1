//! Expressions over what host registers hold.

use isa::{AluOp, Reg, Size, Width};

use crate::analysis::RegSet;

/// What a register of the program holds. Registers in it stand for what the host
/// register of that name holds, which is not what the program's register does when
/// that one waits as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// What its host register holds.
    Here,
    /// A sum in 64 bits.
    Sum(Sum),
    /// The lower half of a sum, zero-extended.
    Low(Sum),
    /// A shift.
    Shift(Shift),
    /// Rotated to the left; the upper half is zero for [`Width::W32`].
    Rotate { reg: Reg, by: u8, width: Width },
    /// The low 8, 16 or 32 bits: zero-extended, or sign-extended to a width.
    Extend {
        reg: Reg,
        bits: u8,
        signed: Option<Width>,
    },
    /// What lies in memory, which has not been read yet.
    Loaded(Loaded),
}

/// `base + (index << shift) + disp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) base: Option<Reg>,
    /// A register, and by what it is shifted: 0 to 3.
    pub(crate) index: Option<(Reg, u8)>,
    pub(crate) disp: i64,
}

/// A shift by a number less than the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift {
    /// [`AluOp::Lsh`], [`AluOp::Rsh`] or [`AluOp::Arsh`].
    pub(crate) op: AluOp,
    pub(crate) width: Width,
    pub(crate) reg: Reg,
    pub(crate) by: u8,
}

/// A load that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) at: Sum,
    pub(crate) size: Size,
    pub(crate) signed: bool,
    /// Its bytes are reversed.
    pub(crate) swapped: bool,
    /// By how much it is then shifted to the left. All bits stay.
    pub(crate) shift: u8,
    /// The number of its instruction; of several, of the first.
    pub(crate) number: u32,
    /// Of several: what whoever joined them knows them by. 0 of one.
    pub(crate) parts: u32,
}

impl Sum {
    pub(crate) fn of(reg: Reg) -> Sum {
        Sum {
            base: Some(reg),
            ..Sum::default()
        }
    }

    pub(crate) fn constant(value: u64) -> Sum {
        Sum {
            disp: value as i64,
            ..Sum::default()
        }
    }

    pub(crate) fn shifted(reg: Reg, by: u8) -> Sum {
        Sum {
            index: Some((reg, by)),
            ..Sum::default()
        }
    }

    pub(crate) fn plus(self, number: i64) -> Sum {
        Sum {
            disp: self.disp.wrapping_add(number),
            ..self
        }
    }

    pub(crate) fn as_constant(self) -> Option<u64> {
        (self.base.is_none() && self.index.is_none()).then_some(self.disp as u64)
    }

    /// The register, if it is nothing but that.
    pub(crate) fn as_copy(self) -> Option<Reg> {
        self.base.filter(|_| self.index.is_none() && self.disp == 0)
    }

    /// The sum of two, if it has a form.
    pub(crate) fn with(self, other: Sum) -> Option<Sum> {
        let disp = self.disp.wrapping_add(other.disp);
        let mut base = None;
        let mut index = None;
        let terms = [
            self.base.map(|reg| (reg, 0)),
            self.index,
            other.base.map(|reg| (reg, 0)),
            other.index,
        ];
        for (reg, shift) in terms.into_iter().flatten() {
            if base.is_none() && shift == 0 {
                base = Some(reg);
            } else if index.is_none() {
                index = Some((reg, shift));
            } else {
                return None;
            }
        }
        Some(Sum { base, index, disp })
    }

    pub(crate) fn reads(self) -> RegSet {
        let base = self.base.map_or(RegSet::NONE, RegSet::of);
        let index = self.index.map(|(reg, _)| RegSet::of(reg));
        base.with(index.unwrap_or_default())
    }
}

impl Value {
    pub(crate) fn constant(value: u64) -> Value {
        Value::Sum(Sum::constant(value))
    }

    /// The host registers that it depends on.
    pub(crate) fn reads(self) -> RegSet {
        match self {
            Value::Here => RegSet::NONE,
            Value::Sum(sum) | Value::Low(sum) => sum.reads(),
            Value::Shift(shift) => RegSet::of(shift.reg),
            Value::Rotate { reg, .. } | Value::Extend { reg, .. } => RegSet::of(reg),
            Value::Loaded(loaded) => loaded.at.reads(),
        }
    }

    /// Two shifts of a register that together rotate it.
    pub(crate) fn rotation(self, other: Value) -> Option<Value> {
        let (Value::Shift(one), Value::Shift(two)) = (self, other) else {
            return None;
        };
        let (left, right) = match (one.op, two.op) {
            (AluOp::Lsh, AluOp::Rsh) => (one, two),
            (AluOp::Rsh, AluOp::Lsh) => (two, one),
            _ => return None,
        };
        let bits = left.width.bits();
        let fits = left.reg == right.reg
            && left.width == right.width
            && u32::from(left.by + right.by) == bits;
        fits.then_some(Value::Rotate {
            reg: left.reg,
            by: left.by,
            width: left.width,
        })
    }
}

impl Loaded {
    /// One load in place of two whose bytes are put together.
    pub(crate) fn join(self, other: Loaded) -> Option<Loaded> {
        let (low, high) = match self.shift < other.shift {
            true => (self, other),
            false => (other, self),
        };
        let same = low.size == high.size
            && !low.signed
            && !high.signed
            && low.at.base == high.at.base
            && low.at.index == high.at.index
            && u32::from(high.shift - low.shift) == low.size.bits();
        if !same {
            return None;
        }
        let bytes = i64::from(low.size.bytes());
        let distance = high.at.disp.wrapping_sub(low.at.disp);
        let single = low.size == Size::B1;
        let (at, swapped) = match distance {
            _ if distance == bytes && !low.swapped && !high.swapped => (low.at, false),
            _ if distance == -bytes && (single || low.swapped && high.swapped) => (high.at, true),
            _ => return None,
        };
        let size = match low.size {
            Size::B1 => Size::B2,
            Size::B2 => Size::B4,
            Size::B4 => Size::B8,
            Size::B8 => return None,
        };
        Some(Loaded {
            at,
            size,
            signed: false,
            swapped,
            shift: low.shift,
            number: low.number.min(high.number),
            parts: 0,
        })
    }
}
