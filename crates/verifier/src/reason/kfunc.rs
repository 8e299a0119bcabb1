//! Refusals of calls of kernel functions, of iterators and of regions.

use abi::Errno;
use isa::{Pc, Reg};

use super::access::R;
use crate::state::TypeName;

/// A call of a kernel function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields are what the sentence names")]
pub enum Kfunc {
    /// Programs of this kind may not call it.
    #[error("calling kernel function {0} is not allowed")]
    NotAllowed(&'static str),
    /// It may sleep, the program may not.
    #[error("program must be sleepable to call sleepable kfunc {0}")]
    Sleeps(&'static str),
    /// A number is wanted.
    #[error("{} is not a scalar", R(.0))]
    NotNumber(Reg),
    /// A number that is known when the program is loaded is wanted.
    #[error("{} must be a known constant", R(.0))]
    NotConstant(Reg),
    /// The context is wanted.
    #[error("arg#{arg} expected pointer to ctx, but got {found}")]
    NotContext { arg: usize, found: TypeName },
    /// A dynptr on the stack is wanted.
    #[error("arg#{0} expected pointer to stack or const struct bpf_dynptr")]
    NotDynptr(usize),
    /// A dynptr may not be made of the packet for writing.
    #[error("the prog does not allow writes to packet data")]
    PacketReadOnly,
    /// Memory and its size do not fit together.
    #[error("{details}arg#{memory} arg#{size} memory, len pair leads to invalid memory access")]
    MemoryPair {
        details: String,
        memory: usize,
        size: usize,
    },
    /// An iterator on the stack is wanted.
    #[error("arg#{0} expected pointer to an iterator on stack")]
    NotIterator(usize),
    /// Room for an iterator is wanted.
    #[error("{misplaced}expected uninitialized iter_{name} as arg #{arg}")]
    IteratorInUse {
        misplaced: String,
        name: &'static str,
        arg: usize,
    },
    /// An iterator that was begun is wanted.
    #[error("{misplaced}expected an initialized iter_{name} as arg #{arg}")]
    IteratorNotBegun {
        misplaced: String,
        name: &'static str,
        arg: usize,
    },
    /// A stack slot for interrupt flags is wanted.
    #[error("arg#{0} doesn't point to an irq flag on stack")]
    NotIrqFlags(usize),
    /// Room for interrupt flags is wanted.
    #[error("{misplaced}expected uninitialized irq flag as arg#{arg}")]
    IrqFlagsInUse { misplaced: String, arg: usize },
    /// Interrupt flags that were saved are wanted.
    #[error("{misplaced}expected an initialized irq flag as arg#{arg}")]
    IrqFlagsNotSaved { misplaced: String, arg: usize },
    /// Interrupt flags are restored in another order than they were saved.
    #[error(
        "cannot restore irq state out of order, expected id={id} acquired at insn_idx={}",
        .pc.0
    )]
    IrqOrder { id: u32, pc: Pc },
    /// An RCU region is left that was not entered.
    #[error("unmatched rcu read unlock (kernel function {0})")]
    RcuUnlock(&'static str),
    /// Preemption is enabled that was not disabled.
    #[error("unmatched attempt to enable preemption (kernel function {0})")]
    PreemptEnable(&'static str),
    /// It may sleep inside a region where nothing may.
    #[error("kernel func {name} is sleepable within {region}")]
    SleepsInside {
        name: &'static str,
        region: &'static str,
    },
}

impl Kfunc {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Kfunc::NotAllowed(_)
            | Kfunc::Sleeps(_)
            | Kfunc::IrqOrder { .. }
            | Kfunc::SleepsInside { .. } => Errno::EACCES,
            _ => Errno::EINVAL,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Kfunc::NotAllowed(_) => "kfunc-not-allowed",
            Kfunc::Sleeps(_) | Kfunc::SleepsInside { .. } => "kfunc-sleeps",
            Kfunc::NotNumber(_) | Kfunc::NotConstant(_) | Kfunc::NotContext { .. } => {
                "kfunc-argument"
            }
            Kfunc::NotDynptr(_) => "dynptr-not-initialised",
            Kfunc::PacketReadOnly => "packet-read-only",
            Kfunc::MemoryPair { .. } => "kfunc-memory",
            Kfunc::NotIterator(_)
            | Kfunc::IteratorInUse { .. }
            | Kfunc::IteratorNotBegun { .. } => "iterator-state",
            Kfunc::NotIrqFlags(_)
            | Kfunc::IrqFlagsInUse { .. }
            | Kfunc::IrqFlagsNotSaved { .. }
            | Kfunc::IrqOrder { .. } => "irq-flags",
            Kfunc::RcuUnlock(_) | Kfunc::PreemptEnable(_) => "region-not-entered",
        }
    }
}
