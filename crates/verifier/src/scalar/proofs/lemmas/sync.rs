//! The steps of `sync`, each by itself. `sync` does nothing but these, some times
//! over, so it keeps what each of them keeps.

use super::super::super::word::{Int, Word};
use super::super::lemma::{H, Prover, S, in_scalar};
use super::super::term::{Term, Truth};

type Step = (&'static str, fn(&mut S), &'static str);

pub(super) fn lemmas(prover: &mut Prover) {
    let steps: [Step; 5] = [
        ("word to low half", S::narrow_low, "narrow_low()"),
        ("low half", |s| s.low.reconcile(), "low.reconcile()"),
        ("word", |s| s.wide.reconcile(), "wide.reconcile()"),
        ("low half to word", S::narrow_wide, "narrow_wide()"),
        ("ranges to bits", S::learn_bits, "learn_bits()"),
    ];
    for (name, step, text) in steps {
        prover.lemma("sync", name, |lemma| {
            let (a, x) = lemma.scalar("a", "x");
            lemma.test(format!(
                "let mut a = a;\na.{text};\nassert!(a.contains(x));"
            ));
            lemma.each();
            lemma.claim(|| {
                let mut a = a;
                step(&mut a);
                in_scalar(&a, x)
            });
        });
    }
    only_member(prover);
    known_halves(prover);
}

/// Known bits bound the ranges, which is proved of ranges; and where there is but
/// one number that the bits and the unsigned range allow, it is the one found.
/// That needs of `TnumOf::step` only what is proved of it by itself.
fn only_member(prover: &mut Prover) {
    prover.lemma("sync", "only member", |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        lemma.test("assert!(a.only_member().is_none_or(|only| only == x));");
        lemma.integers();
        lemma.claim(|| {
            let (bits, min) = (a.tnum(), a.umin());
            let next = bits.step(min);
            let after = bits.step(next);
            let known = Truth::all([
                x.same(min).implies(Truth::of(bits.contains(min))),
                min.less(x).implies(next.at_most(x)),
                next.less(x).implies(after.at_most(x)),
                x.at_most(bits.max()),
            ]);
            let found = a.only_member().map_or(Truth::TRUE, |only| only.same(x));
            vec![("", known.implies(found))]
        });
    });
}

/// If the low half is known and the upper half is zero by the greatest number, the
/// greatest number is the low half.
///
/// A shift of 32 bits by a known low half takes its amount from the whole word, so
/// it counts on this.
pub(super) fn knows_itself(a: &S) -> Truth {
    let (bits, upper): (_, H) = (a.tnum().low(), a.umax().high());
    let is_known = bits.mask.same(Term::ZERO).and(upper.same(Term::ZERO));
    is_known.implies(a.umax().low().same(bits.value))
}

/// A scalar comes out of `sync` so, on either way to its end.
fn known_halves(prover: &mut Prover) {
    let text = "assert!(!a.is_const32() || a.umax() >> 32 != 0 || a.umax() == a.tnum().low().value.into(), \"{x}\");";
    prover.lemma("sync", "known half after the last step", |lemma| {
        let (a, _) = lemma.scalar("a", "x");
        lemma.test("let mut a = a;\na.learn_bits();\na.bound_by_bits();");
        lemma.test(text);
        lemma.claim(|| {
            let mut a = a;
            a.learn_bits();
            a.bound_by_bits();
            vec![("", knows_itself(&a))]
        });
    });
    prover.lemma("sync", "known half without the last step", |lemma| {
        let (a, _) = lemma.scalar("a", "x");
        lemma.test("let mut a = a;\na.bound_by_bits();\nlet bits = a.tnum();");
        lemma.test("a.learn_bits();\nif a.tnum() != bits {\nreturn;\n}");
        lemma.test(text);
        lemma.claim(|| {
            let mut a = a;
            a.bound_by_bits();
            let bits = a.tnum();
            a.learn_bits();
            let is_unchanged = bits
                .value
                .same(a.tnum().value)
                .and(bits.mask.same(a.tnum().mask));
            vec![("", is_unchanged.implies(knows_itself(&a)))]
        });
    });
}
