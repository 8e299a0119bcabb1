//! Formulas as SMT-LIB 2.
//!
//! [`bit_vectors`] prints what the operators computed, one definition a node.
//! [`integers`] prints the same over the integers, for what solvers of bit vectors
//! cannot do: products. There a word is read as unsigned and as signed by two
//! numbers that are not told to be of one word; a sum, difference or product is
//! that of the readings less a multiple of 2ᴺ, in the reading's range; and of what
//! has no meaning here nothing is told. Whatever holds of these numbers holds of
//! the words.

use std::collections::HashMap;
use std::fmt::Write;

use super::node::{Node, Op, Ref, node};

/// An input: its name and width.
pub(super) type Input = (String, u32);

/// The formula that a counterexample satisfies, with `check-sat`, and its inputs
/// asked for.
pub(super) fn bit_vectors(inputs: &[Input], given: Ref, claim: Ref) -> String {
    let mut text = String::from("(set-logic QF_BV)\n");
    for (name, width) in inputs {
        let _ = writeln!(text, "(declare-const {name} (_ BitVec {width}))");
    }
    for number in below([given, claim]) {
        let node = node(number);
        if let Op::Input(_) = node.op {
            continue;
        }
        let sort = match node.width {
            0 => "Bool".to_owned(),
            width => format!("(_ BitVec {width})"),
        };
        let body = body(&node, inputs);
        let _ = writeln!(text, "(define-fun n{number} () {sort} {body})");
    }
    let _ = writeln!(text, "(assert {})", vector(given, 0, inputs));
    let _ = writeln!(text, "(assert (not {}))", vector(claim, 0, inputs));
    text + &ending(inputs.iter().map(|(name, _)| name.as_str()))
}

fn ending<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    format!("(check-sat)\n(get-value ({}))\n", names.join(" "))
}

/// The nodes below these, arguments before what is made of them.
fn below(roots: impl IntoIterator<Item = Ref>) -> Vec<u32> {
    let mut found = std::collections::BTreeSet::new();
    let mut left: Vec<Ref> = roots.into_iter().collect();
    while let Some(next) = left.pop() {
        if let Ref::Node(number) = next
            && found.insert(number)
        {
            left.extend(node(number).args);
        }
    }
    found.into_iter().collect()
}

fn vector(of: Ref, width: u32, inputs: &[Input]) -> String {
    match of {
        Ref::Constant(0) if width == 0 => "false".to_owned(),
        Ref::Constant(_) if width == 0 => "true".to_owned(),
        Ref::Constant(number) => format!("(_ bv{number} {width})"),
        Ref::Node(number) => match node(number).op {
            Op::Input(input) => inputs[input as usize].0.clone(),
            _ => format!("n{number}"),
        },
    }
}

fn body(of: &Node, inputs: &[Input]) -> String {
    let Node {
        width,
        of,
        op,
        args,
    } = *of;
    let of = if of == 0 { width } else { of };
    let [a, b, _] = args.map(|arg| vector(arg, of, inputs));
    let two = |name: &str| format!("({name} {a} {b})");
    let by = |name: &str, amount: u32| format!("({name} {a} (_ bv{amount} {width}))");
    match op {
        Op::Input(_) => unreachable!("declared, not defined"),
        Op::And => two("bvand"),
        Op::Or => two("bvor"),
        Op::Xor => two("bvxor"),
        Op::Add => two("bvadd"),
        Op::Sub => two("bvsub"),
        Op::Mul => two("bvmul"),
        Op::ShiftLeft(amount) => by("bvshl", amount),
        Op::ShiftRight(amount) => by("bvlshr", amount),
        Op::ShiftRightSigned(amount) => by("bvashr", amount),
        Op::Extract(from) => format!("((_ extract {} {from}) {a})", from + width - 1),
        Op::Concat => format!("(concat {a} {})", vector(args[1], width - of, inputs)),
        Op::ExtendSigned => format!("((_ sign_extend {}) {a})", width - of),
        Op::Choose => {
            let [yes, no] = [args[1], args[2]].map(|arg| vector(arg, width, inputs));
            format!("(ite {} {yes} {no})", vector(args[0], 0, inputs))
        }
        Op::Equal => two("="),
        Op::Less => two("bvult"),
        Op::LessSigned => two("bvslt"),
        Op::AddOverflowsSigned => two("bvsaddo"),
        Op::SubOverflowsSigned => two("bvssubo"),
        Op::MulOverflows => two("bvumulo"),
        Op::MulOverflowsSigned => two("bvsmulo"),
        Op::Not | Op::Both => {
            let [a, b, _] = args.map(|arg| vector(arg, 0, inputs));
            match op {
                Op::Not => format!("(not {a})"),
                _ => format!("(and {a} {b})"),
            }
        }
    }
}

/// How a number is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Reading {
    Unsigned,
    Signed,
}

impl Reading {
    /// The least number, and the first one that is too great.
    fn limits(self, width: u32) -> (String, u128) {
        match self {
            Reading::Unsigned => ("0".to_owned(), 1 << width),
            Reading::Signed => (format!("(- {})", 1u128 << (width - 1)), 1 << (width - 1)),
        }
    }
}

struct Integers<'a> {
    inputs: &'a [Input],
    text: String,
    done: HashMap<(Ref, Reading), String>,
}

