//! Scalars: what is known of a number.
//!
//! A [`Scalar`] is a set of 64-bit numbers, told in five ways at once: the bits
//! that are known ([`Tnum`]), and the interval in which the number lies when it
//! is read as unsigned or signed, all 64 bits of it or the low 32. The set is
//! what all five allow. After each operation the five learn from one another
//! (`sync`), as far as Linux goes and no further: precision beyond Linux's would
//! accept programs that Linux refuses.
//!
//! # Invariants
//!
//! * A number that an operand may be gives a number that the result may be, for
//!   each operator; a branch loses no pair of numbers that takes it; a decision
//!   holds for each pair.
//! * Every operator stands once, generic over the width ([`Word`]). The product
//!   runs it at 64 bits; tests try all numbers at widths of a few bits.
//!
//! Ids, precision marks and everything else that is true of a register and not
//! of its number are kept elsewhere.

mod alu;
mod branch;
#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod proofs;
mod range;
#[cfg(test)]
mod small;
mod sync;
pub mod text;
mod tnum;
mod word;
mod wrong;

pub use branch::Branches;
use inject::Bug;
pub use tnum::{Tnum, TnumOf};
pub use word::{Int, Signed, Word};

use range::Range;

/// What is known of a 64-bit number.
pub type Scalar = ScalarOf<u64>;

/// What is known of a number: see the module's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScalarOf<W: Word> {
    wide: Range<W>,
    low: Range<W::Half>,
    tnum: TnumOf<W>,
}

const _: () = assert!(size_of::<Scalar>() == 64);

impl<W: Word> ScalarOf<W> {
    /// Any number.
    pub const UNKNOWN: Self = ScalarOf {
        wide: Range::UNBOUNDED,
        low: Range::UNBOUNDED,
        tnum: TnumOf::UNKNOWN,
    };

    /// Any number.
    #[inline]
    pub const fn unknown() -> Self {
        Self::UNKNOWN
    }

    /// The one number.
    #[inline]
    pub fn constant(value: W) -> Self {
        ScalarOf {
            wide: Range::constant(value),
            low: Range::constant(value.low()),
            tnum: TnumOf::constant(value),
        }
    }

    /// The numbers from `min` to `max`, read as signed.
    pub fn from_signed_range(min: W::Signed, max: W::Signed) -> Self {
        let half = |end: W::Signed| end.bits().low().signed();
        let fits = |end: W::Signed| W::extend_signed(half(end)) == end;
        let mut scalar = Self::unknown();
        scalar.wide.smin = min;
        scalar.wide.smax = max;
        if fits(min) && fits(max) {
            scalar.low.smin = half(min);
            scalar.low.smax = half(max);
        }
        scalar.sync()
    }

    /// The numbers from `min` to `max`, read as unsigned.
    pub fn from_unsigned_range(min: W, max: W) -> Self {
        let mut scalar = Self::unknown();
        scalar.wide.umin = min;
        scalar.wide.umax = max;
        scalar.sync()
    }

    /// The numbers with these bits.
    pub fn from_tnum(tnum: TnumOf<W>) -> Self {
        ScalarOf {
            tnum,
            ..Self::unknown()
        }
        .sync()
    }

    /// The least number, read as unsigned.
    #[inline]
    pub fn umin(&self) -> W {
        self.wide.umin
    }

    /// The greatest number, read as unsigned.
    #[inline]
    pub fn umax(&self) -> W {
        self.wide.umax
    }

    /// The least number, read as signed.
    #[inline]
    pub fn smin(&self) -> W::Signed {
        self.wide.smin
    }

    /// The greatest number, read as signed.
    #[inline]
    pub fn smax(&self) -> W::Signed {
        self.wide.smax
    }

    /// The least low half, read as unsigned.
    #[inline]
    pub fn u32min(&self) -> W::Half {
        self.low.umin
    }

    /// The greatest low half, read as unsigned.
    #[inline]
    pub fn u32max(&self) -> W::Half {
        self.low.umax
    }

    /// The least low half, read as signed.
    #[inline]
    pub fn s32min(&self) -> <W::Half as Int>::Signed {
        self.low.smin
    }

    /// The greatest low half, read as signed.
    #[inline]
    pub fn s32max(&self) -> <W::Half as Int>::Signed {
        self.low.smax
    }

    /// The bits that are known.
    #[inline]
    pub fn tnum(&self) -> TnumOf<W> {
        self.tnum
    }

    /// The number, if all its bits are known.
    #[inline]
    pub fn as_const(&self) -> Option<W> {
        self.tnum.is_const().then_some(self.tnum.value)
    }

    /// Whether all bits are known.
    #[inline]
    pub fn is_const(&self) -> bool {
        self.tnum.is_const()
    }

    /// Whether all bits of the low half are known.
    #[inline]
    pub fn is_const32(&self) -> bool {
        self.tnum.low().is_const()
    }

    /// Whether nothing at all is known.
    #[inline]
    pub fn is_unknown(&self) -> bool {
        *self == Self::unknown()
    }

    /// Whether all five parts agree on one number.
    #[inline]
    fn is_constant(&self) -> bool {
        self.tnum.is_const() && *self == Self::constant(self.tnum.value)
    }

    /// Whether each number that this may be is one that `old` may be, by each of
    /// the five parts.
    #[inline]
    pub fn within(&self, old: &Self) -> bool {
        old.wide.includes(&self.wide) && old.low.includes(&self.low) && old.tnum.includes(self.tnum)
    }

    /// Whether the number may be this one, by each of the five parts.
    pub fn contains(&self, number: W) -> bool {
        self.wide.includes(&Range::constant(number))
            && self.low.includes(&Range::constant(number.low()))
            && self.tnum.contains(number)
    }

    /// Whether an interval has no numbers.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.wide.is_contradictory() || self.low.is_contradictory()
    }

    /// Whether the parts contradict each other where Linux looks: an interval
    /// without numbers, or known bits that the ranges do not know. It happens on
    /// paths that no run takes.
    #[inline]
    pub fn violates_invariants(&self) -> bool {
        if inject::on(Bug::Cve2021_3490) {
            return false;
        }
        self.is_empty()
            || (self.tnum.is_const() && !self.agrees_with_bits())
            || (self.tnum.low().is_const() && self.low != Range::constant(self.tnum.value.low()))
    }

    /// Whether the ranges of the word are the one number that the bits are, when
    /// all of them are known.
    #[inline]
    pub fn agrees_with_bits(&self) -> bool {
        self.wide == Range::constant(self.tnum.value)
    }

    /// With the low half known; the other parts stay as they are.
    #[inline]
    #[must_use]
    pub fn with_low(self, low: W::Half) -> Self {
        ScalarOf {
            wide: self.wide,
            low: Range::constant(low),
            tnum: self.tnum.with_low(TnumOf::constant(low)),
        }
    }

    /// What Linux goes on with after an operation: contradictory ranges
    /// ([`ScalarOf::violates_invariants`]) are forgotten, the known bits stay.
    #[inline]
    #[must_use]
    pub fn settled(self) -> Self {
        if self.violates_invariants() {
            ScalarOf {
                tnum: self.tnum,
                ..Self::unknown()
            }
        } else {
            self
        }
    }
}
