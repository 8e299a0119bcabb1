//! Refusals of reads and writes of the stack.

use std::fmt;

use abi::Errno;
use isa::Reg;

use super::access::{R, pair};
use crate::scalar::Tnum;

/// The stack may not be read or written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the sentence shows of them")]
pub enum Stack {
    /// Bytes outside of the frame, or above what was ever written.
    #[error("invalid {how} stack {} off={off} size={size}", R(.reg))]
    Outside {
        how: How,
        reg: Reg,
        off: i64,
        size: u32,
        /// Whether the first byte already lies outside.
        start: bool,
    },
    /// The same with an offset that varies.
    #[error(
        "invalid variable-offset {how} stack {} var_off={} off={off} size={size}",
        R(.reg), pair(.var)
    )]
    VariableOutside {
        how: How,
        reg: Reg,
        var: Tnum,
        off: i64,
        size: u32,
        /// Whether the first byte already lies outside.
        start: bool,
    },
    /// An offset that varies without bound.
    #[error("invalid unbounded variable-offset {how} stack {}", R(.reg))]
    VariableUnbounded { how: How, reg: Reg },
    /// A byte that was never written, or is part of something special.
    #[error("invalid read from stack off {off}+{at} size {size}")]
    Uninitialised { off: i64, at: u32, size: u32 },
    /// The same in memory handed to a helper.
    #[error("invalid read from stack {} off {off}+{at} size {size}", R(.reg))]
    UninitialisedArgument {
        reg: Reg,
        off: i64,
        at: u32,
        size: u32,
    },
    /// The same with an offset that varies.
    #[error("invalid read from stack {} var_off {}+{at} size {size}", R(.reg), pair(.var))]
    UninitialisedVariable {
        reg: Reg,
        var: Tnum,
        at: u32,
        size: u32,
    },
    /// A spilled pointer is read in part.
    #[error("invalid size of register fill")]
    PartialFill,
    /// A pointer is spilled in part.
    #[error("invalid size of register spill")]
    PartialSpill,
    /// A spilled pointer is read as a number.
    #[error("leaking pointer from stack off {0}")]
    Leak(i64),
    /// A spilled pointer is overwritten in part.
    #[error("attempt to corrupt spilled pointer on stack")]
    Corrupt,
    /// A pointer to the stack of a function is stored where it outlives it.
    #[error("cannot spill pointers to stack into stack frame of the caller")]
    PointerIntoCaller,
    /// A dynptr that holds a reference is overwritten.
    #[error("cannot overwrite referenced dynptr")]
    ReferencedDynptr,
    /// A helper may write over a dynptr.
    #[error("potential write to dynptr at off={0} disallowed")]
    DynptrArgument(i64),
    /// A stretch of no bytes, where that is not allowed.
    #[error("invalid zero-sized read")]
    ZeroSized,
    /// A stack pointer with an offset that varies where the offset has to be
    /// known.
    #[error(
        "variable offset stack pointer cannot be passed into helper function; var_off={} off={off} size={size}",
        pair(.var)
    )]
    VariablePointer { var: Tnum, off: i64, size: u32 },
    /// The same, for those who may not leak pointers.
    #[error(
        "{} variable offset stack access prohibited for !root, var_off={}",
        R(.reg), pair(.var)
    )]
    VariableUnprivileged { reg: Reg, var: Tnum },
}

/// Whether the stack was to be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "said above")]
pub enum How {
    Read,
    Write,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            How::Read => "read from",
            How::Write => "write to",
        })
    }
}

impl Stack {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Stack::Outside { start: false, .. }
            | Stack::VariableOutside { start: false, .. }
            | Stack::PointerIntoCaller
            | Stack::ReferencedDynptr => Errno::EINVAL,
            _ => Errno::EACCES,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Stack::Outside { .. } => "stack-bounds",
            Stack::VariableOutside { .. } => "stack-index-variable",
            Stack::VariableUnbounded { .. } => "stack-index-unbounded",
            Stack::Uninitialised { .. }
            | Stack::UninitialisedArgument { .. }
            | Stack::UninitialisedVariable { .. } => "uninitialised-stack",
            Stack::PartialFill => "partial-fill",
            Stack::PartialSpill => "partial-spill",
            Stack::Leak(_) => "pointer-leak-from-stack",
            Stack::Corrupt => "spilled-pointer-corrupted",
            Stack::PointerIntoCaller => "stack-pointer-into-caller",
            Stack::ReferencedDynptr | Stack::DynptrArgument(_) => "dynptr-overwritten",
            Stack::ZeroSized => "zero-sized",
            Stack::VariablePointer { .. } | Stack::VariableUnprivileged { .. } => {
                "stack-index-unknown"
            }
        }
    }
}
