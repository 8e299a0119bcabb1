//! Refusals of programs that take too long to follow, or that Linux loses its way in.

use abi::Errno;
use isa::Pc;

/// The program cannot be followed to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// Too many instructions were followed.
    #[error("BPF program is too large. Processed {0} insn")]
    Processed(u64),
    /// Too many branches wait.
    #[error("The sequence of {0} jumps is too complex.")]
    Branches(u64),
    /// A path came back to an instruction and nothing had changed.
    #[error("infinite loop detected at insn {}", .0.0)]
    EndlessLoop(Pc),
    /// Going back over a path for the origin of a value met a call while these
    /// argument registers (a bit each) were still looked for. Linux has a path
    /// wrong there and says so of itself (measured: callbacks of timers).
    #[error("verifier bug: backtracking call unexpected regs {0:x}")]
    ArgumentsBeforeCall(u16),
}

impl Limit {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Limit::Processed(_) => Errno::E2BIG,
            Limit::Branches(_) | Limit::ArgumentsBeforeCall(_) => Errno::EFAULT,
            Limit::EndlessLoop(_) => Errno::EINVAL,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Limit::Processed(_) => "too-long",
            Limit::Branches(_) => "too-many-branches",
            Limit::EndlessLoop(_) => "endless-loop",
            Limit::ArgumentsBeforeCall(_) => "arguments-before-call",
        }
    }
}
