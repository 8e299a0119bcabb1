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
    /// Only iterators and sleepable programs may go through the tasks of a
    /// control group.
    #[error("css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs")]
    CssTaskIter,
    /// An RCU region inside an RCU region.
    #[error("nested rcu read lock (kernel function {0})")]
    NestedRcu(&'static str),
    /// A pointer that may be NULL, where that is not allowed.
    #[error("Possibly NULL pointer passed to trusted arg{0}")]
    MayBeNull(usize),
    /// Neither memory nor anything else that the function knows.
    #[error("arg#{arg} pointer type {wanted} must point to scalar, or struct with scalar")]
    NotMemory { arg: usize, wanted: String },
    /// An object that the program neither holds nor may trust.
    #[error("{} must be referenced or trusted", R(.0))]
    NotTrusted(Reg),
    /// An object that neither a reference nor RCU keeps.
    #[error("{} must be a rcu pointer", R(.0))]
    NotRcu(Reg),
    /// Nothing that the program holds is released.
    #[error("release kernel function {0} expects refcounted PTR_TO_BTF_ID")]
    NotHeld(&'static str),
    /// A pointer to another kernel structure.
    #[error(
        "kernel function {name} args#{arg} expected pointer to STRUCT {wanted} but R{} has a pointer to STRUCT {found}",
        .arg + 1
    )]
    KernelType {
        name: &'static str,
        arg: usize,
        wanted: &'static str,
        found: String,
    },
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
    #[error("{why}\narg#{arg} arg#{} memory, len pair leads to invalid memory access", .arg + 1)]
    MemoryPair { why: Box<super::Reason>, arg: usize },
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
            | Kfunc::MayBeNull(_)
            | Kfunc::SleepsInside { .. } => Errno::EACCES,
            Kfunc::MemoryPair { why, .. } => why.errno(),
            _ => Errno::EINVAL,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Kfunc::NotAllowed(_) => "kfunc-not-allowed",
            Kfunc::MayBeNull(_) | Kfunc::NotTrusted(_) | Kfunc::NotRcu(_) => "kfunc-argument",
            Kfunc::NotHeld(_) => "release-not-held",
            Kfunc::NotMemory { .. } | Kfunc::KernelType { .. } => "kfunc-argument",
            Kfunc::CssTaskIter | Kfunc::Sleeps(_) | Kfunc::SleepsInside { .. } => "kfunc-sleeps",
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
            Kfunc::NestedRcu(_) | Kfunc::RcuUnlock(_) | Kfunc::PreemptEnable(_) => {
                "region-not-entered"
            }
        }
    }
}
