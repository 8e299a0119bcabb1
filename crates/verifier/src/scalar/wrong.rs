//! What others did wrong, for bugs that are brought back ([`inject`]). Nothing of
//! this is in a normal build.

use super::ScalarOf;
use super::range::Range;
use super::tnum::TnumOf;
use super::word::{Int, Word};

/// `low` with the ends of the whole number, cut, as its signed range.
pub(super) fn signed_from_wide<W: Word>(
    number: &ScalarOf<W>,
    low: Range<W::Half>,
) -> Range<W::Half> {
    Range {
        smin: number.wide.umin.low().signed(),
        smax: number.wide.umax.low().signed(),
        ..low
    }
}

/// The low half of the whole number shifted to the right, ends cut as well.
pub(super) fn shift_then_cut<W: Word>(
    number: &ScalarOf<W>,
    amount: u32,
) -> (Range<W::Half>, TnumOf<W::Half>) {
    let wide = number.wide.lsr(amount);
    let low = Range {
        umin: wide.umin.low(),
        umax: wide.umax.low(),
        ..Range::UNBOUNDED
    };
    (low, number.tnum.lsr(amount).low())
}

/// The low half, with the ends of the whole number as far as they fit.
pub(super) fn keep_ends_that_fit<W: Word>(number: ScalarOf<W>) -> ScalarOf<W> {
    let mut low = number.low;
    for (end, is_min) in [(number.wide.umin, true), (number.wide.umax, false)] {
        if end.high() != W::Half::ZERO {
            continue;
        }
        match is_min {
            true => low.at_least_unsigned(end.low()),
            false => low.at_most_unsigned(end.low()),
        }
    }
    ScalarOf::of_low(low, number.tnum.low())
}

/// The low half, its signed range taken for that of the whole number.
pub(super) fn extend_signed_range<W: Word>(number: ScalarOf<W>) -> ScalarOf<W> {
    let mut cut = ScalarOf::of_low(number.low, number.tnum.low());
    cut.wide.smin = W::extend_signed(number.low.smin);
    cut.wide.smax = W::extend_signed(number.low.smax);
    cut.sync()
}

/// Bits known of the low half from the low halves of the ends.
pub(super) fn low_bits_from_ends<W: Word>(number: ScalarOf<W>) -> ScalarOf<W> {
    let ends = TnumOf::range(number.wide.umin.low(), number.wide.umax.low());
    let low = number.tnum.low().intersect(ends);
    ScalarOf {
        tnum: number.tnum.with_low(low),
        ..number
    }
}
