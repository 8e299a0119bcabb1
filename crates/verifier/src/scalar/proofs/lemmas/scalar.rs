//! Making scalars, and asking them.

use super::super::super::ScalarOf;
use super::super::super::word::{Int, Word};
use super::super::lemma::{H, Prover, S, W, all_if, in_scalar, in_tnum};
use super::super::term::Truth;

pub(super) fn lemmas(prover: &mut Prover) {
    made(prover);
    asked(prover);
    changed(prover);
}

fn made(prover: &mut Prover) {
    prover.lemma("scalar constant", "64", |lemma| {
        let x: W = lemma.word("x");
        lemma.test("assert!(Scalar::constant(x).contains(x));");
        lemma.claim(|| in_scalar(&ScalarOf::constant(x), x));
    });
    prover.lemma("scalar unknown", "64", |lemma| {
        let x: W = lemma.word("x");
        lemma.test("assert!(Scalar::unknown().contains(x));");
        lemma.claim(|| in_scalar(&ScalarOf::unknown(), x));
    });
    prover.lemma("scalar unsigned range", "64", |lemma| {
        let (min, max, x): (W, W, W) = (lemma.word("min"), lemma.word("max"), lemma.word("x"));
        lemma.given(x.within(min, max));
        lemma.test("assert!(Scalar::from_unsigned_range(min, max).contains(x));");
        lemma.claim(|| in_scalar(&ScalarOf::from_unsigned_range(min, max), x));
    });
    prover.lemma("scalar signed range", "64", |lemma| {
        let (min, max, x): (W, W, W) = (lemma.word("min"), lemma.word("max"), lemma.word("x"));
        lemma.given(x.signed().within(min.signed(), max.signed()));
        lemma.test("assert!(Scalar::from_signed_range(min as i64, max as i64).contains(x));");
        lemma.claim(|| in_scalar(&ScalarOf::from_signed_range(min.signed(), max.signed()), x));
    });
    prover.lemma("scalar tnum", "64", |lemma| {
        let (a, x) = lemma.tnum::<64>("a", "x");
        lemma.test("assert!(Scalar::from_tnum(a).contains(x));");
        lemma.claim(|| in_scalar(&ScalarOf::from_tnum(a), x));
    });
}

fn asked(prover: &mut Prover) {
    prover.lemma("scalar contains", "64", |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        lemma.test("assert!(a.contains(x));");
        lemma.claim(|| vec![("", Truth::of(a.contains(x)))]);
    });
    prover.lemma("scalar constants", "64", |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        lemma.test("assert!(a.as_const().is_none_or(|number| number == x));");
        lemma.test("assert!(!a.is_const() || a.tnum().value == x);");
        lemma.test("assert!(!a.is_const32() || a.tnum().value as u32 == x as u32);");
        lemma.claim(|| {
            let bits = a.tnum();
            let known = a.as_const().map_or(Truth::TRUE, |number| number.same(x));
            let whole = Truth::of(a.is_const()).implies(bits.value.same(x));
            let low: H = bits.value.low();
            let half = Truth::of(a.is_const32()).implies(low.same(x.low()));
            vec![("", Truth::all([known, whole, half]))]
        });
    });
    prover.lemma("scalar within", "64", |lemma| {
        let (old, _) = lemma.scalar("old", "other");
        let (new, x) = lemma.scalar("new", "x");
        lemma.test("assert!(!new.within(&old) || old.contains(x));");
        lemma.integers();
        lemma.claim(|| all_if(Truth::of(new.within(&old)), in_scalar(&old, x)));
    });
    prover.lemma("scalar empty", "64", |lemma| {
        let (a, _) = lemma.scalar("a", "x");
        lemma.test("assert!(!a.is_empty(), \"{x}\");");
        lemma.claim(|| vec![("", !Truth::of(a.is_empty()))]);
    });
}

fn changed(prover: &mut Prover) {
    prover.lemma("scalar settled", "64", |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        lemma.test("assert!(a.settled().contains(x));");
        lemma.claim(|| in_scalar(&S::settled(a), x));
    });
    // The other parts stay as they are, so it holds of their own number.
    prover.lemma("scalar with_low", "64", |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        let low: H = lemma.word("low");
        lemma.test("assert!(a.with_low(low).tnum().contains(x >> 32 << 32 | u64::from(low)));");
        lemma.claim(|| {
            let result = a.with_low(low);
            let joined = W::concat::<32, 32>(x.extract(32), low);
            vec![(
                "",
                Truth::all([
                    in_tnum(result.tnum(), joined),
                    low.within(result.u32min(), result.u32max()),
                    low.signed().within(result.s32min(), result.s32max()),
                ]),
            )]
        });
    });
}
