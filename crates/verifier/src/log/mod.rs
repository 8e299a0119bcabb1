//! Linux's verifier log, to the letter.
//!
//! [`Log`] is an observer. Its levels are Linux's, a bit each: 1 tells the path
//! that failed, 2 every state of every path, 4 the statistics; they combine.
//! What Linux prints and no two runs have in common (addresses of maps) is
//! replaced by numbers that do not change.

mod back;
mod header;
mod insn;
mod source;
mod state;
mod text;
mod value;

pub use insn::insn;
pub use state::{Precise, frame};
pub use value::{type_name, value};

use std::fmt::Write;

use isa::Pc;

use crate::observe::{Context, Event, Observer, Touched};
use crate::state::State;
use crate::{Reason, Stats};
use text::{Mark, Text};

/// Bit of the level that tells the failing path.
pub const PATH: u32 = 1;
/// Bit of the level that tells every state.
pub const STATES: u32 = 2;
/// Bit of the level that tells the statistics.
pub const STATS: u32 = 4;

/// The log of one analysis.
#[derive(Debug)]
pub struct Log {
    level: u32,
    text: Text,
    /// Where the log stood when each waiting branch was put away.
    waiting: Vec<Mark>,
    source: source::Lines,
    /// A path was taken up again and its state is still to be told.
    taken_up: Option<Pc>,
    /// What comes after the sentence of a refusal.
    after_refusal: String,
}

impl Log {
    /// A log of this level ([`PATH`], [`STATES`], [`STATS`] or several), without
    /// bound.
    pub fn new(level: u32) -> Log {
        Log::with_limit(level, usize::MAX)
    }

    /// A log that keeps about the last `limit` bytes, as Linux does when its
    /// buffer is full.
    pub fn with_limit(level: u32, limit: usize) -> Log {
        Log {
            level,
            text: Text::new(limit),
            waiting: Vec::new(),
            source: source::Lines::default(),
            taken_up: None,
            after_refusal: String::new(),
        }
    }

    /// What was told so far.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// What was told.
    pub fn into_text(self) -> String {
        self.text.into_string()
    }

    fn tells_paths(&self) -> bool {
        self.level & (PATH | STATES) != 0
    }

    fn tells_states(&self) -> bool {
        self.level & STATES != 0
    }

    fn before(&mut self, context: &Context<'_>, pc: Pc, state: &State, touched: Touched) {
        if let Some(from) = self.taken_up.take()
            && self.tells_states()
        {
            let all = state_text(context, state);
            let _ = writeln!(self.text, "\nfrom {} to {}:{all}", from.0, pc.0);
        }
        self.touched(context, pc, state, touched);
        self.source.tell(context, pc, &mut self.text);
        let begin = self.text.mark();
        let _ = writeln!(self.text, "{}: {}", pc.0, insn(context, pc));
        self.text.end_of_insn(begin);
    }

    /// What was read and written: behind the instruction if nothing came between,
    /// else on a line of its own.
    fn touched(&mut self, context: &Context<'_>, pc: Pc, state: &State, touched: Touched) {
        if !touched.is_empty() {
            let shown = frame(context, state, state.current(), touched, Precise::default());
            match self.text.after_insn() {
                Some(column) => {
                    self.text.reopen_line();
                    let _ = writeln!(self.text, "{:column$};{shown}", "");
                }
                None => {
                    let _ = writeln!(self.text, "{}:{shown}", pc.0);
                }
            }
        }
    }

    fn verdict(&mut self, refusal: Option<&Reason>, stats: &Stats) {
        if let Some(reason) = refusal
            && self.tells_paths()
        {
            let _ = write!(self.text, "{reason}{}", reason.line_end());
            let _ = self.text.write_str(&self.after_refusal);
        }
        if self.level & STATS != 0 {
            let depths: Vec<_> = stats.stack_depths.iter().map(u32::to_string).collect();
            // Time differs from run to run.
            let _ = writeln!(self.text, "verification time 0 usec");
            let _ = writeln!(self.text, "stack depth {}", depths.join("+"));
        }
        if self.level != 0 {
            let _ = writeln!(self.text, "{}", stats.line());
        }
    }
}

