//! Tristate numbers: which bits of a number are known.
//!
//! A [`TnumOf`] is the set of all `x` with `x & !mask == value`. No bit stands in
//! both words, and neither set is ever empty.
//!
//! Multiplication is that of Linux 6.18, which unites the accumulator with and
//! without each unknown partial product; older releases lose more bits.

use super::word::{Int, Word};

/// The bits known of a `u64`.
pub type Tnum = TnumOf<u64>;

/// The bits known of a number: see the module's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TnumOf<I> {
    /// The bits known to be one.
    pub value: I,
    /// The bits that are not known.
    pub mask: I,
}

impl<I: Int> TnumOf<I> {
    /// Every number.
    pub const UNKNOWN: TnumOf<I> = TnumOf {
        value: I::ZERO,
        mask: I::MAX,
    };

    /// The one number.
    #[inline]
    pub fn constant(value: I) -> Self {
        TnumOf {
            value,
            mask: I::ZERO,
        }
    }

    /// The least tnum that holds every number of `min..=max`.
    #[inline]
    pub fn range(min: I, max: I) -> Self {
        let mask = (min ^ max).filled();
        TnumOf {
            value: min & !mask,
            mask,
        }
    }

    /// Whether it is one number.
    #[inline]
    pub fn is_const(self) -> bool {
        self.mask == I::ZERO
    }

    /// Whether nothing is known.
    #[inline]
    pub fn is_unknown(self) -> bool {
        self.mask == I::MAX
    }

    /// The greatest member; the least is `value`.
    #[inline]
    pub fn max(self) -> I {
        self.value | self.mask
    }

    /// Whether the number is a member.
    #[inline]
    pub fn contains(self, number: I) -> bool {
        number & !self.mask == self.value
    }

    /// Whether every member of `other` is a member.
    #[inline]
    pub fn includes(self, other: Self) -> bool {
        other.mask & !self.mask == I::ZERO && self.contains(other.value)
    }

    /// Whether no bit is known in both and differs.
    #[inline]
    pub fn overlaps(self, other: Self) -> bool {
        (self.value ^ other.value) & !(self.mask | other.mask) == I::ZERO
    }

    /// The least member greater than `number`; the greatest member if there is
    /// none.
    #[inline]
    pub fn step(self, number: I) -> I {
        if number >= self.max() {
            return self.max();
        }
        if number < self.value {
            return self.value;
        }
        // A member is value + part, where part takes its bits from the mask: the
        // least part above `beyond` is wanted. Bits of `beyond` outside the mask
        // force a carry out of everything below the highest of them; a one added
        // to a word that is filled outside the mask carries through the rest.
        let beyond = number.wrapping_sub(self.value);
        let outside = beyond & !self.mask;
        let part = (beyond | outside.filled() | !self.mask).wrapping_add(I::ONE) & self.mask;
        self.value | part
    }

    /// Members of both. Where they contradict each other one wins.
    #[inline]
    pub fn intersect(self, other: Self) -> Self {
        let mask = self.mask & other.mask;
        TnumOf {
            value: (self.value | other.value) & !mask,
            mask,
        }
    }

    /// The least tnum that holds the members of both.
    #[inline]
    pub fn union(self, other: Self) -> Self {
        let mask = (self.value ^ other.value) | self.mask | other.mask;
        TnumOf {
            value: self.value & other.value & !mask,
            mask,
        }
    }

    /// Sums.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "as its siblings")]
    pub fn add(self, other: Self) -> Self {
        let masks = self.mask.wrapping_add(other.mask);
        let values = self.value.wrapping_add(other.value);
        let carries = masks.wrapping_add(values) ^ values;
        let mask = carries | self.mask | other.mask;
        TnumOf {
            value: values & !mask,
            mask,
        }
    }

    /// Differences.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "as its siblings")]
    pub fn sub(self, other: Self) -> Self {
        let values = self.value.wrapping_sub(other.value);
        let most = values.wrapping_add(self.mask);
        let least = values.wrapping_sub(other.mask);
        let mask = (most ^ least) | self.mask | other.mask;
        TnumOf {
            value: values & !mask,
            mask,
        }
    }

