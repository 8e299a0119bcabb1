//! Two intervals that hold a number: one as it reads unsigned, one as it reads
//! signed.
//!
//! A scalar has two of these, for the word and for its low half, and each
//! operator stands here once for both. The results are Linux's, not the best
//! possible: an end that overflows loses both ends.

use super::tnum::TnumOf;
use super::word::{Int, Signed};
use inject::Bug;

/// An unsigned and a signed interval, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Range<I: Int> {
    pub(super) umin: I,
    pub(super) umax: I,
    pub(super) smin: I::Signed,
    pub(super) smax: I::Signed,
}

impl<I: Int> Range<I> {
    pub(super) const UNBOUNDED: Range<I> = Range {
        umin: I::ZERO,
        umax: I::MAX,
        smin: I::Signed::MIN,
        smax: I::Signed::MAX,
    };

    #[inline]
    pub(super) fn constant(value: I) -> Self {
        Range {
            umin: value,
            umax: value,
            smin: value.signed(),
            smax: value.signed(),
        }
    }

    /// An unsigned interval; the signed one is the same if it does not cross the
    /// sign, else unbounded.
    #[inline]
    fn unsigned(umin: I, umax: I) -> Self {
        let (smin, smax) = if umin.signed() <= umax.signed() {
            (umin.signed(), umax.signed())
        } else {
            (I::Signed::MIN, I::Signed::MAX)
        };
        Range {
            umin,
            umax,
            smin,
            smax,
        }
    }

    /// Whether an end stands past the other.
    #[inline]
    pub(super) fn is_contradictory(&self) -> bool {
        self.umin > self.umax || self.smin > self.smax
    }

    /// Whether every number of `other` is one of these.
    #[inline]
    pub(super) fn includes(&self, other: &Self) -> bool {
        self.umin <= other.umin
            && self.umax >= other.umax
            && self.smin <= other.smin
            && self.smax >= other.smax
    }

    /// Numbers of both.
    #[inline]
    pub(super) fn intersect(&self, other: &Self) -> Self {
        Range {
            umin: self.umin.max(other.umin),
            umax: self.umax.min(other.umax),
            smin: self.smin.max(other.smin),
            smax: self.smax.min(other.smax),
        }
    }

    #[inline]
    pub(super) fn at_least_unsigned(&mut self, min: I) {
        self.umin = self.umin.max(min);
    }

    #[inline]
    pub(super) fn at_most_unsigned(&mut self, max: I) {
        self.umax = self.umax.min(max);
    }

    #[inline]
    pub(super) fn at_least_signed(&mut self, min: I::Signed) {
        self.smin = self.smin.max(min);
    }

    #[inline]
    pub(super) fn at_most_signed(&mut self, max: I::Signed) {
        self.smax = self.smax.min(max);
    }

    /// What the known bits say of both intervals.
    #[inline]
    pub(super) fn learn_from_bits(&mut self, tnum: TnumOf<I>) {
        let sign = !(I::MAX >> 1);
        self.at_least_signed((tnum.value | (tnum.mask & sign)).signed());
        self.at_most_signed((tnum.value | (tnum.mask & !sign)).signed());
        self.at_least_unsigned(tnum.value);
        self.at_most_unsigned(tnum.max());
    }

    /// What each interval says of the other.
    #[inline]
    pub(super) fn reconcile(&mut self) {
        if self.umin.signed() <= self.umax.signed() {
            self.at_least_signed(self.umin.signed());
            self.at_most_signed(self.umax.signed());
        }
        let (low, high) = (self.smin.bits(), self.smax.bits());
        if low <= high {
            self.at_least_unsigned(low);
            self.at_most_unsigned(high);
        } else if self.umax < low {
            // As unsigned numbers the signed interval is 0..=high and low..=MAX;
            // the unsigned one ends before the latter.
            self.smin = self.umin.signed();
            self.at_most_unsigned(high);
        } else if high < self.umin {
            self.smax = self.umax.signed();
            self.at_least_unsigned(low);
        }
    }

    #[inline]
    pub(super) fn add(&self, other: &Self) -> Self {
        let (umin, min_wraps) = self.umin.overflowing_add(other.umin);
        let (umax, max_wraps) = self.umax.overflowing_add(other.umax);
        // If both ends wrap, everything between does.
        let whole = max_wraps && !min_wraps;
        Self::of_ends(
            if whole { None } else { Some((umin, umax)) },
            self.smin
                .checked_add(other.smin)
                .zip(self.smax.checked_add(other.smax)),
        )
    }

