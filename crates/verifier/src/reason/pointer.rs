//! Refusals of arithmetic on pointers and comparisons of them.

use abi::Errno;
use isa::Reg;

use super::access::{Access, R, pair};
use crate::scalar::Tnum;
use crate::state::TypeName;

/// Arithmetic on pointers, or a comparison of them, may not be done so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the sentence shows of them")]
pub enum Pointer {
    /// Two pointers are operands, and it is no subtraction.
    #[error("{} pointer {op} pointer prohibited", R(.reg))]
    Both { reg: Reg, op: &'static str },
    /// Arithmetic on half a pointer.
    #[error("{} 32-bit pointer arithmetic prohibited", R(.0))]
    Narrow(Reg),
    /// A pointer that may be NULL.
    #[error(
        "{} pointer arithmetic on {found} prohibited, null-check it first",
        R(.reg)
    )]
    MayBeNull { reg: Reg, found: TypeName },
    /// A pointer of a kind that stays where it is.
    #[error("{} pointer arithmetic on {found} prohibited", R(.reg))]
    Immovable { reg: Reg, found: TypeName },
    /// A pointer is subtracted from a number.
    #[error("{} tried to subtract pointer from scalar", R(.0))]
    Subtrahend(Reg),
    /// A register is subtracted from a stack pointer.
    #[error("{} subtraction from stack pointer prohibited", R(.0))]
    FromStack(Reg),
    /// `&`, `|` and `^`.
    #[error("{} bitwise operator {op} on pointer prohibited", R(.reg))]
    Bitwise { reg: Reg, op: &'static str },
    /// Operators but `+` and `-`.
    #[error("{} pointer arithmetic with {op} operator prohibited", R(.reg))]
    Operator { reg: Reg, op: &'static str },
    /// Too much is added or subtracted.
    #[error("math between {found} pointer and {by} is not allowed")]
    TooFar { found: TypeName, by: i64 },
    /// The fixed part of an offset becomes too large.
    #[error("{found} pointer offset {off} is not allowed")]
    Offset { found: TypeName, off: i32 },
    /// A number without a lower bound is added.
    #[error("math between {found} pointer and register with unbounded min value is not allowed")]
    Unbounded { found: TypeName },
    /// The least that is added is too much.
    #[error("value {by} makes {found} pointer be out of bounds")]
    OutOfBounds { found: TypeName, by: i64 },
    /// Arithmetic on a pointer by a loader who may not see addresses.
    #[error("{} pointer arithmetic prohibited", R(.0))]
    Hidden(Reg),
    /// The low bytes of a pointer, sign-extended, as [`Pointer::Hidden`].
    #[error("{} sign-extension part of pointer", R(.0))]
    SignExtension(Reg),
    /// Half a pointer, as [`Pointer::Hidden`].
    #[error("{} partial copy of pointer", R(.0))]
    PartialCopy(Reg),
    /// A comparison with a pointer, as [`Pointer::Hidden`].
    #[error("{} pointer comparison prohibited", R(.0))]
    Comparison(Reg),
    /// A pointer leaves its map value, where a mispredicting CPU must not.
    #[error(
        "{outside}\n{} pointer arithmetic of map value goes out of range, prohibited for !root",
        R(.reg)
    )]
    LeavesMapValue { reg: Reg, outside: Box<Access> },
    /// A pointer leaves the stack, as [`Pointer::LeavesMapValue`].
    #[error(
        "{} stack pointer arithmetic goes out of range, prohibited for !root; off={off}",
        R(.reg)
    )]
    LeavesStack { reg: Reg, off: i64 },
    /// A stack pointer moves by what is not known, as
    /// [`Pointer::LeavesMapValue`].
    #[error(
        "{} variable stack access prohibited for !root, var_off={} off={off}",
        R(.reg), pair(.var)
    )]
    VariableStack { reg: Reg, var: Tnum, off: i64 },
}

impl Pointer {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Pointer::TooFar { .. }
            | Pointer::Offset { .. }
            | Pointer::Unbounded { .. }
            | Pointer::OutOfBounds { .. } => Errno::EINVAL,
            _ => Errno::EACCES,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Pointer::MayBeNull { .. } => "null-test-missing",
            Pointer::TooFar { .. } | Pointer::Offset { .. } | Pointer::OutOfBounds { .. } => {
                "pointer-too-far"
            }
            Pointer::Unbounded { .. } => "pointer-unbounded",
            Pointer::Comparison(_) => "pointer-comparison",
            _ => "pointer-arithmetic",
        }
    }
}
