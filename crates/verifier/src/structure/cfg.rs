//! Reachability, and the marks that control flow puts on instructions.

use abi::Program;
use isa::Pc;

use super::calls::{Callee, Callees, CallsBack};
use super::flow::{self, Flow};
use super::{InsnFacts, Marks, Subprogram};
use crate::reason::Structure as Refusal;
use crate::{Config, Result};

/// Checks that every instruction can be reached and marks them all.
pub(super) fn check(
    program: &Program,
    config: &Config,
    subprograms: &mut [Subprogram],
) -> Result<Vec<InsnFacts>> {
    let mut insns = vec![InsnFacts::default(); program.code.len()];
    for (number, subprogram) in subprograms.iter().enumerate() {
        let range = subprogram.start.index()..subprogram.end.index();
        for facts in insns.get_mut(range).unwrap_or_default() {
            facts.subprogram = number as u16;
        }
    }
    check_reachable(program)?;
    let mut marker = Marker {
        callees: Callees::of(program, config),
        insns: &mut insns,
        subprograms,
        calls: Vec::new(),
    };
    for (at, slot) in program.code.iter().enumerate() {
        marker.visit(at, *slot);
    }
    marker.spread_effects();
    Ok(insns)
}

/// Refuses what cannot be reached from the first instruction, calls and the
/// addresses of callbacks followed.
fn check_reachable(program: &Program) -> Result {
    let slots = program.code.as_slice();
    let mut reached = vec![false; slots.len()];
    let mut waiting = vec![0usize];
    while let Some(at) = waiting.pop() {
        let Some(slot) = slots.get(at) else {
            continue;
        };
        match reached.get_mut(at) {
            Some(reached) if !*reached => *reached = true,
            _ => continue,
        }
        waiting.extend(
            flow::successors(slots, Pc(at as u32))
                .into_iter()
                .map(Pc::index),
        );
        let named = flow::function_named(*slot);
        waiting.extend(named.and_then(|n| usize::try_from(flow::target(at, n.offset())).ok()));
    }
    let mut each = reached.into_iter().enumerate();
    while let Some((at, reached)) = each.next() {
        let pc = Pc(at as u32);
        if !reached {
            return Err(Refusal::Unreachable(pc).into());
        }
        let wide = slots.get(at).is_some_and(|s| flow::flow(*s) == Flow::Wide);
        if wide && each.next().is_some_and(|(_, reached)| reached) {
            return Err(Refusal::IntoWide(pc).into());
        }
    }
    Ok(())
}

struct Marker<'a> {
    callees: Callees<'a>,
    insns: &'a mut [InsnFacts],
    subprograms: &'a mut [Subprogram],
    /// Caller and callee, by number.
    calls: Vec<(u16, u16)>,
}

impl Marker<'_> {
    fn visit(&mut self, at: usize, slot: isa::Slot) {
        const TARGET: Marks = Marks(Marks::PRUNE_POINT.0 | Marks::JUMP_HISTORY.0);
        match flow::flow(slot) {
            Flow::Jump(offset) => self.mark(flow::target(at, offset), TARGET),
            Flow::Branch(offset) => {
                self.mark(at as i64, Marks::PRUNE_POINT);
                if let Some(isa::Insn::MayGoto { .. }) = flow::shape(slot.opcode) {
                    self.mark(at as i64, Marks::FORCE_CHECKPOINT);
                }
                self.mark(flow::target(at, offset), TARGET);
            }
            Flow::Call => {
                let target = flow::call_target(slot);
                if let Some(callee) = target.and_then(|target| self.callees.get(target)) {
                    self.visit_callee(at, callee);
                }
                self.mark(at as i64 + 1, TARGET);
            }
            Flow::Wide if flow::function_named(slot).is_some() => self.mark(at as i64 + 2, TARGET),
            Flow::Wide | Flow::Next | Flow::Exit => {}
        }
        if let Some(named) = flow::function_named(slot) {
            let to = flow::target(at, named.offset());
            self.mark(at as i64, Marks::PRUNE_POINT);
            self.mark(to, TARGET);
            self.note_call(at, to);
        }
    }

    fn visit_callee(&mut self, at: usize, callee: Callee) {
        match callee.callback {
            CallsBack::Sync => {
                self.mark(at as i64, Marks::PRUNE_POINT);
                self.mark(at as i64, Marks::JUMP_HISTORY);
                self.mark(at as i64, Marks::FORCE_CHECKPOINT);
                self.mark(at as i64, Marks::CALLS_CALLBACK);
            }
            CallsBack::Async => self.mark(at as i64, Marks::PRUNE_POINT),
            CallsBack::Never => {}
        }
        if callee.iter_next {
            self.mark(at as i64, Marks::PRUNE_POINT);
            self.mark(at as i64, Marks::FORCE_CHECKPOINT);
        }
        let number = self.insns.get(at).map(|facts| facts.subprogram);
        let caller = number.and_then(|n| self.subprograms.get_mut(usize::from(n)));
        if let Some(caller) = caller {
            caller.changes_packet |= callee.changes_packet;
            caller.might_sleep |= callee.might_sleep;
        }
    }

    fn mark(&mut self, at: i64, marks: Marks) {
        let facts = usize::try_from(at)
            .ok()
            .and_then(|at| self.insns.get_mut(at));
        if let Some(facts) = facts {
            facts.marks.set(marks);
        }
    }

    /// A function does what the functions do that it calls, or whose address it
    /// hands on.
    fn note_call(&mut self, at: usize, to: i64) {
        let callee = usize::try_from(to).ok().and_then(|to| self.insns.get(to));
        if let (Some(caller), Some(callee)) = (self.insns.get(at), callee) {
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
