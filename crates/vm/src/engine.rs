//! Whatever runs programs.

use crate::machine::{Machine, ProgId};
use crate::memory::Addr;
use crate::trap::Trap;

/// A program that can be run on a machine.
///
/// The interpreter is the definition that others are held to; a loaded program's
/// id is its form of one.
pub trait Engine {
    /// Runs the program to its end, with the context `ctx`; the value of `r0`.
    fn run(&self, machine: &mut Machine, ctx: Addr) -> Result<u64, Trap>;
}

impl Engine for ProgId {
    fn run(&self, machine: &mut Machine, ctx: Addr) -> Result<u64, Trap> {
        machine.run(*self, ctx)
    }
}
