//! Refusals of reads and writes: of registers and of memory.

use abi::Errno;
use isa::Reg;

/// A register or memory may not be read or written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Access {
    /// A register that nothing was written to is read.
    #[error("R{} !read_ok", .0.index())]
    NotReadable(Reg),
    /// The frame pointer is written.
    #[error("frame pointer is read only")]
    FramePointer,
}

impl Access {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Access::NotReadable(_) | Access::FramePointer => Errno::EACCES,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Access::NotReadable(_) => "uninitialised-register",
            Access::FramePointer => "frame-pointer",
        }
    }
}
