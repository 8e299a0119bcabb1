//! Known bits: each result of members is a member of the result.

use super::super::super::tnum::TnumOf;
use super::super::super::word::{Int, Word};
use super::super::lemma::{Prover, W, in_tnum, known_bits};
use super::super::term::{Term, Truth};

pub(super) fn lemmas(prover: &mut Prover) {
    both_widths::<64>(prover, "64");
    both_widths::<32>(prover, "32");
    halves(prover);
}

type Binary<I> = (
    &'static str,
    fn(TnumOf<I>, TnumOf<I>) -> TnumOf<I>,
    fn(I, I) -> I,
    &'static str,
);

fn both_widths<const N: u32>(prover: &mut Prover, width: &str) {
    let binary: [Binary<Term<N>>; 5] = [
        (
            "add",
            TnumOf::add,
            |x, y| x.wrapping_add(y),
            "x.wrapping_add(y)",
        ),
        (
            "sub",
            TnumOf::sub,
            |x, y| x.wrapping_sub(y),
            "x.wrapping_sub(y)",
        ),
        ("and", TnumOf::and, |x, y| x & y, "x & y"),
        ("or", TnumOf::or, |x, y| x | y, "x | y"),
        ("xor", TnumOf::xor, |x, y| x ^ y, "x ^ y"),
    ];
    for (name, operator, number, text) in binary {
        prover.lemma(&format!("tnum {name}"), width, |lemma| {
            let (a, x) = lemma.tnum("a", "x");
            let (b, y) = lemma.tnum("b", "y");
            lemma.test(format!("assert!(a.{name}(b).contains({text}));"));
            lemma.claim(|| vec![("", in_tnum(operator(a, b), number(x, y)))]);
        });
    }
    sets::<N>(prover, width);
    order::<N>(prover, width);
    shifts::<N>(prover, width);
    product::<N>(prover, width);
}

fn sets<const N: u32>(prover: &mut Prover, width: &str) {
    prover.lemma("tnum constant", width, |lemma| {
        let x: Term<N> = lemma.word("x");
        lemma.test("assert!(TnumOf::constant(x).contains(x));");
        lemma.claim(|| vec![("", in_tnum(TnumOf::constant(x), x))]);
    });
    prover.lemma("tnum contains", width, |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        lemma.test("assert!(a.contains(x) && x <= a.max() && x >= a.value);");
        lemma.claim(|| {
            let inside = Truth::of(a.contains(x));
            vec![("", inside.and(x.within(a.value, a.max())))]
        });
    });
    prover.lemma("tnum includes", width, |lemma| {
        let (old, _) = lemma.tnum::<N>("old", "other");
        let (new, x) = lemma.tnum("new", "x");
        lemma.test("assert!(!old.includes(new) || old.contains(x));");
        lemma.claim(|| vec![("", Truth::of(old.includes(new)).implies(in_tnum(old, x)))]);
    });
    prover.lemma("tnum overlaps", width, |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let (b, y) = lemma.tnum("b", "y");
        lemma.given(x.same(y));
        lemma.test("assert!(a.overlaps(b));");
        lemma.claim(|| vec![("", Truth::of(a.overlaps(b)))]);
    });
    prover.lemma("tnum intersect", width, |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let (b, y) = lemma.tnum("b", "y");
        lemma.given(x.same(y));
        lemma.test("assert!(a.intersect(b).contains(x));");
        lemma.claim(|| vec![("", in_tnum(a.intersect(b), x))]);
    });
    prover.lemma("tnum union", width, |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let (b, y) = lemma.tnum("b", "y");
        lemma.test("assert!(a.union(b).contains(x) && a.union(b).contains(y));");
        lemma.claim(|| vec![("", in_tnum(a.union(b), x).and(in_tnum(a.union(b), y)))]);
    });
}

