//! What a conditional jump tells of its operands.

use inject::Bug;
use isa::{CmpOp, Width};

use super::ScalarOf;
use super::range::Range;
use super::tnum::TnumOf;
use super::word::{Int, Signed, Word};
use super::wrong;

/// The operands of a conditional jump, `(dst, src)`, on both ways out of it.
///
/// On a way that cannot be taken they may contradict themselves: see
/// [`ScalarOf::violates_invariants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branches<W: Word = u64> {
    /// When the jump is not taken.
    pub fall: (ScalarOf<W>, ScalarOf<W>),
    /// When it is.
    pub taken: (ScalarOf<W>, ScalarOf<W>),
}

/// What is learned when a condition holds.
#[derive(Clone, Copy)]
enum Learn {
    Equal,
    Unequal,
    /// The first is less than the second, or equal if `strict` is not set.
    Less {
        signed: bool,
        strict: bool,
    },
    /// A bit in common.
    Common,
    /// No bit in common.
    Disjoint,
}

impl<W: Word> ScalarOf<W> {
    /// What is known of the operands of `if dst op src` on both ways.
    pub fn refine(op: CmpOp, width: Width, dst: Self, src: Self) -> Branches<W> {
        let fall = assume(op, false, width, dst, src);
        let src = match src.is_const() && inject::on(Bug::Cve2024_41003) {
            true => fall.1,
            false => src,
        };
        Branches {
            fall,
            taken: assume(op, true, width, dst, src),
        }
    }

    /// As [`ScalarOf::refine`] when both operands are one register: it learns
    /// what either operand would, and Linux sees no more in it than that.
    pub fn refine_same(op: CmpOp, width: Width, both: Self) -> Branches<W> {
        let way = |holds| {
            let (dst, src) = assume_unsynced(op, holds, width, both, both);
            let both = ScalarOf {
                wide: dst.wide.intersect(&src.wide),
                low: dst.low.intersect(&src.low),
                tnum: dst.tnum,
            }
            .sync();
            (both, both)
        };
        Branches {
            fall: way(false),
            taken: way(true),
        }
    }

    /// Whether `if a op b` is always taken, never, or unknown.
    pub fn decide(op: CmpOp, width: Width, a: &Self, b: &Self) -> Option<bool> {
        match op {
            CmpOp::Eq => a.equals(b, width),
            CmpOp::Ne => a.equals(b, width).map(|equal| !equal),
            CmpOp::Set => a.shares_bits(b, width),
            _ => match width {
                Width::W64 => compare(op, &a.wide, &b.wide),
                Width::W32 => compare(op, &a.low, &b.low),
            },
        }
    }

    fn equals(&self, other: &Self, width: Width) -> Option<bool> {
        match width {
            Width::W64 => equals((&self.wide, self.tnum), (&other.wide, other.tnum))
                .or_else(|| are_apart(&self.low, &other.low).then_some(false)),
            Width::W32 => equals((&self.low, self.tnum.low()), (&other.low, other.tnum.low())),
        }
    }

    fn shares_bits(&self, other: &Self, width: Width) -> Option<bool> {
        match width {
            Width::W64 => shares_bits(self.tnum, other.tnum),
            Width::W32 => shares_bits(self.tnum.low(), other.tnum.low()),
        }
    }
}

/// The operands when the condition is known to hold, or not to.
fn assume<W: Word>(
    op: CmpOp,
    holds: bool,
    width: Width,
    dst: ScalarOf<W>,
    src: ScalarOf<W>,
) -> (ScalarOf<W>, ScalarOf<W>) {
    let (mut dst, mut src) = assume_unsynced(op, holds, width, dst, src);
    if inject::on(Bug::Cve2020_8835) && width == Width::W32 {
        dst = wrong::low_bits_from_ends(dst);
        src = wrong::low_bits_from_ends(src);
    }
    (dst.sync(), src.sync())
}

