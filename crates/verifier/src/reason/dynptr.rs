//! Refusals of dynptrs as arguments.

use std::fmt;

use abi::Errno;

use crate::state::{DynptrKind, TypeName};

/// A dynptr may not be used so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Dynptr {
    /// There is no room for a dynptr.
    #[error("{}Dynptr has to be an uninitialized dynptr", Line(.0))]
    NoRoom(Misplaced),
    /// There is no dynptr.
    #[error("{}Expected an initialized dynptr as arg #{arg}", Line(.misplaced))]
    NotInitialised {
        /// What is wrong with the place.
        misplaced: Misplaced,
        /// The argument, from 0.
        arg: usize,
    },
    /// It is over something else than the function wants.
    #[error("Expected a dynptr of type {} as arg #{arg}", .wanted.name())]
    Kind {
        /// What it has to be over.
        wanted: DynptrKind,
        /// The argument, from 0.
        arg: usize,
    },
    /// It holds nothing that could be given back.
    #[error("{}arg {arg} is an unacquired reference", Line(.misplaced))]
    NotHeld {
        /// What is wrong with the place.
        misplaced: Misplaced,
        /// The argument, from 1.
        arg: usize,
    },
    /// It was handed in by a caller, who keeps it.
    #[error("cannot release unowned const bpf_dynptr")]
    ReleaseOfCallers,
    /// It was handed in by a caller and would be changed.
    #[error("cannot pass pointer to const bpf_dynptr, the helper mutates it")]
    ChangeOfCallers,
    /// Memory that no dynptr can be made of.
    #[error("Unsupported reg type {0} for bpf_dynptr_from_mem data")]
    FromMemory(TypeName),
}

/// What is wrong with the place of a dynptr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// Nothing, or nothing that Linux says.
    No,
    /// Its offset varies.
    Variable,
    /// Its offset is no multiple of 8, or leaves no room below.
    Offset(i64),
}

/// A line of its own, or nothing.
struct Line<'a>(&'a Misplaced);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Misplaced::No => Ok(()),
            Misplaced::Variable => f.write_str("dynptr has to be at a constant offset\n"),
            Misplaced::Offset(off) => writeln!(f, "cannot pass in dynptr at an offset={off}"),
        }
    }
}

impl Dynptr {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Dynptr::FromMemory(_) => Errno::EACCES,
            _ => Errno::EINVAL,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Dynptr::NoRoom(_) => "dynptr-no-room",
            Dynptr::NotInitialised { .. } => "dynptr-not-initialised",
            Dynptr::Kind { .. } => "dynptr-kind",
            Dynptr::NotHeld { .. } => "dynptr-not-held",
            Dynptr::ReleaseOfCallers | Dynptr::ChangeOfCallers => "dynptr-of-caller",
            Dynptr::FromMemory(_) => "dynptr-memory",
        }
    }
}
