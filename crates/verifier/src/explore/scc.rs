//! Loops: which checkpoints have marks that may still grow.
//!
//! A path that comes back to a checkpoint of its own loop may end there though
//! not everything after the checkpoint was seen yet. Marks found later must
//! still reach that path, so it waits as a *back-edge* of the visit of the loop;
//! when the paths from the visit's first checkpoint are all done, marks are
//! carried over its back-edges until none is new. Until then its checkpoints
//! are compared without regard to marks.
//!
//! A loop is a strongly connected component of instructions, visited from one
//! chain of calls; functions called from it belong to the visit.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::FixedState;
use isa::Pc;

use super::cache::CheckpointId;
use super::equal::frame_pcs;
use crate::reason::Result;
use crate::state::State;
use crate::structure::Structure;

/// How often marks are carried over all back-edges of a visit before everything
/// on their paths is marked.
const MAX_ROUNDS: usize = 64;

/// A visit of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct VisitId(u32);

/// All visits of loops.
#[derive(Debug, Default)]
pub(super) struct Loops {
    ids: HashMap<Place, VisitId, FixedState>,
    visits: Vec<Visit>,
}

#[derive(Debug)]
struct Visit {
    place: Place,
    /// The first checkpoint of those that are under way.
    entry: Option<CheckpointId>,
    backedges: Vec<Backedge>,
}

/// A loop, and the calls that lead to the function that it is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    callsites: Vec<Pc>,
    scc: u32,
}

/// A path that ended at a checkpoint of its own loop.
#[derive(Clone, Debug)]
pub(super) struct Backedge {
    state: State,
    pc: Pc,
    /// The checkpoint.
    covered_by: CheckpointId,
}

impl Loops {
    /// Forgets all visits.
    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.visits.clear();
    }

    /// Whether paths of this visit still wait for marks.
    pub(super) fn is_open(&self, visit: Option<VisitId>) -> bool {
        let visit = visit.and_then(|id| self.visits.get(id.0 as usize));
        visit.is_some_and(|visit| !visit.backedges.is_empty())
    }

    fn get_mut(&mut self, id: VisitId) -> Option<&mut Visit> {
        self.visits.get_mut(id.0 as usize)
    }

    fn visit_of(&mut self, structure: &Structure, state: &State, pc: Pc) -> Option<VisitId> {
        let scc = |pc| structure.insn(pc).scc;
        let depth = frame_pcs(state, pc).position(|pc| scc(pc) != 0)?;
        let mut pcs = frame_pcs(state, pc);
        let place = Place {
            callsites: pcs.by_ref().take(depth).collect(),
            scc: scc(pcs.next()?),
        };
        if let Some(id) = self.ids.get(&place) {
            return Some(*id);
        }
        let id = VisitId(self.visits.len() as u32);
        self.visits.push(Visit {
            place: place.clone(),
            entry: None,
            backedges: Vec::new(),
        });
        self.ids.insert(place, id);
        Some(id)
    }
}

impl super::Verifier<'_> {
    /// A checkpoint was kept: if it is in a loop it belongs to a visit, and may
    /// begin it.
    pub(super) fn enter_loop(&mut self, id: CheckpointId) {
        let checkpoint = self.cache.get_mut(id);
        let visit = self
            .loops
            .visit_of(self.structure, &checkpoint.state, checkpoint.pc);
        checkpoint.visit = visit;
        if let Some(visit_id) = visit
            && let Some(visit) = self.loops.get_mut(visit_id)
            && visit.entry.is_none()
        {
            visit.entry = Some(id);
            self.note_loop("enter", visit_id);
        }
    }

    /// The current path ends at checkpoint `id` of its own loop.
    pub(super) fn wait_for_marks(&mut self, id: CheckpointId) {
        let Some(visit_id) = self.cache.get(id).visit else {
            return;
        };
        let Some(visit) = self.loops.get_mut(visit_id) else {
            return;
        };
        let mut state = self.state.clone();
        state.last_pc = self.prev_pc;
        visit.backedges.push(Backedge {
            state,
            pc: self.pc,
            covered_by: id,
        });
        self.note_loop("backedge", visit_id);
        self.cache.waiting += 1;
        self.cache.count_peak(&mut self.stats);
    }

    /// All paths from checkpoint `id` are done: if a visit began there it ends.
    pub(super) fn leave_loop(&mut self, id: CheckpointId) -> Result {
        let Some(visit_id) = self.cache.get(id).visit else {
            return Ok(());
        };
        let Some(visit) = self.loops.get_mut(visit_id) else {
            return Ok(());
        };
        if visit.entry != Some(id) {
            return Ok(());
        }
        visit.entry = None;
        let backedges = std::mem::take(&mut visit.backedges);
        self.note_loop("exit", visit_id);
        self.cache.waiting -= backedges.len() as u64;
        self.cache.count_peak(&mut self.stats);
        self.carry_marks(&backedges)
    }

    /// Carries marks over back-edges, the newest first, until none is new.
    fn carry_marks(&mut self, backedges: &[Backedge]) -> Result {
        for _ in 0..MAX_ROUNDS {
            let mut changed = false;
            for edge in backedges.iter().rev() {
                let (state, pc) = (&edge.state, edge.pc);
                changed |= self.propagate_precision(edge.covered_by, state, pc)?;
            }
            if !changed {
                return Ok(());
            }
        }
        self.note_level2(format_args!("propagate_backedges: too many iterations"));
        for edge in backedges {
            self.mark_all_precise(&edge.state, edge.pc);
        }
        Ok(())
    }

    fn note_loop(&mut self, what: &str, id: VisitId) {
        if self.observer.is_some()
            && let Some(visit) = self.loops.get_mut(id)
        {
            let place = visit.place.clone();
            self.note_level2(format_args!("SCC {what} {place}"));
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        // Linux takes a call by the first instruction for the end of the list.
        for callsite in self.callsites.iter().take_while(|pc| pc.0 != 0) {
            write!(f, "{},", callsite.0)?;
        }
        write!(f, "{})", self.scc)
    }
}