/// All that is known in the current frame.
fn state_text<'a>(context: &'a Context<'a>, state: &'a State) -> impl std::fmt::Display + 'a {
    frame(
        context,
        state,
        state.current(),
        Touched::ALL,
        Precise::default(),
    )
}

impl Observer for Log {
    fn wants_details(&self) -> bool {
        self.tells_states()
    }

    fn observe(&mut self, context: &Context<'_>, event: Event<'_>) {
        if let Event::Verdict { refusal, stats } = event {
            return self.verdict(refusal, stats);
        }
        if !self.tells_paths() {
            return;
        }
        match event {
            Event::Structure if self.tells_states() => header::write(&mut self.text, context),
            Event::Path { from, .. } => self.taken_up = from,
            Event::Before { pc, state, touched } => self.before(context, pc, state, touched),
            Event::Branched { pc, state, touched } => self.touched(context, pc, state, touched),
            Event::Push { .. } => self.waiting.push(self.text.mark()),
            Event::Pop => self.pop(),
            Event::Covered { from, to, .. } => self.covered(from, to),
            Event::Function { subprogram } if subprogram != 0 => {
                let name = function_name(context, subprogram);
                let _ = writeln!(self.text, "Validating {name}() func#{subprogram}...");
            }
            Event::FunctionDone { subprogram } => self.function_done(context, subprogram),
            Event::EndlessLoop {
                pc,
                state,
                old,
                marks,
            } => {
                self.source.tell(context, pc, &mut self.text);
                let precise = Precise {
                    regs: marks.regs,
                    slots: marks.slots,
                };
                let cur = state_text(context, state);
                let old = frame(context, old, old.current(), Touched::ALL, precise);
                self.after_refusal = format!("cur state:{cur}\nold state:{old}\n");
            }
            Event::Call { caller, callee, .. } => self.called(context, caller, callee),
            Event::Return { callee, state, to } => self.returned(context, callee, state, to),
            Event::Precision(step) if self.tells_states() => {
                back::precision(&mut self.text, context, &step);
            }
            Event::StackLiveness(step) if self.tells_states() => {
                back::liveness(&mut self.text, &step);
            }
            Event::Note { level, text } if u32::from(level) <= self.level & 3 => {
                let _ = writeln!(self.text, "{text}");
            }
            _ => {}
        }
    }
}

impl Log {
    /// At level 1 what the finished path told is dropped.
    fn pop(&mut self) {
        if let Some(mark) = self.waiting.pop()
            && !self.tells_states()
        {
            self.text.rewind(mark);
        }
    }

    fn covered(&mut self, from: Pc, to: Pc) {
        if !self.tells_states() {
            return;
        }
        let _ = match self.taken_up.take() {
            Some(_) => writeln!(self.text, "\nfrom {} to {}: safe", from.0, to.0),
            None => writeln!(self.text, "{}: safe", to.0),
        };
    }

    fn function_done(&mut self, context: &Context<'_>, subprogram: u32) {
        if !self.tells_states() {
            self.text.clear();
        }
        if subprogram != 0 {
            let name = function_name(context, subprogram);
            let _ = writeln!(
                self.text,
                "Func#{subprogram} ('{name}') is safe for any args that match its prototype"
            );
        }
    }

    fn called(&mut self, context: &Context<'_>, caller: &State, callee: &State) {
        let caller = state_text(context, caller).to_string();
        let callee = state_text(context, callee).to_string();
        let _ = writeln!(self.text, "caller:\n{caller}\ncallee:\n{callee}");
    }

    fn returned(&mut self, context: &Context<'_>, callee: &State, caller: &State, to: Pc) {
        let callee = state_text(context, callee).to_string();
        let caller = state_text(context, caller).to_string();
        let _ = writeln!(self.text, "returning from callee:\n{callee}");
        let _ = writeln!(self.text, "to caller at {}:\n{caller}", to.0);
    }
}

/// The name of a function in messages.
fn function_name<'a>(context: &'a Context<'_>, subprogram: u32) -> &'a str {
    let function = context.structure.subprograms.get(subprogram as usize);
    function
        .and_then(|function| function.name.as_deref())
        .unwrap_or("")
}
