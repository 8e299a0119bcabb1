//! Why a program is refused: one variant for each of Linux's refusals.
//!
//! The variants stand by topic, a file each. `Display` is what Linux writes into
//! its log at the refusal, to the letter, without a closing newline; where Linux
//! writes several lines the last one is its sentence.

mod structure;

pub use structure::Structure;

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
}

impl Reason {
    /// The error number that BPF_PROG_LOAD fails with.
    pub fn errno(&self) -> Errno {
        match self {
            Reason::Structure(reason) => reason.errno(),
            Reason::Encoding(_) => Errno::EINVAL,
        }
    }

    /// The stable code by which `ebpf-sim explain` knows it, such as
    /// `packet-bounds`.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Structure(reason) => reason.code(),
            Reason::Encoding(_) => "encoding",
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
