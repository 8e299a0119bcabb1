//! Refusals of reads and writes of the kernel's own structures.

use abi::Errno;
use isa::Reg;

use super::access::{R, pair};
use crate::scalar::Tnum;

/// A structure of the kernel may not be read or written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the sentence shows of them")]
pub enum Kernel {
    /// Whoever loads the program may not look into the kernel.
    #[error("'struct {0}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN")]
    NeedsPerfmon(String),
    /// Only programs under a GPL-compatible licence may look into the kernel.
    #[error("Cannot access kernel 'struct {0}' from non-GPL compatible program")]
    NeedsGpl(String),
    /// Bytes before the structure.
    #[error("{} is {pointer} invalid negative access: off={off}", R(.reg))]
    Negative { reg: Reg, pointer: String, off: i64 },
    /// An offset that is not known.
    #[error("{} is ptr_{name} invalid variable offset: off={off}, var_off={}", R(.reg), pair(.var))]
    Variable {
        reg: Reg,
        name: String,
        off: i64,
        var: Tnum,
    },
    /// Memory of user space.
    #[error("{} is ptr_{name} access user memory: off={off}", R(.reg))]
    User { reg: Reg, name: String, off: i64 },
    /// A per-CPU variable without a choice of the CPU.
    #[error("{} is ptr_{name} access percpu memory: off={off}", R(.reg))]
    PerCpu { reg: Reg, name: String, off: i64 },
    /// A structure is written.
    #[error("only read is supported")]
    ReadOnly,
    /// A map itself is written.
    #[error("only read from {0} is supported")]
    MapReadOnly(String),
    /// Something that has no members.
    #[error("Type '{0}' is not a struct")]
    NotStruct(String),
    /// Bytes behind the structure.
    #[error("access beyond struct {name} at off {off} size {size}")]
    BeyondStruct { name: String, off: i64, size: u32 },
    /// Bytes behind a member, which are no whole other one.
    #[error(
        "access beyond the end of member {member} (mend:{end}) in struct {name} with off {off} size {size}"
    )]
    BeyondMember {
        member: String,
        end: u32,
        name: String,
        off: i64,
        size: u32,
    },
    /// Part of a pointer.
    #[error(
        "cannot access ptr member {member} with moff {start} in struct {name} with off {off} size {size}"
    )]
    PartialPointer {
        member: String,
        start: u32,
        name: String,
        off: i64,
        size: u32,
    },
    /// Bytes between members.
    #[error("struct {name} doesn't have field at offset {off}")]
    NoField { name: String, off: i64 },
}

impl Kernel {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Kernel::NeedsPerfmon(_) => Errno::EPERM,
            Kernel::NeedsGpl(_) | Kernel::NotStruct(_) | Kernel::NoField { .. } => Errno::EINVAL,
            _ => Errno::EACCES,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Kernel::NeedsPerfmon(_) | Kernel::NeedsGpl(_) => "kernel-memory-privileges",
            Kernel::User { .. } | Kernel::PerCpu { .. } => "kernel-address-space",
            Kernel::ReadOnly => "kernel-memory-write",
            Kernel::MapReadOnly(_) => "map-object",
            _ => "kernel-memory-bounds",
        }
    }
}
