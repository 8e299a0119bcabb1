//! Checkpoints: the states that are kept so that later paths may end at them.
//!
//! A checkpoint is also a link of the path that goes on from it: going back over
//! a path for precision leads from checkpoint to checkpoint, and the marks that
//! are found stand in the checkpoint, beside its state.

use isa::Pc;

use crate::state::State;

/// A checkpoint of one analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckpointId(u32);

/// A state that is kept.
#[derive(Clone, Debug)]
#[allow(dead_code)]
#[allow(dead_code)]
pub(crate) struct Checkpoint {
    /// The state when it was kept. Its `history`, `first_pc` and `last_pc` are
    /// those of the stretch of path that led here from its `parent`.
    pub(crate) state: State,
    /// The instruction that follows.
    pub(crate) pc: Pc,
    /// Which of its scalars later decisions depended on, a mask for each frame
    /// of the state.
    pub(crate) marks: Vec<FrameMarks>,
    /// Paths from here that are not done yet.
    pub(crate) branches: u32,
}

/// Scalars of one frame that must be compared exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameMarks {
    /// Bit `n` for register `n`.
    pub regs: u16,
    /// Bit `n` for the value spilled in slot `n`.
    pub slots: u64,
}

/// All checkpoints of one analysis.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    checkpoints: Vec<Checkpoint>,
}

#[allow(dead_code)]
impl Cache {
    /// A checkpoint.
    pub(crate) fn get(&self, id: CheckpointId) -> &Checkpoint {
        &self.checkpoints[id.0 as usize]
    }

    /// A checkpoint, to be changed.
    pub(crate) fn get_mut(&mut self, id: CheckpointId) -> &mut Checkpoint {
        &mut self.checkpoints[id.0 as usize]
    }
}
