//! Which stack slots later paths may still read, by call chain.

impl super::Verifier<'_> {
    /// The current instruction reads the slots in `slots` (bit `n` for slot
    /// `n`) of frame `frame`.
    pub(crate) fn note_slots_read(&mut self, frame: u8, slots: u64) {
        let _ = (frame, slots);
    }

    /// The current instruction overwrites the slots in `slots` of frame `frame`
    /// as a whole.
    pub(crate) fn note_slots_written(&mut self, frame: u8, slots: u64) {
        let _ = (frame, slots);
    }
}
