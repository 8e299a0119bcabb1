//! What of the verifier was exercised.
//!
//! [`Coverage`] is an observer of an analysis. It knows what there is to be seen,
//! so that what was never reached shows: refusals (by the code of their topic),
//! operators with what was known of their operands, conditional jumps with what
//! was known of their outcome, and kinds of [`Event`].

use std::collections::BTreeSet;
use std::fmt;

use isa::{AluOp, CmpOp, Insn, Operand, Width};
use serde::{Deserialize, Serialize};
use verifier::scalar::Scalar;
use verifier::state::{State, Value};
use verifier::{Context, Event, Observer};

/// What of the verifier was exercised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Codes of refusals.
    pub refusals: BTreeSet<String>,
    /// Operators with what was known of their operands: `add64 range const`.
    pub operators: BTreeSet<String>,
    /// Conditional jumps with what was known of their outcome: `jsgt32 open`.
    pub branches: BTreeSet<String>,
    /// Kinds of events.
    pub events: BTreeSet<String>,
}

/// How many of something were seen, of how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Seen.
    pub seen: usize,
    /// In all.
    pub of: usize,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.seen, self.of)
    }
}

/// Operators of two operands; a copy has but one.
const OPERATORS: usize = AluOp::ALL.len() - 1;
const COMPARISONS: usize = CmpOp::ALL.len();
const WIDTHS: usize = 2;
/// What may be known of a number: all, something, nothing.
const KNOWLEDGE: usize = 3;
/// Kinds of events that [`event`] tells apart.
const EVENTS: usize = 15;

impl Coverage {
    /// Refusals: of all that `ebpf-sim explain` knows.
    pub fn refusals(&self) -> Share {
        let codes = verifier::explain::topics().filter(|topic| topic.code != "other");
        Share {
            seen: self.refusals.len(),
            of: codes.count(),
        }
    }

    /// Codes of refusals that were not seen.
    pub fn unseen_refusals(&self) -> impl Iterator<Item = &'static str> {
        let codes = verifier::explain::topics().map(|topic| topic.code);
        codes.filter(|code| *code != "other" && !self.refusals.contains(*code))
    }

    /// Operators, each with what was known of its operands.
    pub fn operators(&self) -> Share {
        Share {
            seen: self.operators.len(),
            of: WIDTHS * KNOWLEDGE * (OPERATORS * KNOWLEDGE + 1),
        }
    }

    /// Conditional jumps, each with what was known of its outcome.
    pub fn branches(&self) -> Share {
        Share {
            seen: self.branches.len(),
            of: WIDTHS * COMPARISONS * KNOWLEDGE,
        }
    }

    /// Kinds of events.
    pub fn events(&self) -> Share {
        Share {
            seen: self.events.len(),
            of: EVENTS,
        }
    }

    /// Adds what another one has seen.
    pub fn add(&mut self, other: Coverage) {
        self.refusals.extend(other.refusals);
        self.operators.extend(other.operators);
        self.branches.extend(other.branches);
        self.events.extend(other.events);
    }

    fn insn(&mut self, insn: Insn, state: &State) {
        let operand = |src| match src {
            Operand::Reg(reg) => *state.reg(reg),
            Operand::Imm(imm) => Value::constant(i64::from(imm) as u64),
        };
        match insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => self.operator(op, width, state.reg(dst), &operand(src)),
            Insn::Branch {
                op,
                width,
                dst,
                src,
                ..
            } => self.branch(op, width, state.reg(dst), &operand(src)),
            _ => {}
        }
    }

    fn operator(&mut self, op: AluOp, width: Width, dst: &Value, src: &Value) {
        if !src.is_scalar() || (op != AluOp::Mov && !dst.is_scalar()) {
            return;
        }
        let (name, bits) = (format!("{op:?}").to_lowercase(), width.bits());
        let src = known(&src.num);
        self.operators.insert(match op {
            AluOp::Mov => format!("{name}{bits} {src}"),
            _ => format!("{name}{bits} {} {src}", known(&dst.num)),
        });
    }

    fn branch(&mut self, op: CmpOp, width: Width, dst: &Value, src: &Value) {
        if !dst.is_scalar() || !src.is_scalar() {
            return;
        }
        let outcome = match Scalar::decide(op, width, &dst.num, &src.num) {
            Some(true) => "always",
            Some(false) => "never",
            None => "open",
        };
        let (name, bits) = (format!("{op:?}").to_lowercase(), width.bits());
        self.branches.insert(format!("j{name}{bits} {outcome}"));
    }
}

fn known(number: &Scalar) -> &'static str {
    match (number.is_const(), number.is_unknown()) {
        (true, _) => "const",
        (_, true) => "any",
        _ => "range",
    }
}

fn event(event: &Event<'_>) -> Option<&'static str> {
    Some(match event {
        Event::Structure => "structure",
        Event::Function { .. } => "function",
        Event::FunctionDone { .. } => "function done",
        Event::Path { .. } => "path",
        Event::Before { .. } => "before",
        Event::Branched { .. } => "branched",
        Event::Push { .. } => "push",
        Event::Pop => "pop",
        Event::Covered { .. } => "covered",
        Event::EndlessLoop { .. } => "endless loop",
        Event::Call { .. } => "call",
        Event::Return { .. } => "return",
        Event::Precision(_) => "precision",
        Event::StackLiveness(_) => "stack liveness",
        Event::Verdict { .. } => "verdict",
        _ => return None,
    })
}

impl Observer for Coverage {
    fn observe(&mut self, context: &Context<'_>, seen: Event<'_>) {
        if let Some(name) = event(&seen)
            && !self.events.contains(name)
        {
            self.events.insert(name.to_owned());
        }
        match seen {
            Event::Before { pc, state, .. } => {
                let code = &context.program.code;
                if let Some(slot) = code.get(pc.index()) {
                    let tail = code.get(pc.index() + 1).copied();
                    self.insn(isa::decode(*slot, tail), state);
                }
            }
            Event::Verdict {
                refusal: Some(reason),
                ..
            } => {
                self.refusals.insert(reason.code().to_owned());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use verifier::Config;

    use super::*;
    use crate::families::Seed;
    use crate::fuzz::{Case, Mix};

    #[test]
    fn what_is_seen_is_some_of_what_there_is() {
        let mut coverage = Coverage::default();
        for index in 0..300 {
            let case = Case::new(&Mix::default(), Seed(1), index);
            verifier::verify(&case.raw.program, &Config::default(), Some(&mut coverage));
        }
        for share in [
            coverage.refusals(),
            coverage.operators(),
            coverage.branches(),
            coverage.events(),
        ] {
            assert!(share.seen > 0 && share.seen <= share.of, "{share}");
        }
        let open = coverage.branches.iter().any(|b| b.ends_with(" open"));
        assert!(open, "{:?}", coverage.branches);
        let seen = coverage.refusals.len() + coverage.unseen_refusals().count();
        assert_eq!(seen, coverage.refusals().of, "every code has its topic");
    }
}
