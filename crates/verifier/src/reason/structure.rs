//! Refusals of the passes that look at the whole program before it is followed.

use abi::Errno;

/// The program is malformed before anything is followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Structure {
    /// Control runs past the end of a function.
    #[error("last insn is not an exit or jmp")]
    RunsOn,
}

impl Structure {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        Errno::EINVAL
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Structure::RunsOn => "runs-on",
        }
    }
}
