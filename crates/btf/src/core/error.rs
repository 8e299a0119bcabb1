//! Why CO-RE has no answer, each with the type that it is about.

use std::fmt;

use super::ReloKind;
use crate::TypeId;

/// Why a relocation has no answer, not even "there is none".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The relocation's type is not in the program's BTF.
    #[error("{kind} relocation of type [{id}], which does not exist")]
    NoSuchType {
        /// What was asked.
        kind: ReloKind,
        /// The id given.
        id: TypeId,
    },
    /// The relocation's type has no name to look for.
    #[error("{kind} relocation of type [{id}] ({ty}), which has no name to look for")]
    Anonymous {
        /// What was asked.
        kind: ReloKind,
        /// The type.
        id: TypeId,
        /// It in C.
        ty: String,
    },
    /// The access string does not fit the type.
    #[error("{kind} relocation of type [{id}] ({ty}): access {access:?} {what}")]
    BadAccess {
        /// What was asked.
        kind: ReloKind,
        /// The type that the access starts from.
        id: TypeId,
        /// It in C.
        ty: String,
        /// The access string.
        access: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A type on the way has no size.
    #[error("type [{id}] ({ty}) of the {side} has no size")]
    Unsized {
        /// Whose type it is.
        side: Side,
        /// The type.
        id: TypeId,
        /// It in C.
        ty: String,
    },
    /// Offset and size are the only things that an array element has.
    #[error("{kind} relocation of an array element of type [{id}] ({ty})")]
    ArrayElement {
        /// What was asked.
        kind: ReloKind,
        /// The element's type.
        id: TypeId,
        /// It in C.
        ty: String,
    },
    /// No load of up to eight bytes has all bits of a bitfield.
    #[error("bitfield {name} of the {side} cannot be read with a single load")]
    WideBitfield {
        /// Whose field it is.
        side: Side,
        /// The field.
        name: String,
    },
    /// Several types of the target match and differ in the answer.
    #[error(
        "{kind} relocation of {name} is ambiguous: the target's types [{first}] and [{second}] \
         both match and differ"
    )]
    Ambiguous {
        /// What was asked.
        kind: ReloKind,
        /// Name of the type, without flavor.
        name: String,
        /// A type that matches.
        first: TypeId,
        /// Another that does.
        second: TypeId,
    },
    /// Types are nested or chained too deeply or without end, or there are too
    /// many to look through.
    #[error("{kind} relocation of type [{id}]: types are nested too deeply or too many")]
    TooDeep {
        /// What was asked.
        kind: ReloKind,
        /// The type that the access starts from.
        id: TypeId,
    },
    /// Offsets beyond 512 MiB.
    #[error("{kind} relocation of type [{id}]: the offset does not fit 32 bits")]
    TooFar {
        /// What was asked.
        kind: ReloKind,
        /// The type that the access starts from.
        id: TypeId,
    },
}

/// Whose BTF is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The program's own.
    Program,
    /// That of the system to run on.
    Target,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Program => "program",
            Side::Target => "target",
        })
    }
}
