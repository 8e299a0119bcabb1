//! Pairs of intervals.

use super::super::super::range::Range;
use super::super::super::word::{Int, Signed};
use super::super::lemma::{Prover, all_if, in_range};
use super::super::term::{Term, Truth};

pub(super) fn lemmas(prover: &mut Prover) {
    both_widths::<64>(prover, "64");
    both_widths::<32>(prover, "32");
}

fn both_widths<const N: u32>(prover: &mut Prover, width: &str) {
    sets::<N>(prover, width);
    sums::<N>(prover, width);
    products::<N>(prover, width);
    shifts::<N>(prover, width);
}

fn sets<const N: u32>(prover: &mut Prover, width: &str) {
    prover.lemma("range constant", width, |lemma| {
        let x: Term<N> = lemma.word("x");
        lemma.test("assert!(Range::constant(x).includes(&Range::constant(x)));");
        lemma.claim(|| in_range(&Range::constant(x), x));
    });
    prover.lemma("range contradictory", width, |lemma| {
        let (a, _) = lemma.range::<N>("a", "x");
        lemma.test("assert!(!a.is_contradictory(), \"{x}\");");
        lemma.claim(|| vec![("", !Truth::of(a.is_contradictory()))]);
    });
    prover.lemma("range includes", width, |lemma| {
        let (old, _) = lemma.range::<N>("old", "other");
        let (new, x) = lemma.range("new", "x");
        lemma.test("assert!(!old.includes(&new) || old.includes(&Range::constant(x)));");
        lemma.integers();
        lemma.claim(|| all_if(Truth::of(old.includes(&new)), in_range(&old, x)));
    });
    prover.lemma("range intersect", width, |lemma| {
        let (a, x) = lemma.range::<N>("a", "x");
        let (b, y) = lemma.range("b", "y");
        lemma.given(x.same(y));
        lemma.test("assert!(a.intersect(&b).includes(&Range::constant(x)));");
        lemma.claim(|| in_range(&a.intersect(&b), x));
    });
    prover.lemma("range bits", width, |lemma| {
        let (a, x) = lemma.range::<N>("a", "x");
        let (bits, y) = lemma.tnum("bits", "y");
        lemma.given(x.same(y));
        lemma.test("let mut a = a;\na.learn_from_bits(bits);");
        lemma.test("assert!(a.includes(&Range::constant(x)));");
        lemma.claim(|| {
            let mut a = a;
            a.learn_from_bits(bits);
            in_range(&a, x)
        });
    });
    prover.lemma("range reconcile", width, |lemma| {
        let (a, x) = lemma.range::<N>("a", "x");
        lemma.test("let mut a = a;\na.reconcile();");
        lemma.test("assert!(a.includes(&Range::constant(x)));");
        lemma.claim(|| {
            let mut a = a;
            a.reconcile();
            in_range(&a, x)
        });
    });
}

type Binary<I> = (
    &'static str,
    fn(&Range<I>, &Range<I>) -> Range<I>,
    fn(I, I) -> I,
    &'static str,
);

fn sums<const N: u32>(prover: &mut Prover, width: &str) {
    let binary: [Binary<Term<N>>; 4] = [
        ("add", Range::add, |x, y| x.wrapping_add(y), "wrapping_add"),
        ("sub", Range::sub, |x, y| x.wrapping_sub(y), "wrapping_sub"),
        (
            "add_without_wrap",
            Range::add_without_wrap,
            |x, y| x.wrapping_add(y),
            "wrapping_add",
        ),
        (
            "sub_without_wrap",
            Range::sub_without_wrap,
            |x, y| x.wrapping_sub(y),
            "wrapping_sub",
        ),
    ];
    for (name, operator, number, text) in binary {
        prover.lemma(&format!("range {name}"), width, |lemma| {
            let (a, x) = lemma.range("a", "x");
            let (b, y) = lemma.range("b", "y");
            lemma.test(format!(
                "assert!(a.{name}(&b).includes(&Range::constant(x.{text}(y))));"
            ));
            lemma.integers();
            lemma.claim(|| in_range(&operator(&a, &b), number(x, y)));
        });
    }
}

fn products<const N: u32>(prover: &mut Prover, width: &str) {
    prover.lemma("range mul", width, |lemma| {
        let (a, x) = lemma.range::<N>("a", "x");
        let (b, y) = lemma.range("b", "y");
        lemma.test("assert!(a.mul(&b).includes(&Range::constant(x.wrapping_mul(y))));");
        lemma.integers();
        lemma.claim(|| in_range(&a.mul(&b), x.wrapping_mul(y)));
    });
}

fn shifts<const N: u32>(prover: &mut Prover, width: &str) {
    prover.lemma("range shift", width, |lemma| {
        let (a, x) = lemma.range::<N>("a", "x");
        let amount: Term<N> = lemma.word("amount");
        lemma.test("let amount = amount as u32;");
        lemma.test("if amount < x.count_zeros() + x.count_ones() {");
        lemma.test("assert!(a.lsl(amount).includes(&Range::constant(x << amount)));");
        lemma.test("assert!(a.lsr(amount).includes(&Range::constant(x >> amount)));");
        lemma.test("assert!(a.asr(amount).includes(&Range::constant(x.signed().shift_right(amount).bits())));");
        lemma.test("}");
        lemma.claim(|| {
            let Some(amount) = amount.below(N) else {
                return vec![("", Truth::TRUE)];
            };
            let signed = x.signed().shift_right(amount).bits();
            let claims = [
                in_range(&a.lsl(amount), x << amount),
                in_range(&a.lsr(amount), x >> amount),
                in_range(&a.asr(amount), signed),
            ];
            vec![("", Truth::all(claims.into_iter().flatten().map(|(_, truth)| truth)))]
        });
    });
}
