//! What an oracle is, and what it says.

use std::collections::BTreeMap;

use abi::Errno;
use loader::raw::RawProgram;
use serde::{Deserialize, Serialize};
use verifier::{Config, Privileges, Verdict};

use super::{Against, Case};
use crate::CannotAsk;

/// Who says whether something is wrong about a program.
pub trait Oracle {
    /// Which one it is.
    fn kind(&self) -> OracleKind;

    /// What is wrong; `None` when nothing is.
    ///
    /// # Errors
    ///
    /// When somebody else has to be asked and cannot be.
    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk>;
}

/// The oracles, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OracleKind {
    /// What an accepted program does lies within what the verifier recorded, and it
    /// never traps.
    State,
    /// What the verifier knows of each register is what Linux knows.
    Registers,
    /// The verdict and its sentence are another verifier's.
    Verdict,
    /// Interpreter, compiled code and Linux come to the same.
    Result,
    /// No panic, and an end in time.
    Crash,
}

impl OracleKind {
    /// All of them.
    pub const ALL: [OracleKind; 5] = [
        OracleKind::State,
        OracleKind::Registers,
        OracleKind::Verdict,
        OracleKind::Result,
        OracleKind::Crash,
    ];

    /// Its name on the command line and in ledgers.
    pub fn name(self) -> &'static str {
        match self {
            OracleKind::State => "state",
            OracleKind::Registers => "registers",
            OracleKind::Verdict => "verdict",
            OracleKind::Result => "result",
            OracleKind::Crash => "crash",
        }
    }

    /// Whether there is somebody to ask.
    pub fn can_ask(self, against: &Against) -> bool {
        match self {
            OracleKind::Registers => *against == Against::Kernel,
            OracleKind::Verdict => *against != Against::Nobody,
            _ => true,
        }
    }

    /// Whom it asks, as on the command line; nothing where it asks nobody.
    pub fn asks(self) -> &'static str {
        match self {
            OracleKind::Registers => "kernel",
            OracleKind::Verdict => "kernel, or a command",
            _ => "",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who says so.
    pub oracle: OracleKind,
    /// What sort of fault it is: the same for every program that shows the same
    /// one. A program is made smaller as long as this stays what it is.
    pub class: String,
    /// What is wrong, for a reader.
    pub what: String,
    /// The instruction, where there is one.
    pub pc: Option<u32>,
    /// Index of the input that shows it, where one does.
    pub input: Option<usize>,
    /// What Linux said of the program, where it was asked.
    pub linux: Option<LinuxSaid>,
}

/// Linux's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinuxSaid {
    /// The error number of a refusal.
    pub errno: Option<Errno>,
    /// The last line of a refusal; empty for an accepted program.
    pub message: String,
}

impl Finding {
    /// That something is wrong.
    pub fn new(oracle: OracleKind, class: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding {
            oracle,
            class: class.into(),
            what: what.into(),
            pc: None,
            input: None,
            linux: None,
        }
    }

    /// Who says so and of what sort it is.
    pub fn full_class(&self) -> String {
        format!("{}: {}", self.oracle.name(), self.class)
    }
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Cases that were looked at.
    pub programs: u64,
    /// Of them, those that our verifier accepts.
    pub accepted: u64,
    /// Of them, those that our verifier does not know enough for.
    pub unsupported: u64,
    /// Programs that another verifier was asked about.
    pub asked: u64,
    /// Of them, those that it accepts.
    pub accepted_there: u64,
    /// Runs of programs.
    pub runs: u64,
    /// Instructions in them.
    pub instructions: u64,
    /// Runs whose results Linux had too.
    #[serde(default)]
    pub runs_there: u64,
    /// States that something was held against.
    pub states: u64,
    /// How often a program was refused, by code of the refusal.
    #[serde(skip)]
    pub refusals: BTreeMap<&'static str, u64>,
    /// Whether our verdict of the case has been counted.
    #[serde(skip)]
    counted: bool,
}

impl Tally {
    /// A case comes.
    pub fn begin(&mut self) {
        self.programs += 1;
        self.counted = false;
    }

    /// Counts our verdict of a case, once however many oracles want one.
    pub fn ours(&mut self, verdict: &Verdict<'_>) {
        if std::mem::replace(&mut self.counted, true) {
            return;
        }
        match verdict {
            Verdict::Accepted(_) => self.accepted += 1,
            Verdict::Unsupported(_) => self.unsupported += 1,
            Verdict::Refused(rejection) => {
                *self.refusals.entry(rejection.reason.code()).or_default() += 1;
            }
        }
    }

    /// Adds what another tally has.
    pub fn add(&mut self, other: &Tally) {
        self.programs += other.programs;
        self.accepted += other.accepted;
        self.unsupported += other.unsupported;
        self.asked += other.asked;
        self.accepted_there += other.accepted_there;
        self.runs += other.runs;
        self.instructions += other.instructions;
        self.runs_there += other.runs_there;
        self.states += other.states;
        for (code, count) in &other.refusals {
            *self.refusals.entry(code).or_default() += count;
        }
    }
}

/// The configuration that a load like this stands for, of a machine with one CPU
/// and no types of its kernel.
pub fn config(raw: &RawProgram) -> Config {
    let flag = |bit: u32| raw.flags & 1 << bit != 0;
    Config {
        privileges: match raw.caps.perfmon {
            true => Privileges::Full,
            false => Privileges::BpfOnly,
        },
        strict_alignment: flag(0),
        test_state_freq: flag(3),
        test_reg_invariants: flag(7),
        ..Config::default()
    }
}