    #[inline]
    pub(super) fn sub(&self, other: &Self) -> Self {
        let (umin, min_wraps) = self.umin.overflowing_sub(other.umax);
        let (umax, max_wraps) = self.umax.overflowing_sub(other.umin);
        let whole = min_wraps && !max_wraps;
        Self::of_ends(
            if whole { None } else { Some((umin, umax)) },
            self.smin
                .checked_sub(other.smax)
                .zip(self.smax.checked_sub(other.smin)),
        )
    }

    /// As [`Range::add`], but any unsigned end that wraps loses both.
    #[inline]
    pub(super) fn add_without_wrap(&self, other: &Self) -> Self {
        let (umin, min_wraps) = self.umin.overflowing_add(other.umin);
        let (umax, max_wraps) = self.umax.overflowing_add(other.umax);
        let mut sum = self.add(other);
        (sum.umin, sum.umax) = if min_wraps || max_wraps {
            (I::ZERO, I::MAX)
        } else {
            (umin, umax)
        };
        sum
    }

    /// As [`Range::sub`], but any unsigned end that wraps loses both.
    #[inline]
    pub(super) fn sub_without_wrap(&self, other: &Self) -> Self {
        let mut difference = self.sub(other);
        if self.umin < other.umax {
            (difference.umin, difference.umax) = (I::ZERO, I::MAX);
        }
        difference
    }

    #[inline]
    fn of_ends(unsigned: Option<(I, I)>, signed: Option<(I::Signed, I::Signed)>) -> Self {
        let (umin, umax) = unsigned.unwrap_or((I::ZERO, I::MAX));
        let (smin, smax) = signed.unwrap_or((I::Signed::MIN, I::Signed::MAX));
        Range {
            umin,
            umax,
            smin,
            smax,
        }
    }

    #[inline]
    pub(super) fn mul(&self, other: &Self) -> Self {
        let unsigned = self
            .umin
            .checked_mul(other.umin)
            .zip(self.umax.checked_mul(other.umax));
        Self::of_ends(unsigned, self.mul_signed(other))
    }

    #[inline]
    fn mul_signed(&self, other: &Self) -> Option<(I::Signed, I::Signed)> {
        let a = self.smin.checked_mul(other.smin)?;
        let b = self.smin.checked_mul(other.smax)?;
        let c = self.smax.checked_mul(other.smin)?;
        let d = self.smax.checked_mul(other.smax)?;
        Some((a.min(b).min(c).min(d), a.max(b).max(c).max(d)))
    }

    /// `bits` are the known bits of the result, here and below.
    #[inline]
    pub(super) fn and(&self, other: &Self, bits: TnumOf<I>) -> Self {
        Self::unsigned(bits.value, self.umax.min(other.umax))
    }

    #[inline]
    pub(super) fn or(&self, other: &Self, bits: TnumOf<I>) -> Self {
        Self::unsigned(self.umin.max(other.umin), bits.max())
    }

    #[inline]
    pub(super) fn xor(&self, bits: TnumOf<I>) -> Self {
        Self::unsigned(bits.value, bits.max())
    }

    /// By any amount: nothing is left of the number at the width and beyond.
    #[inline]
    pub(super) fn lsl(&self, amount: u32) -> Self {
        if amount >= I::BITS || self.umax > I::ONE << (I::BITS - 1 - amount) {
            return Self::UNBOUNDED;
        }
        Range {
            umin: self.umin << amount,
            umax: self.umax << amount,
            ..Self::UNBOUNDED
        }
    }

    /// By less than the width, as below.
    #[inline]
    pub(super) fn lsr(&self, amount: u32) -> Self {
        Range {
            umin: self.umin >> amount,
            umax: self.umax >> amount,
            smax: if inject::on(Bug::Cve2017_17853) {
                self.smax
            } else {
                I::Signed::MAX
            },
            ..Self::UNBOUNDED
        }
    }

    #[inline]
    pub(super) fn asr(&self, amount: u32) -> Self {
        Range {
            smin: self.smin.shift_right(amount),
            smax: self.smax.shift_right(amount),
            ..Self::UNBOUNDED
        }
    }
}