fn order<const N: u32>(prover: &mut Prover, width: &str) {
    prover.lemma("tnum range", width, |lemma| {
        let (min, max, x) = (lemma.word("min"), lemma.word("max"), lemma.word::<N>("x"));
        lemma.given(x.within(min, max));
        lemma.test("assert!(TnumOf::range(min, max).contains(x));");
        lemma.claim(|| vec![("", in_tnum(TnumOf::range(min, max), x))]);
    });
    // The product counts zeros, the formula of a term does not.
    prover.lemma("tnum range", &format!("filled {width}"), |lemma| {
        let x: Term<N> = lemma.word("x");
        lemma.test("assert_eq!(x.filled() >> x.leading_zeros(), x.filled());");
        lemma.claim(|| {
            let filled = Term::<N>::ones(N - x.leading_zeros());
            vec![("", filled.same(x.filled()))]
        });
    });
    prover.lemma("tnum step", width, |lemma| {
        let (a, member) = lemma.tnum::<N>("a", "member");
        let from = lemma.word("from");
        lemma.test("let next = a.step(from);");
        lemma.test("assert!(a.contains(next));");
        lemma.test("assert!(next > from || next == a.max());");
        lemma.test("assert!(member <= from || next <= member);");
        lemma.each();
        lemma.claim(|| {
            let next = a.step(from);
            vec![
                ("is a member", in_tnum(a, next)),
                ("is beyond", from.less(next).or(next.same(a.max()))),
                (
                    "is the next",
                    from.less(member).implies(next.at_most(member)),
                ),
            ]
        });
    });
}

fn shifts<const N: u32>(prover: &mut Prover, width: &str) {
    prover.lemma("tnum shift", width, |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let amount: Term<N> = lemma.word("amount");
        lemma.given(amount.less(Term::constant(N.into())));
        lemma.test("let amount = amount as u32;");
        lemma.test("assert!(a.lsl(amount).contains(x << amount));");
        lemma.test("assert!(a.lsr(amount).contains(x >> amount));");
        lemma.test("assert!(a.asr(amount).contains(x.signed().shift_right(amount).bits()));");
        lemma.claim(|| {
            use super::super::super::word::Signed;
            let Some(amount) = amount.below(N) else {
                return vec![("", Truth::TRUE)];
            };
            let signed = x.signed().shift_right(amount).bits();
            vec![(
                "",
                in_tnum(a.lsl(amount), x << amount)
                    .and(in_tnum(a.lsr(amount), x >> amount))
                    .and(in_tnum(a.asr(amount), signed)),
            )]
        });
    });
    prover.lemma("tnum truncate", width, |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let bits: Term<N> = lemma.word("bits");
        lemma.test("let bits = bits as u32;");
        lemma.test("assert!(bits > 64 || a.truncate(bits).contains(x & u64::ones(bits)));");
        lemma.claim(|| {
            vec![(
                "",
                match bits.below(N + 1) {
                    Some(bits) => in_tnum(a.truncate(bits), x & Term::ones(bits)),
                    None => Truth::TRUE,
                },
            )]
        });
    });
}

