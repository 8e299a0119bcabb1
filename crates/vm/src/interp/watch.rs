//! Seeing a run instruction by instruction.

use std::fmt;

use isa::Pc;

use crate::machine::{Machine, ProgId};

/// Sees each instruction of a run before it is run: [`Machine::watch`].
pub trait Watch: fmt::Debug {
    /// An instruction comes next.
    fn before(&mut self, moment: &Moment<'_>);
}

/// A moment of a run.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'m> {
    /// Memory, maps, packet. The machine has no programs meanwhile.
    pub machine: &'m Machine,
    /// The program, after tail calls.
    pub program: ProgId,
    /// The instruction that comes next.
    pub pc: Pc,
    /// Functions that wait for a call to return.
    pub depth: usize,
    /// `r0` to `r10`.
    pub regs: &'m [u64; 11],
}
