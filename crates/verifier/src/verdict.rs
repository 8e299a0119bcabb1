//! The answer: what was decided, why, and what it cost.

use abi::{Program, Proven};
use isa::Pc;

use crate::{Event, Fault, Reason, Unsupported};

/// What an analysis cost, as Linux counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Instructions followed, over all paths.
    pub processed: u64,
    /// The longest list of checkpoints looked through at one instruction.
    pub max_states_per_insn: u64,
    /// Checkpoints kept.
    pub total_states: u64,
    /// The largest number of checkpoints kept at once.
    pub peak_states: u64,
    /// Stack bytes that each function uses, by subprogram; those of a program that
    /// is accepted as Linux leaves it: without functions that no path enters.
    pub stack_depths: Vec<u32>,
}

impl Stats {
    /// The closing line of Linux's log.
    pub fn line(&self) -> String {
        let Stats {
            processed,
            max_states_per_insn,
            total_states,
            peak_states,
            ..
        } = self;
        format!(
            "processed {processed} insns (limit 1000000) max_states_per_insn \
             {max_states_per_insn} total_states {total_states} peak_states {peak_states} \
             mark_read 0"
        )
    }
}

/// What was decided about a program.
#[derive(Debug)]
pub enum Verdict<'p> {
    /// Linux would load it.
    Accepted(Acceptance<'p>),
    /// Linux would refuse it.
    Refused(Rejection),
    /// It uses something that this verifier does not know.
    Unsupported(Undecided),
}

impl Verdict<'_> {
    /// What the analysis cost.
    pub fn stats(&self) -> &Stats {
        match self {
            Verdict::Accepted(acceptance) => &acceptance.stats,
            Verdict::Refused(rejection) => &rejection.stats,
            Verdict::Unsupported(undecided) => &undecided.stats,
        }
    }

    /// The last event of an analysis.
    pub(crate) fn event(&self) -> Event<'_> {
        Event::Verdict {
            refusal: match self {
                Verdict::Refused(rejection) => Some(&rejection.reason),
                _ => None,
            },
            stats: self.stats(),
        }
    }

    /// Whether Linux would load it.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Verdict::Accepted(_))
    }
}

/// A program that Linux would load. Only [`crate::verify`] makes one, and it
/// borrows the very program that it vouches for.
#[derive(Debug)]
pub struct Acceptance<'p> {
    pub(crate) program: &'p Program,
    pub(crate) stats: Stats,
    pub(crate) proven: Proven,
}

impl<'p> Acceptance<'p> {
    /// The program.
    pub fn program(&self) -> &'p Program {
        self.program
    }

    /// What the analysis cost.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What was found to hold in every run, for engines to use.
    pub fn proven(&self) -> &Proven {
        &self.proven
    }

    /// The same, where the program is no longer needed.
    pub fn into_proven(self) -> Proven {
        self.proven
    }
}

/// A program that Linux would refuse.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// Why; its `Display` is what Linux writes.
    pub reason: Reason,
    /// The instruction that was followed then; none in a pass over the whole
    /// program.
    pub pc: Option<Pc>,
    /// What the analysis cost until then.
    pub stats: Stats,
}

/// A program about which no verdict can be given.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// What is not known, and where it is used.
    pub unsupported: Unsupported,
    /// What the analysis cost until then.
    pub stats: Stats,
}

/// The verdict when the analysis stopped before its end.
pub(crate) fn failed(fault: Fault, pc: Option<Pc>, stats: Stats) -> Verdict<'static> {
    match fault {
        Fault::Refused(reason) => Verdict::Refused(Rejection { reason, pc, stats }),
        Fault::Unsupported(unsupported) => Verdict::Unsupported(Undecided { unsupported, stats }),
    }
}
