//! A program's slots together with their meaning.

use crate::{Insn, Pc, Slot};

/// Decoded code: one [`Insn`] for each [`Slot`], at the same index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    slots: Vec<Slot>,
    insns: Vec<Insn>,
}

impl Code {
    /// Decodes `slots`. Slots without meaning become [`Insn::Invalid`].
    pub fn new(slots: Vec<Slot>) -> Code {
        let _ = &slots;
        unimplemented!("decoder")
    }

    /// The wire form.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The decoded form, as long as [`Code::slots`].
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The number of slots.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no instruction at all.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The instruction at `pc`, if that is inside the program.
    pub fn get(&self, pc: Pc) -> Option<Insn> {
        self.insns.get(pc.index()).copied()
    }

    /// The first slots of the functions of the program, ascending: slot 0 and
    /// every target of a local call or callback reference. Targets outside the
    /// program or inside a wide instruction are an error.
    pub fn functions(&self) -> Result<Vec<Pc>, CodeError> {
        unimplemented!("functions")
    }
}

/// A structural fault: one that makes a program meaningless before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// A jump or call leaves the program or lands inside a wide instruction.
    #[error("{from}: jump to {to} is outside the program or inside a wide instruction")]
    Target {
        /// The jumping instruction.
        from: Pc,
        /// Where it would land.
        to: i64,
    },
}
