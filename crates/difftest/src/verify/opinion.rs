//! What a judge says.

use std::fmt;

use abi::Errno;
use kernel::log::{Counts, Log};

/// What becomes of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It may be run.
    Accepted,
    /// It may not.
    Refused(Errno),
    /// The judge does not know what the program uses.
    Unsupported(String),
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::Accepted => f.write_str("accepted"),
            Said::Refused(errno) => write!(f, "refused {errno}"),
            Said::Unsupported(feature) => write!(f, "unsupported: {feature}"),
        }
    }
}

/// A verdict, with what was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// The verdict.
    pub said: Said,
    /// The last line of a refusal; empty for an accepted program.
    pub message: String,
    /// The log, whole, at the level that was asked for.
    pub log: String,
    /// What the log counts.
    pub counts: Counts,
}

impl Opinion {
    /// An opinion as it stands in a log.
    pub fn new(said: Said, log: String) -> Opinion {
        let message = match said {
            Said::Refused(_) => sentence(last_line(&log)).to_owned(),
            _ => String::new(),
        };
        let counts = Log::parse(&log).counts;
        Opinion {
            said,
            message,
            log,
            counts,
        }
    }
}

/// A last line without the branch that it may stand behind: at level 1 Linux
/// goes back to the middle of a line when a path ends well, and writes on there.
pub(super) fn sentence(line: &str) -> &str {
    let is_insn = line
        .split_once(": (")
        .is_some_and(|(pc, _)| !pc.is_empty() && pc.bytes().all(|b| b.is_ascii_digit()));
    let Some((_, after)) = line.split_once(" goto pc").filter(|_| is_insn) else {
        return line;
    };
    match after.split_once(' ') {
        Some((_, sentence)) if !sentence.trim().is_empty() => sentence,
        _ => line,
    }
}

/// The last line that counts nothing, and that is no state: of a loop without
/// end Linux shows two behind its sentence.
fn last_line(log: &str) -> &str {
    let states = ["cur state: ", "old state: "];
    let said = |line: &&str| {
        let state = states.iter().any(|start| line.starts_with(start));
        !state && !line.trim().is_empty()
    };
    log.lines()
        .rev()
        .map(uncounted)
        .find(said)
        .unwrap_or_default()
}

/// A line without the counts that may stand in it: not all of Linux's sentences
/// end their line.
fn uncounted(line: &str) -> &str {
    let counted = ["processed ", "verification time ", "stack depth "];
    let start = |word: &&str| {
        let at = line.find(*word)?;
        let rest = &line[at + word.len()..];
        // Without functions there are no depths.
        let number = rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit());
        number.then_some(at)
    };
    let end = counted.iter().filter_map(start).min();
    &line[..end.unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_may_stand_behind_a_branch() {
        let line = "26: (a5) if r7 < 0x9 goto pc-12 infinite loop detected at insn 15";
        assert_eq!(sentence(line), "infinite loop detected at insn 15");
        for whole in ["4: (05) goto pc+1", "R0 !read_ok", "a goto pc b c"] {
            assert_eq!(sentence(whole), whole);
        }
    }

    #[test]
    fn the_last_line_of_a_refusal() {
        let log = "0: (95) exit\nR0 !read_ok\nverification time 3 usec\nstack depth 0\n\
                   processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 \
                   peak_states 0 mark_read 0\n\n";
        let opinion = Opinion::new(Said::Refused(Errno::EACCES), log.to_owned());
        assert_eq!(opinion.message, "R0 !read_ok");
        assert_eq!(opinion.counts.processed, Some(1));
        assert_eq!(Opinion::new(Said::Accepted, log.to_owned()).message, "");
        let log = "infinite loop detected at insn 1\ncur state: R0=1\nold state: R0=1\n\
                   processed 4 insns (limit 1000000)\n";
        assert_eq!(last_line(log), "infinite loop detected at insn 1");
        let log = "expected prog array map for tail callverification time 9 usec\nstack depth 0\n";
        assert_eq!(last_line(log), "expected prog array map for tail call");
        let text = "the stack depth of a processed program";
        assert_eq!(last_line(text), text);
    }
}
