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
            Said::Refused(_) => last_line(&log).to_owned(),
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

/// The last line that counts nothing.
fn last_line(log: &str) -> &str {
    let counted = ["processed ", "verification time ", "stack depth "];
    let said = |line: &&str| {
        let counts = counted.iter().any(|start| line.starts_with(start));
        !counts && !line.trim().is_empty()
    };
    log.lines().rev().find(said).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_refusal() {
        let log = "0: (95) exit\nR0 !read_ok\nverification time 3 usec\nstack depth 0\n\
                   processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 \
                   peak_states 0 mark_read 0\n\n";
        let opinion = Opinion::new(Said::Refused(Errno::EACCES), log.to_owned());
        assert_eq!(opinion.message, "R0 !read_ok");
        assert_eq!(opinion.counts.processed, Some(1));
        assert_eq!(Opinion::new(Said::Accepted, log.to_owned()).message, "");
    }
}
