//! Checkpoints: the states that are kept so that later paths may end at them.
//!
//! A checkpoint is also a link of the path that goes on from it: going back over
//! a path for precision leads from checkpoint to checkpoint, and the marks that
//! are found stand in the checkpoint, beside its state. A checkpoint therefore
//! outlives its usefulness for the search as long as a path from it is open; it
//! leaves its list, and counts as *withdrawn* until it can go.
//!
//! Lists are Linux's: one for each instruction and call site, modulo the
//! program's length, newest first. Two instructions of functions that are called
//! from several places may share a list; the statistics see that.

use isa::Pc;
use smallvec::{SmallVec, smallvec};

use super::scc::VisitId;
use crate::Stats;
use crate::state::State;

/// A checkpoint of one analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckpointId(u32);

impl CheckpointId {
    /// Its number. Numbers of checkpoints that are gone are given again.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A state that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// The state when it was kept. Its `history`, `first_pc` and `last_pc` are
    /// those of the stretch of path that led here from its `parent`.
    pub(crate) state: State,
    /// The instruction that follows.
    pub(crate) pc: Pc,
    /// Which of its scalars later decisions depended on, a mask for each frame
    /// of the state.
    pub(crate) marks: SmallVec<[FrameMarks; 2]>,
    /// Paths from here that are not done yet.
    pub(crate) branches: u32,
    /// How many there were when it was kept, itself included.
    pub(super) serial: u64,
    /// Checkpoints before it on its path.
    pub(super) depth: u32,
    /// The visit of a loop that it belongs to.
    pub(super) visit: Option<VisitId>,
    /// Paths that ended here.
    pub(super) hits: u32,
    /// Paths that came by and were not covered.
    pub(super) misses: u32,
    /// Whether what no later path reads was dropped.
    pub(super) cleaned: bool,
    withdrawn: bool,
    list: usize,
    older: Option<CheckpointId>,
}

/// Scalars of one frame that must be compared exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameMarks {
    /// Bit `n` for register `n`.
    pub regs: u16,
    /// Bit `n` for the value spilled in slot `n`.
    pub slots: u64,
}

impl Checkpoint {
    /// A checkpoint before `pc` with one open path.
    pub(super) fn new(state: State, pc: Pc, depth: u32) -> Checkpoint {
        Checkpoint {
            marks: smallvec![FrameMarks::default(); state.frames().len()],
            state,
            pc,
            branches: 1,
            serial: 0,
            depth,
            visit: None,
            hits: 0,
            misses: 0,
            cleaned: false,
            withdrawn: false,
            list: 0,
            older: None,
        }
    }

    /// The next older of the same list.
    pub(super) fn older(&self) -> Option<CheckpointId> {
        self.older
    }
}

/// The checkpoints of an instruction.
#[derive(Clone, Copy, Debug, Default)]
struct List {
    newest: Option<CheckpointId>,
    /// How many are finished and not cleaned.
    to_clean: u32,
}

/// All checkpoints of one analysis.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Those that are gone leave a hole.
    checkpoints: Vec<Option<Checkpoint>>,
    holes: Vec<CheckpointId>,
    lists: Vec<List>,
    listed: u64,
    withdrawn: u64,
    /// States kept besides checkpoints: those that wait where a loop closed.
    pub(super) waiting: u64,
}

impl Cache {
    /// No checkpoints yet, of a program of `slots` instruction slots.
    pub(super) fn new(slots: usize) -> Cache {
        Cache {
            checkpoints: Vec::new(),
            holes: Vec::new(),
            lists: vec![List::default(); slots],
            listed: 0,
            withdrawn: 0,
            waiting: 0,
        }
    }

    /// A checkpoint. Ids of checkpoints that are gone are not used.
    pub(crate) fn get(&self, id: CheckpointId) -> &Checkpoint {
        let found = self.checkpoints[id.0 as usize].as_ref();
        found.expect("a checkpoint in use is kept")
    }

