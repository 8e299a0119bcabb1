//! What the parts of a scalar say of one another.
//!
//! The known bits bound the ranges, the range of the low half bounds that of the
//! word and the other way, unsigned bounds signed, and the ranges make bits
//! known. Linux does a fixed number of rounds of this, so a scalar is not always
//! as tight as it could be, and programs are refused for it: the rounds and their
//! order are part of what is reproduced. Measured on Linux 6.18.

use super::ScalarOf;
use super::tnum::TnumOf;
use super::word::{Int, Signed, Word};
use inject::Bug;

/// Linux's rounds of [`ScalarOf::deduce`]; fewer give other results.
const ROUNDS: u32 = 3;

impl<W: Word> ScalarOf<W> {
    /// Lets each part learn from the others, as after every operation.
    pub(super) fn sync(mut self) -> Self {
        #[cfg(test)]
        if super::proofs::leave_out_sync() {
            return self;
        }
        if self.is_constant() || self == Self::unknown() {
            return self;
        }
        self.bound_by_bits();
        let mut is_new = false;
        for _ in 0..ROUNDS {
            let before = self;
            self.deduce();
            if self == before {
                break;
            }
            is_new = true;
        }
        let bits = self.tnum;
        self.learn_bits();
        // If nothing is new the bits have said what they say.
        if is_new || self.tnum != bits {
            self.bound_by_bits();
        }
        self
    }

    /// Bits to ranges.
    #[inline]
    pub(super) fn bound_by_bits(&mut self) {
        if !self.tnum.is_unknown() {
            self.low.learn_from_bits(self.tnum.low());
            self.wide.learn_from_bits(self.tnum);
        }
        if let Some(only) = self.only_member() {
            *self = Self::constant(only);
        }
    }

    /// The one number that is both in the unsigned range and a member of the
    /// tnum, where Linux sees that there is but one.
    #[inline]
    pub(super) fn only_member(&self) -> Option<W> {
        let (min, max) = (self.wide.umin, self.wide.umax);
        let next = self.tnum.step(min);
        if self.tnum.contains(min) {
            return (next > max).then_some(min);
        }
        let last = next == self.tnum.max();
        let alone = next <= max && self.tnum.step(next) > max;
        (last || alone).then_some(next)
    }

    /// Ranges to ranges.
    #[inline]
    pub(super) fn deduce(&mut self) {
        self.narrow_low();
        self.low.reconcile();
        self.wide.reconcile();
        self.narrow_wide();
    }

    /// The word's ranges to those of its low half.
    #[inline]
    pub(super) fn narrow_low(&mut self) {
        let (umin, umax) = (self.wide.umin, self.wide.umax);
        let (smin, smax) = (self.wide.smin.bits(), self.wide.smax.bits());

        if inject::on(Bug::Cve2021_31440) && umin.high() == W::Half::ZERO {
            self.low.at_least_unsigned(umin.low());
        }
        if umin.high() == umax.high() {
            self.low.at_least_unsigned(umin.low());
            self.low.at_most_unsigned(umax.low());
            self.narrow_low_signed(umin, umax);
        }
        if smin.high() == smax.high() {
            if smin.low() <= smax.low() {
                self.low.at_least_unsigned(smin.low());
                self.low.at_most_unsigned(smax.low());
            }
            self.narrow_low_signed(smin, smax);
        }
        // From the negative end of one upper half to the start of the next.
        for (min, max) in [(umin, umax), (smin, smax)] {
            let next = min.high().wrapping_add(W::Half::ONE) == max.high();
            let zero = <W::Half as Int>::Signed::ZERO;
            if next && min.low().signed() < zero && max.low().signed() >= zero {
                self.narrow_low_signed(min, max);
            }
        }
    }

    /// The low half lies between those of two words, if they are in order.
    #[inline]
    fn narrow_low_signed(&mut self, min: W, max: W) {
        let (min, max) = (min.low().signed(), max.low().signed());
        if min <= max {
            self.low.at_least_signed(min);
            self.low.at_most_signed(max);
        }
    }

    /// The low half's ranges to those of the word.
    #[inline]
    pub(super) fn narrow_wide(&mut self) {
        let (low, wide) = (&self.low, &mut self.wide);
        wide.at_least_unsigned(W::join(wide.umin.high(), low.umin));
        wide.at_most_unsigned(W::join(wide.umax.high(), low.umax));
        wide.at_least_signed(W::join(wide.smin.bits().high(), low.umin).signed());
        wide.at_most_signed(W::join(wide.smax.bits().high(), low.umax).signed());

        let half_min = W::extend_signed(<W::Half as Int>::Signed::MIN);
        let half_max = W::extend_signed(<W::Half as Int>::Signed::MAX);
        let is_positive = low.smin >= <W::Half as Int>::Signed::ZERO;
        if is_positive && wide.smin >= half_min && wide.smax <= half_max {
            wide.smin = W::extend_signed(low.smin);
            wide.smax = W::extend_signed(low.smax);
            wide.umin = wide.smin.bits();
            wide.umax = wide.smax.bits();
            self.tnum = self.tnum.intersect(TnumOf::range(wide.umin, wide.umax));
        }
    }

    /// Ranges to bits.
    #[inline]
    pub(super) fn learn_bits(&mut self) {
        let wide = self
            .tnum
            .intersect(TnumOf::range(self.wide.umin, self.wide.umax));
        let low = wide
            .low()
            .intersect(TnumOf::range(self.low.umin, self.low.umax));
        self.tnum = wide.with_low(low);
    }
}
