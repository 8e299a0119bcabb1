//! Seeing every step of an analysis.
//!
//! The log, the explanation of a refusal, statistics and tests are observers.
//! Without one nothing is formatted and nothing is collected.

use abi::Program;
use isa::{Pc, Reg};

use crate::explore::{LivenessStep, PrecisionStep};
use crate::state::State;
use crate::structure::Structure;
use crate::{CheckpointId, Config, FrameMarks, Reason, Stats};

/// What does not change during an analysis.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The program.
    pub program: &'a Program,
    /// Whose rules.
    pub config: &'a Config,
    /// What holds of the whole program.
    pub structure: &'a Structure,
}

/// Sees every step of an analysis.
pub trait Observer {
    /// Something happened.
    fn observe(&mut self, context: &Context<'_>, event: Event<'_>);

    /// Whether only the log of level 1 and the verdict are wanted: [`Event`]s
    /// that only level 2 shows may then be left out.
    fn wants_details(&self) -> bool {
        true
    }
}

/// A step of an analysis.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// The structure is known; nothing was followed yet.
    Structure,
    /// A function is followed from its start: the main one, then each global one.
    Function {
        /// Index in `Structure::subprograms`.
        subprogram: u32,
    },
    /// A function was followed along all its paths without a refusal.
    FunctionDone {
        /// Index in `Structure::subprograms`.
        subprogram: u32,
    },
    /// A path begins or is taken up again, with this state.
    Path {
        /// Where it branched off; none at the start of a function.
        from: Option<Pc>,
        /// Its next instruction.
        to: Pc,
        /// What is known there.
        state: &'e State,
    },
    /// An instruction is about to be followed; no checkpoint covered the path
    /// there.
    Before {
        /// The instruction.
        pc: Pc,
        /// What is known before it.
        state: &'e State,
        /// What was read and written in the current frame since the last such
        /// event: [`Touched::ALL`] at the start of a path or function.
        touched: Touched,
    },
    /// A conditional jump was followed: what is known on the side that the path
    /// goes on with.
    Branched {
        /// The jump.
        pc: Pc,
        /// What is known after it.
        state: &'e State,
        /// What was read and written since [`Event::Before`].
        touched: Touched,
    },
    /// A branch is put on the list of those to come.
    Push {
        /// Where it will go on.
        to: Pc,
    },
    /// The path ended; the last branch put on the list is taken up.
    Pop,
    /// The path ends as a checkpoint covers it.
    Covered {
        /// Where it came from.
        from: Pc,
        /// Where it ends.
        to: Pc,
        /// Its last state.
        state: &'e State,
        /// The state that covers it, without what no path from there reads.
        by: &'e State,
        /// The checkpoint of that state.
        checkpoint: CheckpointId,
        /// Which of its scalars had to be compared, by frame; none when all had
        /// to.
        marks: Option<&'e [FrameMarks]>,
    },
    /// The path came back to a checkpoint and nothing had changed: the program
    /// is refused, which [`Event::Verdict`] tells.
    EndlessLoop {
        /// Where.
        pc: Pc,
        /// The state.
        state: &'e State,
        /// The checkpoint's.
        old: &'e State,
        /// The marks of the checkpoint's current frame.
        marks: FrameMarks,
    },
    /// A function of the program is entered.
    Call {
        /// The state before it, the caller's frame last.
        caller: &'e State,
        /// The state after it, the new frame last.
        callee: &'e State,
        /// The new function's first instruction.
        to: Pc,
    },
    /// A function of the program returns.
    Return {
        /// The state before it, the frame that is left last.
        callee: &'e State,
        /// The state after it, the caller's frame last.
        state: &'e State,
        /// Where the caller goes on.
        to: Pc,
    },
    /// A sentence of Linux's log that is no refusal, without its newline.
    /// `level` is the log level that it first appears at.
    Note {
        #[expect(missing_docs, reason = "said above")]
        level: u8,
        #[expect(missing_docs, reason = "said above")]
        text: std::fmt::Arguments<'e>,
    },
    /// A path is gone back over, to find what a value came from.
    Precision(PrecisionStep<'e>),
    /// What is known of the liveness of stack slots is carried on.
    StackLiveness(LivenessStep<'e>),
    /// The analysis ended.
    Verdict {
        /// Why it is refused; none when it is accepted.
        refusal: Option<&'e Reason>,
        /// The statistics.
        stats: &'e Stats,
    },
}

/// Registers and stack slots of one frame that an instruction read or wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Bit `n` for register `n`.
    pub regs: u16,
    /// Bit `n` for slot `n`.
    pub slots: u64,
}

impl Touched {
    /// Nothing.
    pub const NONE: Touched = Touched { regs: 0, slots: 0 };
    /// All registers and slots.
    pub const ALL: Touched = Touched {
        regs: !0,
        slots: !0,
    };

    /// Adds a register.
    pub fn reg(&mut self, reg: Reg) {
        self.regs |= 1 << reg.index();
    }

    /// Adds a stack slot, below 64.
    pub fn slot(&mut self, index: usize) {
        self.slots |= 1 << (index & 63);
    }

    /// Whether there is nothing.
    pub fn is_empty(self) -> bool {
        self == Touched::NONE
    }
}