fn assume_unsynced<W: Word>(
    op: CmpOp,
    holds: bool,
    width: Width,
    dst: ScalarOf<W>,
    src: ScalarOf<W>,
) -> (ScalarOf<W>, ScalarOf<W>) {
    let less = |signed, strict| Learn::Less { signed, strict };
    // `swapped`: what is learned is of `src` and `dst`.
    let (learn, swapped) = match (op, holds) {
        (CmpOp::Eq, true) | (CmpOp::Ne, false) => (Learn::Equal, false),
        (CmpOp::Eq, false) | (CmpOp::Ne, true) => (Learn::Unequal, false),
        (CmpOp::Set, true) => (Learn::Common, false),
        (CmpOp::Set, false) => (Learn::Disjoint, false),
        (CmpOp::Lt, true) | (CmpOp::Ge, false) => (less(false, true), false),
        (CmpOp::Le, true) | (CmpOp::Gt, false) => (less(false, false), false),
        (CmpOp::Gt, true) | (CmpOp::Le, false) => (less(false, true), true),
        (CmpOp::Ge, true) | (CmpOp::Lt, false) => (less(false, false), true),
        (CmpOp::Slt, true) | (CmpOp::Sge, false) => (less(true, true), false),
        (CmpOp::Sle, true) | (CmpOp::Sgt, false) => (less(true, false), false),
        (CmpOp::Sgt, true) | (CmpOp::Sle, false) => (less(true, true), true),
        (CmpOp::Sge, true) | (CmpOp::Slt, false) => (less(true, false), true),
    };
    let (mut dst, mut src) = (dst, src);
    if swapped {
        apply(learn, width, &mut src, &mut dst);
    } else {
        apply(learn, width, &mut dst, &mut src);
    }
    (dst, src)
}

fn apply<W: Word>(learn: Learn, width: Width, a: &mut ScalarOf<W>, b: &mut ScalarOf<W>) {
    match learn {
        Learn::Equal => learn_equal(width, a, b),
        Learn::Unequal => with_constant(width, a, b, learn_unequal),
        Learn::Common => with_constant(width, a, b, learn_common),
        Learn::Disjoint => with_constant(width, a, b, learn_disjoint),
        Learn::Less { signed, strict } => match width {
            Width::W64 => learn_less(signed, strict, &mut a.wide, &mut b.wide),
            Width::W32 => learn_less(signed, strict, &mut a.low, &mut b.low),
        },
    }
}

fn learn_equal<W: Word>(width: Width, a: &mut ScalarOf<W>, b: &mut ScalarOf<W>) {
    match width {
        Width::W64 => {
            a.wide = a.wide.intersect(&b.wide);
            b.wide = a.wide;
            a.tnum = a.tnum.intersect(b.tnum);
            b.tnum = a.tnum;
        }
        Width::W32 => {
            a.low = a.low.intersect(&b.low);
            b.low = a.low;
            let bits = a.tnum.low().intersect(b.tnum.low());
            a.tnum = a.tnum.with_low(bits);
            b.tnum = b.tnum.with_low(bits);
        }
    }
}

/// Calls `learn` with the operand that is not constant and the constant (of the
/// compared width), if one is.
fn with_constant<W: Word>(
    width: Width,
    a: &mut ScalarOf<W>,
    b: &mut ScalarOf<W>,
    learn: impl Fn(Width, &mut ScalarOf<W>, W),
) {
    let known = |scalar: &ScalarOf<W>| match width {
        Width::W64 => scalar.as_const(),
        Width::W32 => scalar
            .is_const32()
            .then(|| W::extend(scalar.tnum.value.low())),
    };
    if let Some(value) = known(b) {
        learn(width, a, value);
    } else if let Some(value) = known(a) {
        learn(width, b, value);
    }
}

fn learn_unequal<W: Word>(width: Width, scalar: &mut ScalarOf<W>, value: W) {
    match width {
        Width::W64 => exclude(&mut scalar.wide, value),
        Width::W32 => exclude(&mut scalar.low, value.low()),
    }
}

/// Moves the ends that stand on the value.
fn exclude<I: Int>(range: &mut Range<I>, value: I) {
    let one = I::ONE;
    if range.umin == value {
        range.umin = value.wrapping_add(one);
    }
    if range.umax == value {
        range.umax = value.wrapping_sub(one);
    }
    if range.smin == value.signed() {
        range.smin = value.wrapping_add(one).signed();
    }
    if range.smax == value.signed() {
        range.smax = value.wrapping_sub(one).signed();
    }
}

