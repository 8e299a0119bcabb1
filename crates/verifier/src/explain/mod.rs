//! A refusal for a person: where, what was known there, where that came from, what
//! check is missing, and what to do.
//!
//! The analysis is run a second time with an observer that remembers the path:
//! an accepted program costs nothing, and a refused one twice its verdict.

mod history;
mod topics;
mod trace;

pub use history::Change;
pub use topics::{Example, Topic, topic, topics};

use abi::Program;
use isa::{Pc, Reg};

use crate::observe::Context;
use crate::structure::Structure;
use crate::{Config, Rejection, log};
use trace::Trace;

/// A refusal for a person.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What the refusal is an instance of.
    pub topic: &'static Topic,
    /// Linux's sentence: the last line of what it writes.
    pub sentence: String,
    /// All that Linux writes about it.
    pub message: String,
    /// The instruction that was refused.
    pub place: Option<Place>,
    /// The register that the sentence is about, and what it held.
    pub register: Option<(Reg, String)>,
    /// Where that came from, oldest first.
    pub history: Vec<Step>,
}

/// An instruction as a person finds it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Slot index.
    pub pc: Pc,
    /// Its text.
    pub insn: String,
    /// The source line that it was made from, where the program says.
    pub source: Option<Source>,
}

/// A source line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// File name without its folder.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1; 0 where the program does not say.
    pub column: u32,
    /// The line without leading blanks.
    pub text: String,
}

/// A step in a register's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The instruction.
    pub place: Place,
    /// The register that held the value after it; the frame pointer when the
    /// value was on the stack.
    pub register: Reg,
    /// What was known of it then, as Linux writes it.
    pub value: String,
    /// What the instruction did to it.
    pub change: Change,
}

/// Explains why `program` was refused under `config`.
pub fn explain(program: &Program, config: &Config, rejection: &Rejection) -> Explanation {
    let message = rejection.reason.to_string();
    let sentence = message.lines().next_back().unwrap_or_default().to_owned();
    let mut trace = Trace::default();
    let _ = crate::verify(program, config, Some(&mut trace));
    let structure = crate::structure::analyze(program, config);
    let structure = structure.unwrap_or_else(|_| Structure::outline(program));
    let context = Context {
        program,
        config,
        structure: &structure,
    };
    let last = trace.steps().back();
    let reg = rejection.pc.and_then(|_| named_register(&message));
    let register = reg.zip(last).map(|(reg, step)| {
        let frame = step.before.frame();
        let value = log::value(&context, frame.number, &frame.regs[reg.index()]);
        (reg, value.to_string())
    });
    Explanation {
        topic: topic(rejection.reason.code()),
        sentence,
        message,
        place: rejection.pc.map(|pc| place(&context, pc)),
        register,
        history: reg.map_or_else(Vec::new, |reg| steps(&context, &trace, reg)),
    }
}

fn steps(context: &Context<'_>, trace: &Trace, reg: Reg) -> Vec<Step> {
    let frame = trace.steps().back().map_or(0, |s| s.before.frame().number);
    let step = |found: history::Found| Step {
        place: place(context, trace.steps()[found.step].pc),
        register: found.reg,
        value: log::value(context, frame, &found.value).to_string(),
        change: found.change,
    };
    let found = history::of(context, trace, reg);
    found.into_iter().map(step).collect()
}

/// The first register that Linux's words name: they begin the sentence with it
/// where the refusal is about one.
fn named_register(message: &str) -> Option<Reg> {
    let last = message.lines().next_back()?;
    let mut words = last.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| Reg::new(word.strip_prefix('R')?.parse().ok()?))
}

/// The instruction at `pc` with its source line.
pub fn place(context: &Context<'_>, pc: Pc) -> Place {
    let insn = log::insn(context, pc).to_string();
    // The opcode in front is for machines.
    let text = insn
        .split_once(") ")
        .map_or(insn.as_str(), |(_, text)| text);
    Place {
        pc,
        insn: text.to_owned(),
        source: source(context.program, pc),
    }
}

fn source(program: &Program, pc: Pc) -> Option<Source> {
    let line = program.line_at(pc)?;
    let btf = program.btf.as_ref()?;
    let file = btf.str(line.file_name_off)?;
    Some(Source {
        file: file.rsplit('/').next().unwrap_or(file).to_owned(),
        line: line.line,
        column: line.column,
        text: btf.str(line.line_off)?.trim().to_owned(),
    })
}
