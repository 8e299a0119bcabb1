//! Refusals of what is held and not given back, and of what is not allowed while it is held.

use std::fmt;

use abi::Errno;
use isa::Pc;

/// Refusals of what is held and not given back, and of what is not allowed while it is held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reference {
    /// Objects are not given back.
    #[error("{}{place} would lead to reference leak", Unreleased(.left))]
    Left {
        /// Where the program would end, as Linux says it.
        place: &'static str,
        /// Their ids and where they were acquired.
        left: Vec<(u32, Pc)>,
    },
    /// A region is not left.
    #[error("{place} cannot be used inside {region}-ed region")]
    Inside {
        /// Where the program would end, as Linux says it.
        place: &'static str,
        /// The function that began the region.
        region: &'static str,
    },
    /// What is given back was given back before, or by somebody else.
    #[error("func {name}#{id} reference has not been acquired before")]
    NotAcquired {
        /// The releasing helper.
        name: &'static str,
        /// Its number.
        id: u32,
    },
    /// What a kernel function gives back was given back before.
    #[error("kfunc {0} reference has not been acquired before")]
    NotAcquiredByKfunc(&'static str),
    /// A call while a lock is held.
    #[error("function calls are not allowed while holding a lock")]
    CallWhileLocked,
    /// A lock while a lock is held.
    #[error("Locking two bpf_spin_locks are not allowed")]
    SecondLock,
    /// Nothing is locked.
    #[error("bpf_spin_unlock without taking a lock")]
    NotLocked,
    /// Another lock is held.
    #[error("bpf_spin_unlock of different lock")]
    OtherLock,
}

impl Reference {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        Errno::EINVAL
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Reference::Left { .. } => "reference-leak",
            Reference::Inside { .. } => "region-not-left",
            Reference::NotAcquired { .. } | Reference::NotAcquiredByKfunc(_) => "release-twice",
            Reference::CallWhileLocked => "call-while-locked",
            Reference::SecondLock => "lock-twice",
            Reference::NotLocked | Reference::OtherLock => "unlock-not-locked",
        }
    }
}

/// A line for each object.
struct Unreleased<'a>(&'a [(u32, Pc)]);

impl fmt::Display for Unreleased<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, pc) in self.0 {
            writeln!(f, "Unreleased reference id={id} alloc_insn={}", pc.0)?;
        }
        Ok(())
    }
}
