//! Operators that are wrong on purpose: mistakes that Linux had, or might have
//! had. Each must be refuted, or the proofs prove nothing.

use super::super::super::range::Range;
use super::super::super::tnum::TnumOf;
use super::super::super::word::{Int, Signed, Word};
use super::super::lemma::{Claims, H, Lemma, Prover, S, W, all_if, in_range, in_scalar, in_tnum};
use super::super::term::{Term, Truth};

pub(super) fn lemmas(prover: &mut Prover) {
    known_bits(prover);
    ranges(prover);
    syncing(prover);
    branches(prover);
}

/// An operator on known bits that is not what it says.
fn bits(prover: &mut Prover, name: &str, operator: fn(Tnum, Tnum) -> Tnum, number: fn(W, W) -> W) {
    prover.lemma("wrong tnum", name, |lemma| {
        lemma.wrong();
        let (a, x) = lemma.tnum("a", "x");
        let (b, y) = lemma.tnum("b", "y");
        lemma.claim(|| vec![("", in_tnum(operator(a, b), number(x, y)))]);
    });
}

type Tnum = TnumOf<W>;

fn known_bits(prover: &mut Prover) {
    let without_carries = |a: Tnum, b: Tnum| {
        let mask = a.mask | b.mask;
        let value = a.value.wrapping_add(b.value) & !mask;
        TnumOf { value, mask }
    };
    bits(prover, "add without carries", without_carries, |x, y| {
        x.wrapping_add(y)
    });
    let as_sum = |a: Tnum, b: Tnum| {
        let sum = a.add(b);
        let value = a.value.wrapping_sub(b.value) & !sum.mask;
        TnumOf {
            value,
            mask: sum.mask,
        }
    };
    bits(prover, "sub with the bits of a sum", as_sum, |x, y| {
        x.wrapping_sub(y)
    });
    let known_zeros = |a: Tnum, b: Tnum| TnumOf {
        value: a.value & b.value,
        mask: a.mask & b.mask,
    };
    bits(prover, "and of the masks", known_zeros, |x, y| x & y);
    bits(
        prover,
        "union that keeps one",
        |a, b| TnumOf {
            mask: a.mask | b.mask,
            ..a
        },
        |_, y| y,
    );
    prover.lemma("wrong tnum", "range a bit short", |lemma| {
        lemma.wrong();
        let (min, max, x) = (lemma.word::<64>("min"), lemma.word("max"), lemma.word("x"));
        lemma.given(x.within(min, max));
        let mask = (min ^ max).filled() >> 1;
        lemma.claim(|| {
            vec![(
                "",
                in_tnum(
                    TnumOf {
                        value: min & !mask,
                        mask,
                    },
                    x,
                ),
            )]
        });
    });
    prover.lemma("wrong tnum", "mul round that always adds", |lemma| {
        lemma.wrong();
        let (a, x) = lemma.tnum::<64>("a", "x");
        let (b, y) = lemma.tnum::<64>("b", "y");
        let (sum, s) = lemma.tnum::<64>("sum", "s");
        lemma.given(a.max().bit(0));
        let partial = Term::choose(x.bit(0), y, Term::ZERO);
        lemma.claim(|| vec![("", in_tnum(sum.add(b), s.wrapping_add(partial)))]);
    });
}

/// An operator on a pair of ranges.
fn range(
    prover: &mut Prover,
    name: &str,
    operator: fn(&Range<W>, &Range<W>) -> Range<W>,
    number: fn(W, W) -> W,
) {
    prover.lemma("wrong range", name, |lemma| {
        lemma.wrong();
        let (a, x) = lemma.range("a", "x");
        let (b, y) = lemma.range("b", "y");
        lemma.claim(|| in_range(&operator(&a, &b), number(x, y)));
    });
}

fn ranges(prover: &mut Prover) {
    let unchecked = |a: &Range<W>, b: &Range<W>| Range {
        umin: a.umin.wrapping_add(b.umin),
        umax: a.umax.wrapping_add(b.umax),
        ..Range::UNBOUNDED
    };
    range(
        prover,
        "add without a look at overflow",
        unchecked,
        |x, y| x.wrapping_add(y),
    );
    let same_ends = |a: &Range<W>, b: &Range<W>| Range {
        umin: a.umin.overflowing_sub(b.umin).0,
        umax: a.umax.overflowing_sub(b.umax).0,
        ..Range::UNBOUNDED
    };
    range(prover, "sub of the same ends", same_ends, |x, y| {
        x.wrapping_sub(y)
    });
    let greatest = |a: &Range<W>, b: &Range<W>| Range {
        umax: a.umax.max(b.umax),
        ..Range::UNBOUNDED
    };
    range(prover, "or up to the greater end", greatest, |x, y| x | y);
    prover.lemma("wrong range", "shift that loses bits", |lemma| {
        lemma.wrong();
        let (a, x) = lemma.range::<64>("a", "x");
        lemma.claim(|| {
            let shifted = Range {
                umin: a.umin << 4,
                umax: a.umax << 4,
                ..Range::UNBOUNDED
            };
            in_range(&shifted, x << 4)
        });
    });
    prover.lemma("wrong range", "asr as unsigned", |lemma| {
        lemma.wrong();
        let (a, x) = lemma.range::<64>("a", "x");
        lemma.claim(|| in_range(&a.lsr(1), x.signed().shift_right(1).bits()));
    });
    prover.lemma("wrong range", "mul of two ends", |lemma| {
        lemma.wrong();
        let (a, x) = lemma.range::<32>("a", "x");
        let (b, y) = lemma.range("b", "y");
        lemma.claim(|| {
            let ends = a.smin.checked_mul(b.smin).zip(a.smax.checked_mul(b.smax));
            let (smin, smax) = ends.unwrap_or((Signed::MIN, Signed::MAX));
            let product = Range {
                smin,
                smax,
                ..Range::UNBOUNDED
            };
            in_range(&product, x.wrapping_mul(y))
        });
    });
}

