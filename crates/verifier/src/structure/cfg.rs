//! The marks that control flow puts on instructions, and what functions do
//! through those that they call.

use isa::{Pc, Slot};

use super::calls::{Callee, CallsBack, Mention, Mentioned};
use super::{Graph, InsnFacts, Marks, Subprogram, flow};

const TARGET: Marks = Marks(Marks::PRUNE_POINT.0 | Marks::JUMP_HISTORY.0);

/// Marks what jumps, branches and calls make of instructions; `callees` is what
/// is known of each of `mentions`. Gives the places of all `may_goto`.
pub(super) fn mark(
    slots: &[Slot],
    graph: &Graph,
    mentions: &[Mention],
    callees: &[Option<Callee>],
    insns: &mut [InsnFacts],
    subprograms: &mut [Subprogram],
) -> Vec<Pc> {
    let mut marker = Marker {
        insns,
        subprograms,
        calls: Vec::new(),
    };
    let may_gotos = marker.visit_jumps(slots, graph);
    for (mention, callee) in mentions.iter().zip(callees) {
        marker.visit_mention(mention, *callee);
    }
    marker.spread_effects();
    may_gotos
}

struct Marker<'a> {
    insns: &'a mut [InsnFacts],
    subprograms: &'a mut [Subprogram],
    /// Caller and callee, by number.
    calls: Vec<(u16, u16)>,
}

impl Marker<'_> {
    fn visit_jumps(&mut self, slots: &[Slot], graph: &Graph) -> Vec<Pc> {
        let mut may_gotos = Vec::new();
        for ((pc, edges), slot) in (0..).map(Pc).zip(graph.edges()).zip(slots) {
            let Some(to) = edges.jump() else {
                continue;
            };
            self.mark(to, TARGET);
            if edges.next().is_some() {
                self.mark(pc, Marks::PRUNE_POINT);
                if flow::is_may_goto(*slot) {
                    self.mark(pc, Marks::FORCE_CHECKPOINT);
                    may_gotos.push(pc);
                }
            }
        }
        may_gotos
    }

    fn visit_mention(&mut self, mention: &Mention, callee: Option<Callee>) {
        let pc = mention.pc;
        let (to, slots) = match mention.what {
            Mentioned::Called(to) => (Some(to), 1),
            Mentioned::Address(to) => (Some(to), 2),
            Mentioned::Outside(_) => (None, 1),
        };
        self.mark(Pc(pc.0 + slots), TARGET);
        if let Some(callee) = callee {
            self.visit_callee(pc, callee);
        }
        if let Some(to) = to {
            self.mark(pc, Marks::PRUNE_POINT);
            self.mark(to, TARGET);
            self.note_call(pc, to);
        }
    }

    fn visit_callee(&mut self, pc: Pc, callee: Callee) {
        match callee.callback {
            CallsBack::Sync => {
                self.mark(pc, TARGET);
                self.mark(pc, Marks::FORCE_CHECKPOINT);
                self.mark(pc, Marks::CALLS_CALLBACK);
            }
            CallsBack::Async => self.mark(pc, Marks::PRUNE_POINT),
            CallsBack::Never => {}
        }
        if callee.iter_next {
            self.mark(pc, Marks::PRUNE_POINT);
            self.mark(pc, Marks::FORCE_CHECKPOINT);
        }
        let number = self.insns.get(pc.index()).map(|facts| facts.subprogram);
        let caller = number.and_then(|n| self.subprograms.get_mut(usize::from(n)));
        if let Some(caller) = caller {
            caller.changes_packet |= callee.changes_packet;
            caller.might_sleep |= callee.might_sleep;
        }
    }

    fn mark(&mut self, at: Pc, marks: Marks) {
        if let Some(facts) = self.insns.get_mut(at.index()) {
            facts.marks.set(marks);
        }
    }

    /// A function does what the functions do that it calls, or whose address it
    /// hands on.
    fn note_call(&mut self, at: Pc, to: Pc) {
        if let (Some(caller), Some(callee)) =
            (self.insns.get(at.index()), self.insns.get(to.index()))
        {
            let pair = (caller.subprogram, callee.subprogram);
            if self.calls.last() != Some(&pair) {
                self.calls.push(pair);
            }
        }
    }

    /// Carries the effects of functions to those that call them. There are at
    /// most 256 functions, so a round for each is few.
    fn spread_effects(&mut self) {
        self.calls.sort_unstable();
        self.calls.dedup();
        loop {
            let mut changed = false;
            for (caller, callee) in &self.calls {
                let Some(callee) = self.subprograms.get(usize::from(*callee)) else {
                    continue;
                };
                let (packet, sleep) = (callee.changes_packet, callee.might_sleep);
                if let Some(caller) = self.subprograms.get_mut(usize::from(*caller)) {
                    changed |= packet && !caller.changes_packet;
                    changed |= sleep && !caller.might_sleep;
                    caller.changes_packet |= packet;
                    caller.might_sleep |= sleep;
                }
            }
            if !changed {
                return;
            }
        }
    }
}
