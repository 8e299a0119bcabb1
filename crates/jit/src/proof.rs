//! What a verifier found out about a program, for better code.
//!
//! The compiler knows no verifier; it is handed data. What it does with that cannot
//! take a sandboxed program out of its sandbox even if the data is wrong: code that
//! is said to be dead ends the run when control gets there after all, and a part of
//! the stack that is said to be never reached is only not cleared.

use abi::Proven;
use isa::Pc;
use vm::{MapId, ProgId};

/// What was found to hold of one program.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// The program.
    pub program: ProgId,
    /// What holds.
    pub proven: &'a Proven,
    /// The machine's maps by their numbers in the program.
    pub maps: &'a [MapId],
}

impl Proof<'_> {
    /// Whether any path comes to an instruction.
    pub(crate) fn is_reached(&self, pc: Pc) -> bool {
        self.proven.flow(pc).reached
    }

    /// The map that a helper works on.
    pub(crate) fn map(&self, pc: Pc) -> Option<MapId> {
        let map = self.proven.call(pc).map?;
        self.maps.get(map as usize).copied()
    }
}
