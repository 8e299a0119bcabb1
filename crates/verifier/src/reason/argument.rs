//! Refusals of arguments of helpers. Memory that they point to is checked by the
//! rules of [`super::Access`].

use abi::Errno;
use isa::Reg;

use super::helper::Name;
use crate::state::TypeName;

/// A helper may not be given this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the sentence shows of them")]
pub enum Argument {
    /// Another kind of value than the helper takes.
    #[error("R{} type={found} expected={expected}", .reg.index())]
    Type {
        reg: Reg,
        found: TypeName,
        expected: String,
    },
    /// A kernel structure where the helper would write.
    #[error("{helper}() may write into memory pointed by R{} type={found}", .reg.index())]
    KernelWritten {
        helper: &'static str,
        reg: Reg,
        found: TypeName,
    },
    /// A pointer to another kernel structure.
    #[error("R{} is of type {found} but {expected} is expected", .reg.index())]
    KernelType {
        reg: Reg,
        found: String,
        expected: &'static str,
    },
    /// Values of maps of sockets are no memory.
    #[error("invalid arg_type for sockmap/sockhash")]
    SockmapValue,
    /// A text that is no format, or has other arguments.
    #[error("Invalid format string")]
    Format,
    /// Arguments of a format that are no whole numbers of 64 bits.
    #[error("")]
    FormatData,
    /// A pointer that was moved is to be released.
    #[error(
        "R{} must have zero offset when passed to release func or trusted arg to kfunc",
        .0.index()
    )]
    ReleaseMoved(Reg),
    /// Nothing that the program holds is to be released.
    #[error("R{} must be referenced when passed to release function", .0.index())]
    NotReferenced(Reg),
    /// Two arguments that the program holds.
    #[error("more than one arg with ref_obj_id R{} {} {}", .reg.index(), .second, .first)]
    TwoReferences { reg: Reg, first: u32, second: u32 },
    /// A size that must be known.
    #[error("R{} is not a known constant'", .0.index())]
    NotConstant(Reg),
    /// A timer of another map.
    #[error("timer pointer in R1 map_uid={timer} doesn't match map pointer in R2 map_uid={map}")]
    TimerMap { timer: u32, map: u32 },
    /// A string in a map that may change.
    #[error("R{} does not point to a readonly map'", .0.index())]
    StringNotConstant(Reg),
    /// A string at an unknown place.
    #[error("R{} is not a constant address'", .0.index())]
    StringVariable(Reg),
    /// A string in a map without addresses.
    #[error("no direct value access support for this map type")]
    StringMap,
    /// No string: no NUL.
    #[error("string is not zero-terminated")]
    StringUnterminated,
    /// A field of a map value at an unknown place.
    #[error(
        "R{} doesn't have constant offset. {field} has to be at the constant offset",
        .reg.index()
    )]
    FieldVariable { reg: Reg, field: &'static str },
    /// The map's values have no type that would tell where the field is.
    #[error("map '{map}' has to have BTF in order to use {user}")]
    FieldNoBtf { map: String, user: &'static str },
    /// The map's values have no such field.
    #[error("map '{map}' has no valid {field}")]
    FieldMissing { map: String, field: &'static str },
    /// The field is elsewhere.
    #[error("off {off} doesn't point to 'struct {field}' that is at {at}")]
    FieldElsewhere {
        off: i64,
        field: &'static str,
        at: u32,
    },
    /// The map's values have no pointers.
    #[error("R{} has no valid kptr", .0.index())]
    NoKptr(Reg),
    /// There is no pointer there.
    #[error("off={0} doesn't point to kptr")]
    KptrElsewhere(i64),
}

impl Argument {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Argument::ReleaseMoved(_)
            | Argument::NotReferenced(_)
            | Argument::TimerMap { .. }
            | Argument::StringUnterminated
            | Argument::SockmapValue
            | Argument::Format
            | Argument::FormatData
            | Argument::FieldVariable { .. }
            | Argument::FieldNoBtf { .. }
            | Argument::FieldMissing { .. }
            | Argument::FieldElsewhere { .. }
            | Argument::NoKptr(_) => Errno::EINVAL,
            _ => Errno::EACCES,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Argument::Type { .. } => "argument-type",
            Argument::KernelWritten { .. } => "argument-kernel-written",
            Argument::KernelType { .. } => "argument-kernel-type",
            Argument::SockmapValue => "argument-type",
            Argument::Format | Argument::FormatData => "argument-string",
            Argument::ReleaseMoved(_) => "release-moved",
            Argument::NotReferenced(_) => "release-not-held",
            Argument::TwoReferences { .. } => "argument-two-references",
            Argument::NotConstant(_) => "size-not-constant",
            Argument::TimerMap { .. } => "timer-map",
            Argument::StringNotConstant(_)
            | Argument::StringVariable(_)
            | Argument::StringMap
            | Argument::StringUnterminated => "argument-string",
            Argument::FieldVariable { .. } | Argument::FieldElsewhere { .. } => "field-elsewhere",
            Argument::FieldNoBtf { .. } | Argument::FieldMissing { .. } => "field-missing",
            Argument::NoKptr(_) | Argument::KptrElsewhere(_) => "kptr-missing",
        }
    }
}

impl Argument {
    pub(crate) fn kernel_written(helper: Name, reg: Reg, found: TypeName) -> Argument {
        Argument::KernelWritten {
            helper: helper.0,
            reg,
            found,
        }
    }
}
