//! Why a run ended without an answer.

use std::fmt;

use isa::{Invalid, Pc};

use crate::machine::ProgId;
use crate::map::MapId;
use crate::memory::Fault;

/// A run that could not go on: where, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The program, after tail calls.
    pub program: ProgId,
    /// The instruction.
    pub pc: Pc,
    /// The reason.
    pub kind: TrapKind,
}

/// The reason for a [`Trap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrapKind {
    /// An access to memory that the program may not make.
    Memory(Fault),
    /// An argument that the helper cannot use, such as a map of the wrong kind.
    Argument {
        /// Helper id.
        helper: u32,
        /// Argument number, from 1.
        arg: u8,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The instruction budget is used up.
    Budget {
        /// Instructions allowed.
        limit: u64,
    },
    /// More call frames than Linux allows.
    CallDepth {
        /// What it allows.
        most: usize,
    },
    /// An instruction without meaning.
    Invalid(Invalid),
    /// An instruction or operation that is not simulated.
    Unsupported {
        /// Its name.
        what: &'static str,
    },
    /// A CO-RE relocation that could not be satisfied: there is no such field,
    /// type or value in the target's BTF, and the program did not ask first.
    Relocation,
    /// Something weak that is not there was used nevertheless.
    Absent {
        /// What it is.
        what: &'static str,
    },
    /// A helper was to call something that is no function of the program.
    NotAFunction {
        /// The value that it got.
        value: u64,
    },
    /// Execution ran past the last instruction or into the middle of one.
    OffTheEnd,
}

impl TrapKind {
    /// The whole sentence; `map` knows the names of maps.
    pub fn explain(&self, map: &dyn Fn(MapId) -> Option<String>) -> String {
        match self {
            TrapKind::Memory(fault) => fault.explain(map),
            kind => kind.to_string(),
        }
    }
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrapKind::Memory(fault) => fault.fmt(f),
            TrapKind::Argument { helper, arg, why } => {
                let name = crate::helper::name(*helper);
                write!(f, "argument {arg} of {name}: {why}")
            }
            TrapKind::Budget { limit } => write!(f, "more than {limit} instructions"),
            TrapKind::CallDepth { most } => write!(f, "more than {most} call frames"),
            TrapKind::Invalid(invalid) => invalid.fmt(f),
            TrapKind::Unsupported { what } => write!(f, "{what} is not simulated"),
            TrapKind::Relocation => {
                f.write_str("use of a CO-RE relocation that could not be satisfied")
            }
            TrapKind::Absent { what } => write!(f, "use of a {what} that is not there"),
            TrapKind::NotAFunction { value } => {
                write!(f, "callback {value:#x} is no function of the program")
            }
            TrapKind::OffTheEnd => f.write_str("execution left the program"),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pc, self.kind)
    }
}

impl std::error::Error for Trap {}
