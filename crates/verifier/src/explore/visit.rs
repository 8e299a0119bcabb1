//! What happens where checkpoints are: the path ends if one covers it, else
//! its state may become one.

use super::History;
use super::cache::{Checkpoint, CheckpointId};
use super::equal::{Comparison, Mode, iterators_advanced, may_be_looping};
use crate::observe::Event;
use crate::reason::{Limit, Result};
use crate::state::{Content, IterState, Kind, State};
use crate::structure::Marks;
use inject::Bug;

/// History entries that a path may have before a checkpoint is forced.
const MAX_HISTORY: usize = 40;

/// Decides when a checkpoint is worth keeping: counts what was followed, on all
/// paths, since the last one was kept.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Jumps, calls and exits followed.
    pub(super) jumps: u64,
    kept_at_jumps: u64,
    kept_at_processed: u64,
}

impl Pace {
    fn since(&self, processed: u64) -> (u64, u64) {
        (
            self.jumps - self.kept_at_jumps,
            processed - self.kept_at_processed,
        )
    }

    /// Enough was followed for another checkpoint.
    fn is_due(&self, processed: u64) -> bool {
        let (jumps, insns) = self.since(processed);
        jumps >= 2 && insns >= 8
    }

    /// Enough was followed for another checkpoint inside a loop.
    fn is_due_in_loop(&self, processed: u64) -> bool {
        let (jumps, insns) = self.since(processed);
        jumps >= 20 || insns >= 100
    }

    fn kept(&mut self, processed: u64) {
        self.kept_at_jumps = self.jumps;
        self.kept_at_processed = processed;
    }
}

/// What a comparison with one checkpoint tells.
enum Found {
    /// The checkpoint covers the state.
    Covered {
        /// Though what follows it was not all seen yet.
        in_loop: bool,
    },
    /// It does not; the path comes from that checkpoint.
    Round,
    /// It does not.
    Miss,
}

