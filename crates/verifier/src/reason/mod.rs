//! Why a program is refused: one variant for each of Linux's refusals.
//!
//! The variants stand by topic, a file each. `Display` is what Linux writes into
//! its log at the refusal, to the letter, without a closing newline; where Linux
//! writes several lines the last one is its sentence.

mod access;
mod argument;
mod arithmetic;
mod call;
mod dynptr;
mod function;
mod helper;
mod kernel;
mod kfunc;
mod limit;
mod pointer;
mod reference;
mod stack;
mod structure;

pub use access::{Access, OffsetParts, Outside};
pub use argument::Argument;
pub use arithmetic::{Arithmetic, Contradiction};
pub use call::Call;
pub use dynptr::{Dynptr, Misplaced};
pub use function::{Ends, Function, Lines, Place};
pub use helper::{HelperCall, Name as HelperName};
pub use kernel::Kernel;
pub use kfunc::Kfunc;
pub use limit::Limit;
pub use pointer::Pointer;
pub use reference::Reference;
pub use stack::{How, Stack};
pub use structure::{EarlyEnd, MapUse, Structure};

use abi::Errno;
use isa::Pc;

/// Why a program is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The program is malformed before anything is followed.
    #[error(transparent)]
    Structure(#[from] Structure),
    /// An instruction without meaning, found when it was reached.
    #[error("{0}")]
    Encoding(isa::Invalid),
    /// A register or memory may not be read or written so.
    #[error(transparent)]
    Access(#[from] Access),
    /// The stack may not be read or written so.
    #[error(transparent)]
    Stack(#[from] Stack),
    /// A structure of the kernel may not be read or written so.
    #[error(transparent)]
    Kernel(#[from] Kernel),
    /// Arithmetic on numbers.
    #[error(transparent)]
    Arithmetic(#[from] Arithmetic),
    /// Arithmetic on pointers, or a comparison of them.
    #[error(transparent)]
    Pointer(#[from] Pointer),
    /// A call of a kernel function or a function of the program.
    #[error(transparent)]
    Call(#[from] Call),
    /// A function of the program.
    #[error(transparent)]
    Function(#[from] Function),
    /// A call of a helper.
    #[error(transparent)]
    HelperCall(#[from] HelperCall),
    /// An argument of a helper.
    #[error(transparent)]
    Argument(#[from] Argument),
    /// A dynptr.
    #[error(transparent)]
    Dynptr(#[from] Dynptr),
    /// A call of a kernel function.
    #[error(transparent)]
    Kfunc(#[from] Kfunc),
    /// Something is held and not given back, or not allowed while it is held.
    #[error(transparent)]
    Reference(#[from] Reference),
    /// Following the program takes too long.
    #[error(transparent)]
    Limit(#[from] Limit),
}

impl Reason {
    /// The error number that BPF_PROG_LOAD fails with.
    pub fn errno(&self) -> Errno {
        match self {
            Reason::Structure(reason) => reason.errno(),
            Reason::Encoding(_) => Errno::EINVAL,
            Reason::Access(reason) => reason.errno(),
            Reason::Stack(reason) => reason.errno(),
            Reason::Kernel(reason) => reason.errno(),
            Reason::Arithmetic(reason) => reason.errno(),
            Reason::Pointer(reason) => reason.errno(),
            Reason::Call(reason) => reason.errno(),
            Reason::Function(reason) => reason.errno(),
            Reason::HelperCall(reason) => reason.errno(),
            Reason::Argument(reason) => reason.errno(),
            Reason::Dynptr(reason) => reason.errno(),
            Reason::Reference(reason) => reason.errno(),
            Reason::Kfunc(reason) => reason.errno(),
            Reason::Limit(reason) => reason.errno(),
        }
    }

    /// What ends its line in Linux's log: one of the sentences there has no
    /// newline.
    pub fn line_end(&self) -> &'static str {
        match self {
            Reason::HelperCall(HelperCall::TailCallMap) => "",
            _ => "\n",
        }
    }

    /// The stable code by which `ebpf-sim explain` knows it, such as
    /// `packet-bounds`.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Structure(reason) => reason.code(),
            Reason::Encoding(isa::Invalid::AtomicSize) => "atomic-size",
            Reason::Encoding(_) => "encoding",
            Reason::Access(reason) => reason.code(),
            Reason::Stack(reason) => reason.code(),
            Reason::Kernel(reason) => reason.code(),
            Reason::Arithmetic(reason) => reason.code(),
            Reason::Pointer(reason) => reason.code(),
            Reason::Call(reason) => reason.code(),
            Reason::Function(reason) => reason.code(),
            Reason::HelperCall(reason) => reason.code(),
            Reason::Argument(reason) => reason.code(),
            Reason::Dynptr(reason) => reason.code(),
            Reason::Reference(reason) => reason.code(),
            Reason::Kfunc(reason) => reason.code(),
            Reason::Limit(reason) => reason.code(),
        }
    }
}

/// Something that Linux knows and this verifier does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pc}: {feature} is not supported")]
pub struct Unsupported {
    /// Where it is used.
    pub pc: Pc,
    /// What it is, such as `bpf_rbtree_add`.
    pub feature: String,
}

/// Why the analysis stops before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Linux would refuse the program.
    #[error(transparent)]
    Refused(Reason),
    /// No verdict can be given.
    #[error(transparent)]
    Unsupported(Unsupported),
}

impl<R: Into<Reason>> From<R> for Box<Fault> {
    fn from(reason: R) -> Box<Fault> {
        Box::new(Fault::Refused(reason.into()))
    }
}

impl From<Unsupported> for Box<Fault> {
    fn from(unsupported: Unsupported) -> Box<Fault> {
        Box::new(Fault::Unsupported(unsupported))
    }
}

/// The result of a step of the analysis.
pub type Result<T = ()> = std::result::Result<T, Box<Fault>>;
