//! What holds of the whole program before it is followed.

use abi::Program;
use isa::{Code, Pc};

use crate::{Config, Result};

/// What holds of the whole program before it is followed.
#[derive(Clone, Debug)]
pub struct Structure {
    /// The decoded instructions.
    pub code: Code,
    /// The functions, the main one first.
    pub subprograms: Vec<Subprogram>,
}

/// A function of the program.
#[derive(Clone, Debug)]
pub struct Subprogram {
    /// First slot.
    pub start: Pc,
}

/// Checks the structure of a program.
pub fn analyze(program: &Program, config: &Config) -> Result<Structure> {
    let _ = config;
    Ok(Structure {
        code: Code::new(program.code.clone()),
        subprograms: vec![Subprogram { start: Pc(0) }],
    })
}

impl Structure {
    /// The function whose first slot is `pc`.
    pub fn subprogram_starting_at(&self, pc: Pc) -> Option<u32> {
        let found = self.subprograms.iter().position(|s| s.start == pc)?;
        Some(found as u32)
    }
}
