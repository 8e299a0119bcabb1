//! Whatever runs programs in the interpreter's place.

use std::fmt;

use crate::machine::{Machine, ProgId};
use crate::trap::Trap;

/// Runs loaded programs of one machine, such as a compiler's output.
///
/// The interpreter is the definition that an engine is held to: same answer, same
/// memory, same maps, and where it counts instructions the same number.
pub trait Engine: fmt::Debug + Send {
    /// Whether it has this program; the interpreter runs the others.
    fn covers(&self, program: ProgId) -> bool;

    /// Runs the program to its end with these values in `r1` to `r5`; the value
    /// of `r0`. Says how many instructions it took by
    /// [`Machine::set_executed`], 0 where it does not count.
    fn call(&self, machine: &mut Machine, program: ProgId, args: [u64; 5]) -> Result<u64, Trap>;
}
