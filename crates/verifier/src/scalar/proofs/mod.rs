//! The domain's operators as formulas, for machine-checked proofs at 64 bits.
//!
//! The operators are run, as they stand, on words that are formulas ([`term`]);
//! their branches are followed both ways and joined ([`path`]). What comes out is
//! held against what the operation means, in [`lemmas`], and printed for solvers
//! ([`smt`]): `cargo xtask prove` solves it. Where there is a counterexample, the
//! operator loses a number.
//!
//! # What is trusted
//!
//! The arithmetic of formulas ([`node`]), which the tests here hold against `u64`;
//! the solvers; and how lemmas are put together, where an operator is proved in
//! parts:
//!
//! * An operator that ends in `sync` keeps what it has before it, since the steps
//!   of `sync` keep it; so `sync` is left out of the other proofs.
//! * The known bits of a product by induction over the rounds of the loop.
//! * A product's parts by themselves: its ranges are proved over the integers.

mod lemma;
mod lemmas;
mod node;
mod path;
mod smt;
mod term;

use std::cell::Cell;
use std::path::PathBuf;

use super::exhaustive::Random;
use lemma::Prover;

thread_local! {
    static WITHOUT_SYNC: Cell<bool> = const { Cell::new(false) };
}

/// Whether [`super::ScalarOf::sync`] is left out just now, in this thread.
pub(super) fn leave_out_sync() -> bool {
    WITHOUT_SYNC.get()
}

/// Writes the lemmas into `EBPF_SIM_LEMMAS`, a directory; `EBPF_SIM_OPERATORS`
/// names operators, with commas between, if not all are wanted.
#[test]
#[ignore = "run by `cargo xtask prove`"]
fn write_lemmas() {
    let directory = std::env::var_os("EBPF_SIM_LEMMAS").expect("EBPF_SIM_LEMMAS is set");
    let only = std::env::var("EBPF_SIM_OPERATORS").unwrap_or_default();
    let only = only
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned);
    WITHOUT_SYNC.set(true);
    lemmas::all(&mut Prover::Write(PathBuf::from(directory), only.collect()));
}

/// The lemmas hold for random numbers, with `sync` where the operators have it.
#[test]
fn lemmas_hold_for_random_numbers() {
    lemmas::all(&mut Prover::Try(Random::new(4), 20));
}

/// What formulas compute is what `u64` computes.
#[test]
fn words_of_constants_compute() {
    use super::word::{Int, Signed, Word};
    use node::Ref;
    use term::{SignedTerm, Term};

    fn same<const N: u32>(term: Term<N>, number: u64) {
        assert_eq!(term.0, Ref::Constant(number));
    }
    fn same_signed(term: Option<SignedTerm<64>>, number: Option<i64>) {
        let number = number.map(|number| Ref::Constant(number as u64));
        assert_eq!(term.map(|term| term.0), number);
    }
    let mut random = Random::new(5);
    for _ in 0..20_000 {
        let (x, y) = (random.number(), random.number());
        let (a, b): (Term<64>, Term<64>) = (Term::constant(x), Term::constant(y));
        let (sx, sy, sa, sb) = (x as i64, y as i64, a.signed(), b.signed());
        same(a.wrapping_add(b), x.wrapping_add(y));
        same(a.wrapping_sub(b), x.wrapping_sub(y));
        same(a.wrapping_mul(b), x.wrapping_mul(y));
        same(a & b, x & y);
        same(a | b, x | y);
        same(a ^ b, x ^ y);
        same(!a, !x);
        assert_eq!(a.overflowing_add(b).1, x.overflowing_add(y).1);
        assert_eq!(a.overflowing_sub(b).1, x.overflowing_sub(y).1);
        assert_eq!(Int::checked_mul(a, b).is_some(), x.checked_mul(y).is_some());
        same_signed(sa.checked_add(sb), sx.checked_add(sy));
        same_signed(sa.checked_sub(sb), sx.checked_sub(sy));
        same_signed(Signed::checked_mul(sa, sb), sx.checked_mul(sy));
        assert_eq!(
            (a < b, a <= b, a > b, a >= b),
            (x < y, x <= y, x > y, x >= y)
        );
        assert_eq!((sa < sb, sa <= sb), (sx < sy, sx <= sy));
        assert_eq!(a == b, x == y);
        same(a.min(b), x.min(y));
        same(a.max(b), x.max(y));
        same(sa.min(sb).bits(), sx.min(sy) as u64);
        same(sa.max(sb).bits(), sx.max(sy) as u64);
        let by = (y % 64) as u32;
        same(a << by, x << by);
        same(a >> by, x >> by);
        same(sa.shift_right(by).bits(), (sx >> by) as u64);
        assert_eq!(a.leading_zeros(), x.leading_zeros());
        assert_eq!(a.trailing_zeros(), x.trailing_zeros());
        assert_eq!(a.below(20), x.below(20));
        same(a.filled(), x.filled());
        same(a.low(), u64::from(x.low()));
        same(a.high(), u64::from(x.high()));
        same(
            Term::<64>::join(a.high(), b.low()),
            u64::join(x.high(), y.low()),
        );
        same(Term::<64>::extend(a.low()), u64::extend(x.low()));
        let extended = u64::extend_signed(x.low().signed()) as u64;
        same(Term::<64>::extend_signed(a.low().signed()).bits(), extended);
        same(a.swap_bytes(), x.swap_bytes());
    }
}