/// As [`bit_vectors`], over the integers.
pub(super) fn integers(inputs: &[Input], given: &[Ref], claim: Ref) -> String {
    let mut printer = Integers {
        inputs,
        text: String::from("(set-logic QF_NIA)\n"),
        done: HashMap::new(),
    };
    for truth in given {
        let truth = printer.truth(*truth);
        let _ = writeln!(printer.text, "(assert {truth})");
    }
    let claim = printer.truth(claim);
    let _ = writeln!(printer.text, "(assert (not {claim}))");
    let names: Vec<String> = inputs
        .iter()
        .enumerate()
        .flat_map(|(number, (_, width))| {
            let of = super::node::input(number as u32, *width);
            [Reading::Unsigned, Reading::Signed].map(|reading| (of, reading))
        })
        .filter_map(|key| printer.done.get(&key).cloned())
        .collect();
    printer.text + &ending(names.iter().map(String::as_str))
}

impl Integers<'_> {
    fn truth(&mut self, of: Ref) -> String {
        let number = match of {
            Ref::Constant(truth) => return (truth == 1).to_string(),
            Ref::Node(number) => number,
        };
        let key = (of, Reading::Unsigned);
        if let Some(name) = self.done.get(&key) {
            return name.clone();
        }
        let Node {
            op,
            of: width,
            args,
            ..
        } = node(number);
        let [a, b, c] = args;
        let body = match op {
            Op::Less => self.of_two("<", Reading::Unsigned, a, b, width),
            Op::Equal => {
                let unsigned = self.of_two("=", Reading::Unsigned, a, b, width);
                let signed = self.of_two("=", Reading::Signed, a, b, width);
                let _ = writeln!(self.text, "(assert (= {unsigned} {signed}))");
                unsigned
            }
            Op::LessSigned => self.of_two("<", Reading::Signed, a, b, width),
            Op::AddOverflowsSigned => self.overflows("+", Reading::Signed, a, b, width),
            Op::SubOverflowsSigned => self.overflows("-", Reading::Signed, a, b, width),
            Op::MulOverflows => self.overflows("*", Reading::Unsigned, a, b, width),
            Op::MulOverflowsSigned => self.overflows("*", Reading::Signed, a, b, width),
            Op::Not => format!("(not {})", self.truth(a)),
            Op::Both => format!("(and {} {})", self.truth(a), self.truth(b)),
            Op::Choose => {
                format!(
                    "(ite {} {} {})",
                    self.truth(a),
                    self.truth(b),
                    self.truth(c)
                )
            }
            op => unreachable!("{op:?} is no truth value"),
        };
        let name = format!("n{number}");
        let _ = writeln!(self.text, "(define-fun {name} () Bool {body})");
        self.done.insert(key, name.clone());
        name
    }

    fn of_two(&mut self, name: &str, reading: Reading, a: Ref, b: Ref, width: u32) -> String {
        let (a, b) = (
            self.number(a, width, reading),
            self.number(b, width, reading),
        );
        format!("({name} {a} {b})")
    }

    fn overflows(&mut self, name: &str, reading: Reading, a: Ref, b: Ref, width: u32) -> String {
        let result = self.of_two(name, reading, a, b, width);
        let (from, to) = reading.limits(width);
        format!("(or (>= {result} {to}) (< {result} {from}))")
    }

    fn number(&mut self, of: Ref, width: u32, reading: Reading) -> String {
        let number = match of {
            Ref::Constant(number) => {
                let is_negative = number >> (width - 1) == 1 && reading == Reading::Signed;
                return match is_negative {
                    true => format!("(- {})", (1u128 << width) - u128::from(number)),
                    false => number.to_string(),
                };
            }
            Ref::Node(number) => number,
        };
        if let Some(name) = self.done.get(&(of, reading)) {
            return name.clone();
        }
        let suffix = match reading {
            Reading::Unsigned => "u",
            Reading::Signed => "s",
        };
        let Node {
            op,
            of: inner,
            args,
            ..
        } = node(number);
        let [a, b, c] = args;
        let name = match op {
            Op::Input(input) => format!("{}.{suffix}", self.inputs[input as usize].0),
            _ => format!("n{number}.{suffix}"),
        };
        // What it is, but for a multiple of the modulus.
        let same = match op {
            Op::Choose => {
                let condition = self.truth(a);
                let (yes, no) = (
                    self.number(b, width, reading),
                    self.number(c, width, reading),
                );
                let _ = writeln!(
                    self.text,
                    "(define-fun {name} () Int (ite {condition} {yes} {no}))"
                );
                self.done.insert((of, reading), name.clone());
                return name;
            }
            Op::Add => Some(self.of_two("+", reading, a, b, width)),
            Op::Sub => Some(self.of_two("-", reading, a, b, width)),
            Op::Mul => Some(self.of_two("*", reading, a, b, width)),
            Op::Extract(0) => Some(self.number(a, inner, reading)),
            Op::Concat if a == Ref::Constant(0) => {
                let low = width - inner;
                let unsigned = self.number(b, low, Reading::Unsigned);
                let signed = self.number(b, low, Reading::Signed);
                let modulus = 1u128 << low;
                let _ = writeln!(
                    self.text,
                    "(assert (= {unsigned} (ite (< {signed} 0) (+ {signed} {modulus}) {signed})))"
                );
                Some(unsigned)
            }
            Op::ExtendSigned => Some(self.number(a, inner, Reading::Signed)),
            // A number of which nothing is told.
            _ => None,
        };
        let (from, to) = reading.limits(width);
        let _ = writeln!(self.text, "(declare-const {name} Int)");
        let _ = writeln!(
            self.text,
            "(assert (and (<= {from} {name}) (< {name} {to})))"
        );
        if let Some(same) = same {
            let modulus = 1u128 << width;
            let _ = writeln!(self.text, "(declare-const {name}.wraps Int)");
            let _ = writeln!(
                self.text,
                "(assert (= {name} (- {same} (* {modulus} {name}.wraps))))"
            );
        }
        self.done.insert((of, reading), name.clone());
        name
    }
}