/// A step of `sync`.
fn step(prover: &mut Prover, name: &str, change: fn(&mut S)) {
    prover.lemma("wrong sync", name, |lemma| {
        lemma.wrong();
        let (a, x) = lemma.scalar("a", "x");
        lemma.claim(|| {
            let mut a = a;
            change(&mut a);
            in_scalar(&a, x)
        });
    });
}

fn syncing(prover: &mut Prover) {
    // CVE-2020-8835: the low half taken from bounds of the word.
    step(prover, "low half of any word", |s| {
        s.low.at_least_unsigned(s.wide.umin.low());
        s.low.at_most_unsigned(s.wide.umax.low());
    });
    // CVE-2021-31440: the word's bounds from those of the low half.
    step(prover, "word of any low half", |s| {
        s.wide.at_least_unsigned(W::extend(s.low.umin));
        s.wide.at_most_unsigned(W::extend(s.low.umax));
    });
    step(prover, "signed from unsigned across the sign", |s| {
        s.wide.at_least_signed(s.wide.umin.signed());
        s.wide.at_most_signed(s.wide.umax.signed());
    });
    step(prover, "unsigned from signed across the sign", |s| {
        s.wide.at_least_unsigned(s.wide.smin.bits());
        s.wide.at_most_unsigned(s.wide.smax.bits());
    });
    // CVE-2017-16995: a constant of 32 bits extended with its sign.
    step(prover, "upper half from the sign of the low half", |s| {
        s.wide = Range {
            smin: W::extend_signed(s.low.smin),
            smax: W::extend_signed(s.low.smax),
            ..s.wide
        };
    });
}

/// What is learned of the first operand when a condition holds.
fn learned(lemma: &mut Lemma, holds: fn(W, W) -> Truth, learn: impl Fn(&mut S, &S)) {
    lemma.wrong();
    let (a, x) = lemma.scalar("a", "x");
    let (b, y) = lemma.scalar("b", "y");
    lemma.claim(|| -> Claims {
        let mut a = a;
        learn(&mut a, &b);
        all_if(holds(x, y), in_scalar(&a, x))
    });
}

fn branches(prover: &mut Prover) {
    prover.lemma("wrong refine", "le as lt", |lemma| {
        let less = |a: &mut S, b: &S| a.wide.at_most_unsigned(b.wide.umax.wrapping_sub(W::ONE));
        learned(lemma, |x, y| x.at_most(y), less);
    });
    prover.lemma("wrong refine", "lt of 32 bits as of 64", |lemma| {
        let less = |a: &mut S, b: &S| a.wide.at_most_unsigned(W::extend(b.low.umax));
        let holds = |x: W, y: W| {
            let (x, y): (H, H) = (x.low(), y.low());
            x.less(y)
        };
        learned(lemma, holds, less);
    });
    prover.lemma("wrong refine", "ne inside the range", |lemma| {
        let shrink = |a: &mut S, b: &S| a.wide.umax = b.wide.umax.wrapping_sub(W::ONE);
        learned(lemma, |x, y| !x.same(y), shrink);
    });
    prover.lemma("wrong refine", "set of many bits", |lemma| {
        let common = |a: &mut S, b: &S| {
            if let Some(mask) = b.as_const() {
                a.tnum = a.tnum.or(TnumOf::constant(mask));
            }
        };
        learned(lemma, |x, y| !(x & y).same(Term::ZERO), common);
    });
    prover.lemma("wrong decide", "lt where the ends meet", |lemma| {
        lemma.wrong();
        let (a, x) = lemma.range::<64>("a", "x");
        let (b, y) = lemma.range("b", "y");
        lemma.claim(|| {
            let decided = Truth::of(a.umax <= b.umin);
            vec![("", decided.implies(x.less(y)))]
        });
    });
    prover.lemma("wrong scalar", "settled to nothing", |lemma| {
        lemma.wrong();
        let (a, x) = lemma.scalar("a", "x");
        lemma.claim(|| {
            let mut only_bits = a;
            only_bits.wide = Range::constant(a.tnum().value);
            in_scalar(&only_bits, x)
        });
    });
}