/// Only a mask of one bit tells something.
fn learn_common<W: Word>(width: Width, scalar: &mut ScalarOf<W>, mask: W) {
    let is_power_of_two = mask != W::ZERO && mask & mask.wrapping_sub(W::ONE) == W::ZERO;
    if is_power_of_two {
        let known = TnumOf::constant(mask);
        scalar.tnum = match width {
            Width::W64 => scalar.tnum.or(known),
            Width::W32 => scalar.tnum.with_low(scalar.tnum.low().or(known.low())),
        };
    }
}

/// Linux forgets all ranges here, lest they contradict the bits.
fn learn_disjoint<W: Word>(width: Width, scalar: &mut ScalarOf<W>, mask: W) {
    let known = TnumOf::constant(!mask);
    let tnum = match width {
        Width::W64 => scalar.tnum.and(known),
        Width::W32 => scalar.tnum.with_low(scalar.tnum.low().and(known.low())),
    };
    *scalar = ScalarOf {
        tnum,
        ..ScalarOf::unknown()
    };
}

fn learn_less<I: Int>(signed: bool, strict: bool, a: &mut Range<I>, b: &mut Range<I>) {
    let one = if strict { I::ONE } else { I::ZERO };
    if signed {
        a.at_most_signed(b.smax.bits().wrapping_sub(one).signed());
        b.at_least_signed(a.smin.bits().wrapping_add(one).signed());
    } else {
        a.at_most_unsigned(b.umax.wrapping_sub(one));
        b.at_least_unsigned(a.umin.wrapping_add(one));
    }
}

/// Whether no number lies in both.
fn are_apart<I: Int>(a: &Range<I>, b: &Range<I>) -> bool {
    a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin
}

fn equals<I: Int>(
    (a, a_bits): (&Range<I>, TnumOf<I>),
    (b, b_bits): (&Range<I>, TnumOf<I>),
) -> Option<bool> {
    if a_bits.is_const() && b_bits.is_const() {
        return Some(a_bits.value == b_bits.value);
    }
    let differ = !a_bits.overlaps(b_bits) && !inject::on(Bug::Cve2024_41003);
    (differ || are_apart(a, b)).then_some(false)
}

/// Linux looks only if one of the two is constant.
fn shares_bits<I: Int>(a: TnumOf<I>, b: TnumOf<I>) -> Option<bool> {
    let (bits, mask) = if b.is_const() {
        (a, b.value)
    } else if a.is_const() {
        (b, a.value)
    } else {
        return None;
    };
    if bits.value & mask != I::ZERO {
        Some(true)
    } else if bits.max() & mask == I::ZERO {
        Some(false)
    } else {
        None
    }
}

fn compare<I: Int>(op: CmpOp, a: &Range<I>, b: &Range<I>) -> Option<bool> {
    let not = |answer: Option<bool>| answer.map(|holds| !holds);
    match op {
        CmpOp::Lt => less((a.umin, a.umax), (b.umin, b.umax)),
        CmpOp::Ge => not(less((a.umin, a.umax), (b.umin, b.umax))),
        CmpOp::Gt => less((b.umin, b.umax), (a.umin, a.umax)),
        CmpOp::Le => not(less((b.umin, b.umax), (a.umin, a.umax))),
        CmpOp::Slt => less((a.smin, a.smax), (b.smin, b.smax)),
        CmpOp::Sge => not(less((a.smin, a.smax), (b.smin, b.smax))),
        CmpOp::Sgt => less((b.smin, b.smax), (a.smin, a.smax)),
        _ => not(less((b.smin, b.smax), (a.smin, a.smax))),
    }
}

/// Whether each number of the first interval is less than each of the second,
/// or none is.
fn less<T: Ord>((a_min, a_max): (T, T), (b_min, b_max): (T, T)) -> Option<bool> {
    if a_max < b_min {
        Some(true)
    } else if a_min >= b_max {
        Some(false)
    } else {
        None
    }
}