/// By induction: a round of the multiplication keeps the sum of what is summed up
/// and what is left to multiply, and nothing is left at the end.
fn product<const N: u32>(prover: &mut Prover, width: &str) {
    prover.lemma("tnum mul", &format!("zeros {width}"), |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let (b, y) = lemma.tnum("b", "y");
        lemma.given(!a.max().same(Term::ZERO));
        lemma.test("let zeros = a.max().trailing_zeros();");
        lemma.test("let (a2, b2) = TnumOf::skip_zeros(a, b);");
        lemma.test("assert!(a2.contains(x >> zeros) && b2.contains(y << zeros));");
        lemma.test("assert!(a2.max() & 1 == 1 && x >> zeros << zeros == x);");
        lemma.each();
        lemma.claim(|| {
            let zeros = a.max().trailing_zeros();
            if zeros >= N {
                // Not here: it is given that there is a one.
                return ["members", "odd", "zeros"]
                    .map(|name| (name, Truth::TRUE))
                    .into();
            }
            let (a2, b2) = TnumOf::skip_zeros(a, b);
            vec![
                (
                    "members",
                    in_tnum(a2, x >> zeros).and(in_tnum(b2, y << zeros)),
                ),
                ("odd", a2.max().bit(0)),
                ("zeros", (x >> zeros << zeros).same(x)),
            ]
        });
    });
    prover.lemma("tnum mul", &format!("round {width}"), |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let (b, y) = lemma.tnum("b", "y");
        let (sum, s) = lemma.tnum("sum", "s");
        lemma.given(a.max().bit(0));
        lemma.test("let (a2, b2, sum2) = TnumOf::multiply_round(a, b, sum);");
        lemma.test("let s2 = s.wrapping_add((x & 1).wrapping_mul(y));");
        lemma.test("assert!(a2.contains(x >> 1) && b2.contains(y << 1) && sum2.contains(s2));");
        lemma.each();
        lemma.claim(|| {
            let (a2, b2, sum2) = TnumOf::multiply_round(a, b, sum);
            let partial = Term::choose(x.bit(0), y, Term::ZERO);
            let (digit, rest) = (x & Term::ONE, x >> 1);
            vec![
                ("members", in_tnum(a2, rest).and(in_tnum(b2, y << 1))),
                ("sum", in_tnum(sum2, s.wrapping_add(partial))),
                ("digits", x.same((rest << 1).wrapping_add(digit))),
                ("digit", digit.less(Term::constant(2))),
            ]
        });
    });
    // With the factor written as its digits, the products are the same polynomials.
    prover.lemma("tnum mul", &format!("products {width}"), |lemma| {
        let (x, y) = (lemma.word::<N>("x"), lemma.word("y"));
        let digit: Term<N> = lemma.word("digit");
        lemma.given(digit.less(Term::constant(2)));
        lemma.test("for zeros in 0..32 {");
        lemma.test("assert_eq!((x << zeros).wrapping_mul(y), x.wrapping_mul(y << zeros));");
        lemma.test("}");
        lemma.test("let partial = digit.wrapping_mul(y);");
        lemma.test("let rest = x.wrapping_mul(y << 1);");
        lemma.test("assert_eq!(((x << 1) + digit).wrapping_mul(y), partial.wrapping_add(rest));");
        lemma.each();
        lemma.claim(|| {
            let moves = |by: u32| (x << by).wrapping_mul(y).same(x.wrapping_mul(y << by));
            let whole = (x << 1).wrapping_add(digit).wrapping_mul(y);
            let partial = digit.wrapping_mul(y);
            let rest = x.wrapping_mul(y << 1);
            let chosen = Term::choose(digit.bit(0), y, Term::ZERO);
            vec![
                ("of zeros", Truth::all((0..N).map(moves))),
                ("of digits", whole.same(partial.wrapping_add(rest))),
                ("of one digit", partial.same(chosen)),
            ]
        });
    });
    prover.lemma("tnum mul", &format!("end {width}"), |lemma| {
        let (a, x) = lemma.tnum::<N>("a", "x");
        let (b, y) = lemma.tnum("b", "y");
        lemma.given(a.max().same(Term::ZERO).or(b.max().same(Term::ZERO)));
        lemma.test("assert!(a.mul(b).contains(x.wrapping_mul(y)));");
        lemma.claim(|| vec![("", x.wrapping_mul(y).same(Term::ZERO))]);
    });
}

fn halves(prover: &mut Prover) {
    prover.lemma("tnum constant", "known", |lemma| {
        let (a, x) = lemma.tnum::<64>("a", "x");
        lemma.test("assert!(a.mask != 0 || x == a.value);");
        lemma.test("assert!(a.mask as u32 != 0 || x as u32 == a.value as u32);");
        lemma.claim(|| vec![("", Truth::all(known_bits(a, x)))]);
    });
    prover.lemma("tnum halves", "64", |lemma| {
        let (a, x) = lemma.tnum::<64>("a", "x");
        let (b, y) = lemma.tnum::<32>("b", "y");
        lemma.test("assert!(a.low().contains(x as u32));");
        lemma.test("assert!(TnumOf::<u64>::extend(b).contains(u64::from(y)));");
        lemma.test("assert!(a.with_low(b).contains(x >> 32 << 32 | u64::from(y)));");
        lemma.test("assert!(a.swap_bytes().contains(x.swap_bytes()));");
        lemma.claim(|| {
            vec![(
                "",
                Truth::all([
                    in_tnum(a.low(), x.extract::<32>(0)),
                    in_tnum(TnumOf::<W>::extend(b), W::extend(y)),
                    in_tnum(a.with_low(b), W::concat::<32, 32>(x.extract(32), y)),
                    in_tnum(a.swap_bytes(), x.swap_bytes()),
                ]),
            )]
        });
    });
}
