//! A statement about one operator: its inputs, what is given of them, and what is
//! claimed of the result.
//!
//! The inputs of a lemma are formulas when it is written for the solvers, and
//! numbers when it is tried.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{cell::RefCell, fs, io};

use super::super::exhaustive::Random;
use super::super::range::Range;
use super::super::tnum::TnumOf;
use super::super::word::Int;
use super::super::{Scalar, ScalarOf};
use super::node::{self, Ref, both};
use super::path::explore;
use super::smt::{self, Input};
use super::term::{SignedTerm, Term, Truth};

/// The product's word and its half.
pub(super) type W = Term<64>;
pub(super) type H = Term<32>;
/// What is known of it.
pub(super) type S = ScalarOf<W>;

/// Claims, each with the part of the result that it is about.
pub(super) type Claims = Vec<(&'static str, Truth)>;

/// What is done with the lemmas.
pub(super) enum Prover {
    /// A file for each claim, in a directory; of operators whose names begin so,
    /// if any are named.
    Write(PathBuf, Vec<String>),
    /// Each is held against random numbers, some times.
    Try(Random, u32),
}

impl Prover {
    /// States a lemma about an operator. `state` may run several times.
    pub(super) fn lemma(&mut self, operator: &str, name: &str, state: impl Fn(&mut Lemma)) {
        match self {
            Prover::Write(directory, only) => {
                let is_named = |only: &String| operator.starts_with(only.as_str());
                if only.is_empty() || only.iter().any(is_named) {
                    let mut lemma = Lemma::new(operator, name, None);
                    state(&mut lemma);
                    lemma
                        .write(directory)
                        .expect("a file of a lemma is written");
                }
            }
            Prover::Try(random, times) => {
                for _ in 0..*times {
                    let mut lemma = Lemma::new(operator, name, Some(random.clone()));
                    state(&mut lemma);
                    *random = lemma.random.take().expect("tried with random numbers");
                    lemma.check();
                }
            }
        }
    }
}

pub(super) struct Lemma {
    operator: String,
    name: String,
    inputs: Vec<Input>,
    random: Option<Random>,
    given: Vec<Ref>,
    claims: Vec<(&'static str, Ref)>,
    ways: usize,
    test: String,
    each: bool,
    integers: bool,
    wrong: bool,
}

impl Lemma {
    fn new(operator: &str, name: &str, random: Option<Random>) -> Self {
        node::clear();
        Lemma {
            operator: operator.to_owned(),
            name: name.to_owned(),
            inputs: vec![],
            random,
            given: vec![],
            claims: vec![],
            ways: 0,
            test: String::new(),
            each: false,
            integers: false,
            wrong: false,
        }
    }

    /// It does not hold, on purpose.
    pub(super) fn wrong(&mut self) {
        self.wrong = true;
    }

    /// A claim is proved by itself, not together with the others.
    pub(super) fn each(&mut self) {
        self.each = true;
    }

    /// Claims of anything but bits are proved over the integers.
    pub(super) fn integers(&mut self) {
        self.each = true;
        self.integers = true;
    }

    pub(super) fn given(&mut self, truth: Truth) {
        self.given.push(truth.0);
    }

    fn input(&mut self, name: String, width: u32, number: u64) -> Ref {
        let place = self.inputs.len() as u32;
        self.inputs.push((name, width));
        match self.random {
            Some(_) => Ref::Constant(number & node::ones(width)),
            None => node::input(place, width),
        }
    }

    fn number(&mut self) -> u64 {
        self.random.as_mut().map_or(0, Random::number)
    }

    /// What is known of a number, and the number.
    fn known(&mut self) -> (Scalar, u64) {
        match &mut self.random {
            Some(random) => random.scalar(),
            None => (Scalar::UNKNOWN, 0),
        }
    }

    /// Any number.
    pub(super) fn word<const N: u32>(&mut self, name: &str) -> Term<N> {
        let _ = writeln!(self.test, "let {name} = {{{name}}};");
        let number = self.number();
        Term(self.input(name.to_owned(), N, number))
    }

    /// A number whose name does not stand in the test by itself.
    fn part<const N: u32>(&mut self, of: &str, name: &str, number: u64) -> Term<N> {
        Term(self.input(format!("{of}.{name}"), N, number))
    }

    fn signed_part<const N: u32>(&mut self, of: &str, name: &str, number: u64) -> SignedTerm<N> {
        self.part(of, name, number).signed()
    }

    fn any_range<const N: u32>(&mut self, name: &str, known: &Range<u64>) -> Range<Term<N>> {
        Range {
            umin: self.part(name, "umin", known.umin),
            umax: self.part(name, "umax", known.umax),
            smin: self.signed_part(name, "smin", known.smin as u64),
            smax: self.signed_part(name, "smax", known.smax as u64),
        }
    }

    fn any_tnum<const N: u32>(&mut self, name: &str, known: TnumOf<u64>) -> TnumOf<Term<N>> {
        TnumOf {
            value: self.part(name, "value", known.value),
            mask: self.part(name, "mask", known.mask),
        }
    }

    /// Known bits, and a number that has them.
    pub(super) fn tnum<const N: u32>(
        &mut self,
        name: &str,
        member: &str,
    ) -> (TnumOf<Term<N>>, Term<N>) {
        let (known, number) = self.known();
        let tnum = self.any_tnum(name, known.tnum);
        let number = Term(self.input(member.to_owned(), N, number));
        self.given(in_tnum(tnum, number));
        let _ = writeln!(
            self.test,
            "let {name} = {};\nlet {member} = {{{member}}};",
            tnum_text(name)
        );
        (tnum, number)
    }

    /// Two intervals, and a number in both.
    pub(super) fn range<const N: u32>(
        &mut self,
        name: &str,
        member: &str,
    ) -> (Range<Term<N>>, Term<N>) {
        let (known, number) = self.known();
        let wide = match N {
            32 => Range {
                umin: known.low.umin.into(),
                umax: known.low.umax.into(),
                smin: known.low.smin.into(),
                smax: known.low.smax.into(),
            },
            _ => known.wide,
        };
        let range = self.any_range(name, &wide);
        let number = Term(self.input(member.to_owned(), N, number));
        let _ = writeln!(
            self.test,
            "let {name} = {};\nlet {member} = {{{member}}};",
            range_text(name, if N == 32 { "i32" } else { "i64" })
        );
        for (_, truth) in in_range(&range, number) {
            self.given(truth);
        }
        (range, number)
    }

    /// A scalar, and a number of it.
    pub(super) fn scalar(&mut self, name: &str, member: &str) -> (S, W) {
        let (known, number) = self.known();
        let low = Range {
            umin: known.low.umin.into(),
            umax: known.low.umax.into(),
            smin: known.low.smin.into(),
            smax: known.low.smax.into(),
        };
        let scalar = ScalarOf {
            wide: self.any_range(name, &known.wide),
            low: self.any_range(&format!("{name}.low"), &low),
            tnum: self.any_tnum(name, known.tnum),
        };
        let number = Term(self.input(member.to_owned(), 64, number));
        for (_, truth) in in_scalar(&scalar, number) {
            self.given(truth);
        }
        // It follows from the bits, but the integers have none.
        for truth in known_bits(scalar.tnum, number) {
            self.given(truth);
        }
        let _ = writeln!(
            self.test,
            "let {name} = Scalar {{ wide: {}, low: {}, tnum: {} }};\nlet {member} = {{{member}}};",
            range_text(name, "i64"),
            range_text(&format!("{name}.low"), "i32"),
            tnum_text(name)
        );
        (scalar, number)
    }

    /// The claim as Rust, for a test: a statement that fails where it is wrong.
    pub(super) fn test(&mut self, statement: impl AsRef<str>) {
        let _ = writeln!(self.test, "{}", statement.as_ref());
    }

    /// What is claimed of the operator, which `run` runs.
    pub(super) fn claim(&mut self, run: impl Fn() -> Claims) {
        let names = RefCell::new(vec![]);
        let (truths, ways) = explore(|| {
            let claims = run();
            *names.borrow_mut() = claims.iter().map(|(name, _)| *name).collect();
            claims.into_iter().map(|(_, truth)| truth.0).collect()
        });
        self.claims = names.into_inner().into_iter().zip(truths).collect();
        self.ways = ways;
    }

    fn check(&self) {
        if self.wrong || self.given.contains(&Truth::FALSE.0) {
            return;
        }
        for (part, claim) in &self.claims {
            assert_eq!(
                *claim,
                Truth::TRUE.0,
                "{} {} {part}",
                self.operator,
                self.name
            );
        }
    }

    fn write(mut self, directory: &std::path::Path) -> io::Result<()> {
        if !self.each {
            let all = self
                .claims
                .iter()
                .fold(Truth::TRUE.0, |all, (_, claim)| both(all, *claim));
            self.claims = vec![("", all)];
        }
        for (part, claim) in &self.claims {
            let name = format!("{} {part}", self.name);
            let mut text = format!(
                "; operator: {}\n; lemma: {}\n; ways: {}\n",
                self.operator,
                name.trim(),
                self.ways
            );
            if self.wrong {
                text += "; wrong: on purpose\n";
            }
            for (name, width) in &self.inputs {
                let _ = writeln!(text, "; input: {name} {width}");
            }
            for line in self.test.lines() {
                let _ = writeln!(text, "; test: {line}");
            }
            text += &match self.integers && *part != "bits" {
                true => smt::integers(&self.inputs, &self.given, *claim),
                false => {
                    let given = self
                        .given
                        .iter()
                        .fold(Truth::TRUE.0, |all, truth| both(all, *truth));
                    smt::bit_vectors(&self.inputs, given, *claim)
                }
            };
            let file = format!("{} {}.smt2", self.operator, name.trim()).replace(' ', "-");
            fs::write(directory.join(file), text)?;
        }
        Ok(())
    }
}

fn range_text(name: &str, signed: &str) -> String {
    format!(
        "Range {{ umin: {{{name}.umin}}, umax: {{{name}.umax}}, \
         smin: {{{name}.smin}} as {signed}, smax: {{{name}.smax}} as {signed} }}"
    )
}

fn tnum_text(name: &str) -> String {
    format!("TnumOf {{ value: {{{name}.value}}, mask: {{{name}.mask}} }}")
}

pub(super) fn in_tnum<const N: u32>(tnum: TnumOf<Term<N>>, number: Term<N>) -> Truth {
    (number & !tnum.mask).same(tnum.value)
}

pub(super) fn in_range<const N: u32>(range: &Range<Term<N>>, number: Term<N>) -> Claims {
    vec![
        ("unsigned", number.within(range.umin, range.umax)),
        ("signed", number.signed().within(range.smin, range.smax)),
    ]
}

pub(super) fn in_scalar(scalar: &S, number: W) -> Claims {
    let low: H = number.extract(0);
    let mut parts = in_range(&scalar.wide, number);
    parts.push(("low unsigned", low.within(scalar.low.umin, scalar.low.umax)));
    parts.push((
        "low signed",
        low.signed().within(scalar.low.smin, scalar.low.smax),
    ));
    parts.push(("bits", in_tnum(scalar.tnum, number)));
    parts
}

/// All of them, if the condition holds.
pub(super) fn all_if(condition: Truth, claims: Claims) -> Claims {
    let conditional = |(name, truth): (&'static str, Truth)| (name, condition.implies(truth));
    claims.into_iter().map(conditional).collect()
}

/// What all bits being known means, of the word and of its low half.
pub(super) fn known_bits(tnum: TnumOf<W>, number: W) -> [Truth; 2] {
    let TnumOf { value, mask } = tnum;
    let (low, low_mask): (H, H) = (value.extract(0), mask.extract(0));
    [
        mask.same(Term::ZERO).implies(number.same(value)),
        low_mask
            .same(Term::ZERO)
            .implies(number.extract(0).same(low)),
    ]
}
