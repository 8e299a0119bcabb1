//! Compiled code as text: each instruction of a program, and the host's
//! instructions that it became.
//!
//! The code is only made, not run, so that a listing of trusted code takes no
//! promise. Offsets count from the first byte of the code.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod decode;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use decode::listing;

use isa::Pc;
use vm::ProgId;

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A function of a program begins.
    Function {
        /// The program.
        program: ProgId,
        /// The function's first instruction.
        first: Pc,
    },
    /// The code of an instruction begins; it may have none.
    Insn {
        /// The program.
        program: ProgId,
        /// The instruction.
        pc: Pc,
    },
    /// What is rarely run of a program begins: ways out, and accesses that are not
    /// plainly allowed.
    Rare {
        /// The program.
        program: ProgId,
    },
    /// An instruction of the host.
    Host(Host),
}

/// An instruction of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Where it is.
    pub offset: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its text, in Intel's syntax; jumps name offsets.
    pub text: String,
    /// What it calls, or why it ends the run.
    pub note: Option<String>,
}
