//! Checkpoints: the states that are kept so that later paths may end at them.

use crate::state::State;

/// A checkpoint of one analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckpointId(u32);

/// A state that is kept.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// The state when it was kept.
    #[expect(dead_code, reason = "read by the comparison")]
    pub(crate) state: State,
}

/// All checkpoints of one analysis.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    #[expect(dead_code, reason = "filled by the search")]
    checkpoints: Vec<Checkpoint>,
}
