//! Branches: a pair of numbers stays in what is known on the way that it takes, and
//! a decision is right for each pair.

use isa::{CmpOp, Width};

use super::super::super::Branches;
use super::super::super::word::{Int, Word};
use super::super::lemma::{Claims, Prover, S, W, all_if, in_scalar};
use super::super::term::{Term, Truth};

pub(super) fn lemmas(prover: &mut Prover) {
    for op in CmpOp::ALL {
        for width in [Width::W64, Width::W32] {
            let digits = super::alu::digits(width);
            refinement(prover, op, width, digits);
            refinement_of_one(prover, op, width, digits);
            decision(prover, op, width, digits);
        }
    }
}

fn at_width<const N: u32>(op: CmpOp, x: Term<N>, y: Term<N>) -> Truth {
    let (sx, sy) = (x.signed(), y.signed());
    match op {
        CmpOp::Eq => x.same(y),
        CmpOp::Ne => !x.same(y),
        CmpOp::Gt => y.less(x),
        CmpOp::Ge => y.at_most(x),
        CmpOp::Lt => x.less(y),
        CmpOp::Le => x.at_most(y),
        CmpOp::Sgt => sy.less(sx),
        CmpOp::Sge => sy.at_most(sx),
        CmpOp::Slt => sx.less(sy),
        CmpOp::Sle => sx.at_most(sy),
        CmpOp::Set => !(x & y).same(Term::ZERO),
    }
}

fn holds(op: CmpOp, width: Width, x: W, y: W) -> Truth {
    match width {
        Width::W64 => at_width(op, x, y),
        Width::W32 => at_width::<32>(op, x.low(), y.low()),
    }
}

/// The condition on `x` and `y`, as Rust.
fn text(op: CmpOp, width: Width) -> String {
    let (sign, relation) = match op {
        CmpOp::Eq => ("u", "=="),
        CmpOp::Ne => ("u", "!="),
        CmpOp::Gt => ("u", ">"),
        CmpOp::Ge => ("u", ">="),
        CmpOp::Lt => ("u", "<"),
        CmpOp::Le => ("u", "<="),
        CmpOp::Sgt => ("i", ">"),
        CmpOp::Sge => ("i", ">="),
        CmpOp::Slt => ("i", "<"),
        CmpOp::Sle => ("i", "<="),
        CmpOp::Set => ("u", "&"),
    };
    let word = match width {
        Width::W64 => "64",
        Width::W32 => "32",
    };
    let condition = format!("(x as {sign}{word}) {relation} (y as {sign}{word})");
    match op {
        CmpOp::Set => format!("{condition} != 0"),
        _ => condition,
    }
}

fn ways(holds: Truth, branches: &Branches<W>, x: W, y: W) -> Claims {
    let Branches { fall, taken } = branches;
    let mut claims = vec![];
    for (condition, (a, b)) in [(!holds, fall), (holds, taken)] {
        claims.extend(all_if(condition, in_scalar(a, x)));
        claims.extend(all_if(condition, in_scalar(b, y)));
    }
    claims
}

fn refinement(prover: &mut Prover, op: CmpOp, width: Width, digits: &str) {
    prover.lemma(&format!("refine {op:?}").to_lowercase(), digits, |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        let (b, y) = lemma.scalar("b", "y");
        lemma.test(format!(
            "let ways = Scalar::refine(CmpOp::{op:?}, Width::{width:?}, a, b);"
        ));
        let condition = text(op, width);
        lemma.test(format!(
            "let way = if {condition} {{ ways.taken }} else {{ ways.fall }};"
        ));
        lemma.test("assert!(way.0.contains(x) && way.1.contains(y));");
        lemma.claim(|| ways(holds(op, width, x, y), &S::refine(op, width, a, b), x, y));
    });
}

fn refinement_of_one(prover: &mut Prover, op: CmpOp, width: Width, digits: &str) {
    prover.lemma(
        &format!("refine_same {op:?}").to_lowercase(),
        digits,
        |lemma| {
            let (a, x) = lemma.scalar("a", "x");
            lemma.test("let y = x;");
            lemma.test(format!(
                "let ways = Scalar::refine_same(CmpOp::{op:?}, Width::{width:?}, a);"
            ));
            let condition = text(op, width);
            lemma.test(format!(
                "let way = if {condition} {{ ways.taken }} else {{ ways.fall }};"
            ));
            lemma.test("assert!(way.0.contains(x) && way.1.contains(y));");
            lemma.claim(|| ways(holds(op, width, x, x), &S::refine_same(op, width, a), x, x));
        },
    );
}

fn decision(prover: &mut Prover, op: CmpOp, width: Width, digits: &str) {
    prover.lemma(&format!("decide {op:?}").to_lowercase(), digits, |lemma| {
        let (a, x) = lemma.scalar("a", "x");
        let (b, y) = lemma.scalar("b", "y");
        let condition = text(op, width);
        lemma.test(format!(
            "let decided = Scalar::decide(CmpOp::{op:?}, Width::{width:?}, &a, &b);"
        ));
        lemma.test(format!(
            "assert!(decided.is_none_or(|holds| holds == ({condition})));"
        ));
        lemma.claim(|| {
            let decided = S::decide(op, width, &a, &b);
            let holds = holds(op, width, x, y);
            let right = decided.map_or(Truth::TRUE, |decided| if decided { holds } else { !holds });
            vec![("", right)]
        });
    });
}
