//! The verifier's log, read.
//!
//! The text is no stable interface: it says what it says for the release it came
//! from, here Linux 6.18 and, where they differ little, those around it. So
//! nothing is lost in reading: every line is a [`Line`] in order, and what is not
//! understood is [`Line::Other`] with its text.
//!
//! At level 1 Linux forgets the path so far whenever one ends well, so that an
//! accepted program's log has little but counts; at level 2 it keeps everything.

mod counts;
mod line;
mod state;

pub use counts::Counts;
pub use line::Line;
pub use state::State;

use isa::Pc;

/// A log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The lines in order, without empty ones and counts.
    pub lines: Vec<Line>,
    /// What the last lines count, as far as they are there.
    pub counts: Counts,
}

impl Log {
    /// Reads a log. Any text is one.
    pub fn parse(text: &str) -> Log {
        let mut log = Log::default();
        for line in text.lines() {
            if !line.trim().is_empty() && !log.counts.read(line) {
                log.lines.push(Line::parse(line));
            }
        }
        log
    }

    /// What the verifier said last: of a refused program, why.
    pub fn sentence(&self) -> Option<&str> {
        self.complaint().last()
    }

    /// All that the verifier said at the end, of which the last line is
    /// [`Log::sentence`].
    pub fn complaint(&self) -> impl Iterator<Item = &str> {
        // Of a loop without end, two states come last.
        let said = |line: &Line| matches!(line, Line::Other(_) | Line::Frame(_));
        let start = self.lines.iter().rposition(|line| !said(line));
        let end = self.lines.iter().skip(start.map_or(0, |last| last + 1));
        end.filter_map(|line| match line {
            Line::Other(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The states that the log shows before the instruction at `pc`, in the
    /// order in which the verifier came there.
    pub fn states_before(&self, pc: Pc) -> impl Iterator<Item = &State> {
        self.lines.iter().filter_map(move |line| match line {
            Line::State { pc: at, state } if *at == pc => Some(state),
            _ => None,
        })
    }

    /// What the log shows to have changed by the instruction at `pc`: of each
    /// visit the registers and stack slots that it wrote or read.
    pub fn states_after(&self, pc: Pc) -> impl Iterator<Item = &State> {
        self.lines.iter().filter_map(move |line| match line {
            Line::Insn { pc: at, after, .. } if *at == pc => after.as_ref(),
            _ => None,
        })
    }
}

/// The number at the start of a text, and the rest.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}