    /// Products.
    #[expect(clippy::should_implement_trait, reason = "as its siblings")]
    pub fn mul(self, other: Self) -> Self {
        let (mut a, mut b, mut sum) = (self, other, TnumOf::constant(I::ZERO));
        while a.max() != I::ZERO && b.max() != I::ZERO {
            (a, b) = Self::skip_zeros(a, b);
            (a, b, sum) = Self::multiply_round(a, b, sum);
        }
        sum
    }

    /// Factors with the same product, the lowest bit of the first not known zero;
    /// `a` is not zero.
    #[inline]
    pub(super) fn skip_zeros(a: Self, b: Self) -> (Self, Self) {
        let zeros = a.max().trailing_zeros();
        (a.lsr(zeros), b.lsl(zeros))
    }

    /// Adds the partial product of the lowest bit of `a`, which is not known zero:
    /// what is left to multiply, and the sum.
    #[inline]
    pub(super) fn multiply_round(a: Self, b: Self, sum: Self) -> (Self, Self, Self) {
        let with = sum.add(b);
        let sum = if a.mask & I::ONE == I::ZERO {
            with
        } else {
            sum.union(with)
        };
        (a.lsr(1), b.lsl(1), sum)
    }

    /// Conjunctions.
    #[inline]
    pub fn and(self, other: Self) -> Self {
        let value = self.value & other.value;
        TnumOf {
            value,
            mask: self.max() & other.max() & !value,
        }
    }

    /// Disjunctions.
    #[inline]
    pub fn or(self, other: Self) -> Self {
        let value = self.value | other.value;
        TnumOf {
            value,
            mask: (self.mask | other.mask) & !value,
        }
    }

    /// Exclusive disjunctions.
    #[inline]
    pub fn xor(self, other: Self) -> Self {
        let mask = self.mask | other.mask;
        TnumOf {
            value: (self.value ^ other.value) & !mask,
            mask,
        }
    }

    /// Shifts to the left, by less than the width.
    #[inline]
    pub fn lsl(self, amount: u32) -> Self {
        TnumOf {
            value: self.value << amount,
            mask: self.mask << amount,
        }
    }

    /// Logical shifts to the right, by less than the width.
    #[inline]
    pub fn lsr(self, amount: u32) -> Self {
        TnumOf {
            value: self.value >> amount,
            mask: self.mask >> amount,
        }
    }

    /// Arithmetic shifts to the right, by less than the width.
    #[inline]
    pub fn asr(self, amount: u32) -> Self {
        use super::word::Signed;
        TnumOf {
            value: self.value.signed().shift_right(amount).bits(),
            mask: self.mask.signed().shift_right(amount).bits(),
        }
    }

    /// Its low `bits`, the rest zero.
    #[inline]
    pub fn truncate(self, bits: u32) -> Self {
        let keep = I::ones(bits);
        TnumOf {
            value: self.value & keep,
            mask: self.mask & keep,
        }
    }
}

impl<W: Word> TnumOf<W> {
    /// The low half.
    #[inline]
    pub fn low(self) -> TnumOf<W::Half> {
        TnumOf {
            value: self.value.low(),
            mask: self.mask.low(),
        }
    }

    /// The word with a low half alone.
    #[inline]
    pub fn extend(low: TnumOf<W::Half>) -> Self {
        TnumOf {
            value: W::extend(low.value),
            mask: W::extend(low.mask),
        }
    }

    /// With another low half.
    #[inline]
    pub fn with_low(self, low: TnumOf<W::Half>) -> Self {
        TnumOf {
            value: W::join(self.value.high(), low.value),
            mask: W::join(self.mask.high(), low.mask),
        }
    }

    /// With its bytes in reverse order.
    #[inline]
    pub fn swap_bytes(self) -> Self {
        TnumOf {
            value: self.value.swap_bytes(),
            mask: self.mask.swap_bytes(),
        }
    }
}