impl super::Verifier<'_> {
    /// The checkpoint that covers the current state. If there is none the state
    /// is kept as a new one where that is worth it.
    pub(super) fn covered(&mut self, marks: Marks) -> Result<Option<CheckpointId>> {
        let forced_here = marks.contains(Marks::FORCE_CHECKPOINT);
        let force =
            self.config.test_state_freq || forced_here || self.state.history.len() > MAX_HISTORY;
        let mut keep = force || self.pace.is_due(self.stats.processed);
        let list = self.cache.list(self.pc, self.state.frame().callsite);
        self.clean_list(list);

        let mut seen = 0;
        let mut newer = None;
        let mut next = self.cache.newest(list);
        while let Some(id) = next {
            seen += 1;
            let checkpoint = self.cache.get(id);
            next = checkpoint.older();
            if checkpoint.pc != self.pc {
                newer = Some(id);
                continue;
            }
            match self.compare(id, marks)? {
                Found::Covered { in_loop } => {
                    self.end_at(id, in_loop, marks)?;
                    return Ok(Some(id));
                }
                Found::Round => {
                    keep &= force || self.pace.is_due_in_loop(self.stats.processed);
                }
                Found::Miss => {}
            }
            if self.is_evicted(id, keep, forced_here) {
                self.cache.withdraw(list, newer, id);
                self.drop_if_unused(id);
            } else {
                newer = Some(id);
            }
        }
        self.stats.max_states_per_insn = self.stats.max_states_per_insn.max(seen);
        if keep {
            self.keep(list);
        }
        Ok(None)
    }

    /// Counts a miss where it tells something, and whether the checkpoint has
    /// missed too often to be looked at again.
    fn is_evicted(&mut self, id: CheckpointId, counts: bool, forced_here: bool) -> bool {
        let checkpoint = self.cache.get_mut(id);
        checkpoint.misses += u32::from(counts);
        let patience = if forced_here && checkpoint.branches > 0 {
            64
        } else {
            3
        };
        checkpoint.misses > checkpoint.hits * patience + patience
    }

    fn compare(&mut self, id: CheckpointId, marks: Marks) -> Result<Found> {
        let checkpoint = self.cache.get(id);
        if checkpoint.branches != 0 {
            self.compare_open(id, marks)
        } else {
            let in_loop = self.loops.is_open(checkpoint.visit);
            let mode = if in_loop {
                self.mode_in_loop()
            } else {
                Mode::Marked
            };
            Ok(if self.is_covered_by(id, mode) {
                Found::Covered { in_loop }
            } else {
                Found::Miss
            })
        }
    }

    /// The path comes from checkpoint `id`.
    fn compare_open(&mut self, id: CheckpointId, marks: Marks) -> Result<Found> {
        let checkpoint = self.cache.get(id);
        if self.is_other_async_entry(checkpoint) {
            return Ok(Found::Round);
        }
        if self.is_iter_next(marks) {
            return if self.is_covered_by(id, self.mode_in_loop()) && self.iterator_is_active() {
                Ok(Found::Covered { in_loop: true })
            } else {
                Ok(Found::Round)
            };
        }
        if self.is_may_goto(marks)
            && checkpoint.state.may_goto_depth != self.state.may_goto_depth
            && self.is_covered_by(id, self.mode_in_loop())
        {
            return Ok(Found::Covered { in_loop: true });
        }
        if marks.contains(Marks::CALLS_CALLBACK) {
            return if self.is_covered_by(id, self.mode_in_loop()) {
                // Linux 6.18 lets no marks follow: not a back-edge.
                Ok(Found::Covered { in_loop: false })
            } else {
                Ok(Found::Round)
            };
        }
        if self.is_endless(id) {
            return Err(self.endless_loop(id));
        }
        Ok(Found::Round)
    }

    /// How states of a loop that is not done are compared: marks may still come.
    fn mode_in_loop(&self) -> Mode {
        if inject::on(Bug::Cve2025_38060) {
            return Mode::Marked;
        }
        Mode::RangeWithin
    }

    fn is_covered_by(&mut self, id: CheckpointId, mode: Mode) -> bool {
        let mut comparison = Comparison {
            structure: self.structure,
            may_read_invalid: self.may_leak(),
            mode,
            ids: &mut self.ids,
        };
        comparison.covers(self.cache.get(id), &self.state)
    }

    /// Whether nothing at all happened since checkpoint `id` of this path.
    fn is_endless(&mut self, id: CheckpointId) -> bool {
        let (old, cur) = (&self.cache.get(id).state, &self.state);
        may_be_looping(old, cur, &mut self.changing_reg)
            && old.may_goto_depth == cur.may_goto_depth
            && old.callback_unroll_depth == cur.callback_unroll_depth
            && !iterators_advanced(old, cur)
            && self.is_covered_by(id, Mode::Exact)
    }

    fn endless_loop(&mut self, id: CheckpointId) -> Box<crate::Fault> {
        self.observe(|v| {
            let checkpoint = v.cache.get(id);
            Event::EndlessLoop {
                pc: v.pc,
                state: v.state,
                old: &checkpoint.state,
                marks: checkpoint.marks.last().copied().unwrap_or_default(),
            }
        });
        Limit::EndlessLoop(self.pc).into()
    }

    /// Whether the checkpoint is of another run of the asynchronous callback
    /// that runs now: coming by again is no loop then.
    fn is_other_async_entry(&self, checkpoint: &Checkpoint) -> bool {
        let callback = checkpoint.state.frame().callback;
        callback.is_some_and(|callback| callback.is_async)
            && checkpoint.state.async_entry != self.state.async_entry
    }

    /// Whether the current instruction advances an open-coded iterator.
    fn is_iter_next(&self, marks: Marks) -> bool {
        marks.contains(Marks::FORCE_CHECKPOINT)
            && !marks.contains(Marks::CALLS_CALLBACK)
            && matches!(self.insn_at(self.pc), Some(isa::Insn::Call { .. }))
    }

    fn is_may_goto(&self, marks: Marks) -> bool {
        marks.contains(Marks::FORCE_CHECKPOINT)
            && matches!(self.insn_at(self.pc), Some(isa::Insn::MayGoto { .. }))
    }

    /// Whether the iterator that the current instruction advances has not come
    /// to its end.
    fn iterator_is_active(&self) -> bool {
        active_iterator(&self.state).unwrap_or(false)
    }

    /// The path ends at checkpoint `id`: what depended on its values there
    /// depends on them here too.
    fn end_at(&mut self, id: CheckpointId, in_loop: bool, marks: Marks) -> Result {
        self.cache.get_mut(id).hits += 1;
        if marks.contains(Marks::JUMP_HISTORY) {
            self.note_jump();
        }
        self.propagate_precision_here(id)?;
        if in_loop {
            self.wait_for_marks(id);
        }
        Ok(())
    }

    /// Keeps the current state as a checkpoint.
    fn keep(&mut self, list: usize) {
        self.pace.kept(self.stats.processed);
        let depth = self
            .state
            .parent
            .map_or(0, |id| self.cache.get(id).depth + 1);
        let mut state = self.state.clone();
        state.last_pc = self.prev_pc;
        let checkpoint = Checkpoint::new(state, self.pc, depth);
        let id = self.cache.insert(list, checkpoint, &mut self.stats);
        self.enter_loop(id);
        self.state.parent = Some(id);
        self.state.first_pc = self.pc;
        self.state.history = History::default();
    }

    /// The current path is done: so are the checkpoints that it was the last
    /// open path of.
    pub(super) fn close_path(&mut self) -> Result {
        let mut link = self.state.parent;
        while let Some(id) = link {
            let checkpoint = self.cache.get_mut(id);
            checkpoint.branches -= 1;
            if checkpoint.branches > 0 {
                break;
            }
            link = checkpoint.state.parent;
            self.cache.note_finished(id);
            self.leave_loop(id)?;
            self.drop_if_unused(id);
        }
        Ok(())
    }

    fn drop_if_unused(&mut self, id: CheckpointId) {
        if !self.loops.is_open(self.cache.get(id).visit) {
            self.cache.drop_if_withdrawn(id);
        }
    }
}

/// Whether the iterator whose address is in `r1` is active.
fn active_iterator(state: &State) -> Option<bool> {
    let address = state.reg(isa::Reg::R1);
    let Kind::Stack { frame } = address.kind else {
        return None;
    };
    let offset = i64::from(address.off) + address.num.as_const()? as i64;
    let slot = usize::try_from((-offset - 1) / 8).ok()?;
    let frame = state.frames().get(usize::from(frame))?;
    match frame.stack.slot(slot)?.content {
        Content::Iter(iter) => Some(iter.state == IterState::Active),
        _ => None,
    }
}