    /// A checkpoint, to be changed.
    pub(crate) fn get_mut(&mut self, id: CheckpointId) -> &mut Checkpoint {
        let found = self.checkpoints[id.0 as usize].as_mut();
        found.expect("a checkpoint in use is kept")
    }

    /// Number of the list for states before `pc` in a function called from
    /// `callsite`.
    pub(super) fn list(&self, pc: Pc, callsite: Option<Pc>) -> usize {
        let callsite = callsite.map_or(u32::MAX, |pc| pc.0);
        (pc.0 ^ callsite) as usize % self.lists.len().max(1)
    }

    /// The newest of a list.
    pub(super) fn newest(&self, list: usize) -> Option<CheckpointId> {
        self.lists.get(list).and_then(|list| list.newest)
    }

    /// Keeps a checkpoint.
    pub(super) fn insert(
        &mut self,
        list: usize,
        mut checkpoint: Checkpoint,
        stats: &mut Stats,
    ) -> CheckpointId {
        stats.total_states += 1;
        checkpoint.serial = stats.total_states;
        checkpoint.list = list;
        checkpoint.older = self.newest(list);
        let id = match self.holes.pop() {
            Some(id) => {
                self.checkpoints[id.0 as usize] = Some(checkpoint);
                id
            }
            None => {
                self.checkpoints.push(Some(checkpoint));
                CheckpointId(self.checkpoints.len() as u32 - 1)
            }
        };
        if let Some(list) = self.lists.get_mut(list) {
            list.newest = Some(id);
        }
        self.listed += 1;
        self.count_peak(stats);
        id
    }

    /// Takes a checkpoint out of its list; `newer` is the one before it there.
    pub(super) fn withdraw(&mut self, list: usize, newer: Option<CheckpointId>, id: CheckpointId) {
        let checkpoint = self.get_mut(id);
        checkpoint.withdrawn = true;
        let older = checkpoint.older.take();
        let to_clean = checkpoint.branches == 0 && !checkpoint.cleaned;
        if let Some(newer) = newer {
            self.get_mut(newer).older = older;
        }
        if let Some(list) = self.lists.get_mut(list) {
            list.to_clean -= u32::from(to_clean);
            if newer.is_none() {
                list.newest = older;
            }
        }
        self.listed -= 1;
        self.withdrawn += 1;
    }

    /// All paths from a checkpoint are done.
    pub(super) fn note_finished(&mut self, id: CheckpointId) {
        let checkpoint = self.get(id);
        if !checkpoint.withdrawn {
            let list = checkpoint.list;
            if let Some(list) = self.lists.get_mut(list) {
                list.to_clean += 1;
            }
        }
    }

    /// A finished checkpoint is being cleaned.
    pub(super) fn note_cleaned(&mut self, id: CheckpointId) {
        let checkpoint = self.get_mut(id);
        checkpoint.cleaned = true;
        let list = checkpoint.list;
        if let Some(list) = self.lists.get_mut(list) {
            list.to_clean -= 1;
        }
    }

    /// Whether a list has finished checkpoints that are not cleaned.
    pub(super) fn may_need_cleaning(&self, list: usize) -> bool {
        self.lists.get(list).is_some_and(|list| list.to_clean > 0)
    }

    /// Drops a withdrawn checkpoint that nothing refers to any more.
    pub(super) fn drop_if_withdrawn(&mut self, id: CheckpointId) {
        let checkpoint = self.get(id);
        if checkpoint.withdrawn && checkpoint.branches == 0 {
            self.checkpoints[id.0 as usize] = None;
            self.holes.push(id);
            self.withdrawn -= 1;
        }
    }

    /// Notes the largest number of states kept at once.
    pub(super) fn count_peak(&self, stats: &mut Stats) {
        let kept = self.listed + self.withdrawn + self.waiting;
        stats.peak_states = stats.peak_states.max(kept);
    }

    /// Drops all checkpoints. The counts stay, as Linux's do.
    pub(super) fn clear(&mut self) {
        self.checkpoints.clear();
        self.holes.clear();
        self.lists.fill(List::default());
    }
}
