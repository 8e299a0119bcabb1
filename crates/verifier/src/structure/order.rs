//! Which instructions can be reached, and the order of them in which the
//! data-flow passes converge fast.

use isa::{Pc, Slot};

use super::calls::{Mention, Mentioned};
use super::{Graph, InsnFacts, Subprogram, flow};
use crate::Result;
use crate::reason::Structure as Refusal;

/// The instructions in post-order, and what is the same the other way round.
pub(super) struct Order {
    /// The instructions of all functions, function by function.
    pub(super) postorder: Vec<Pc>,
    /// By slot: its place in its function's part of `postorder`, [`NOT_FOUND`] for
    /// second slots of wide instructions.
    pub(super) positions: Vec<u32>,
}

/// The instructions of all functions, each function's in a post-order from its
/// start; the functions learn their part. Refuses what cannot be reached from
/// the first instruction, calls and the addresses of callbacks followed.
///
/// It is Linux's order, which its log shows: both successors of a branch are
/// taken up at once, the jump's target first.
pub(super) fn postorder(
    slots: &[Slot],
    graph: &Graph,
    mentions: &[Mention],
    insns: &[InsnFacts],
    subprograms: &mut [Subprogram],
) -> Result<Order> {
    let mut search = Search {
        graph,
        postorder: Vec::with_capacity(slots.len()),
        positions: vec![NOT_FOUND; slots.len()],
        stack: Vec::new(),
    };
    for subprogram in subprograms.iter_mut() {
        let begin = search.postorder.len() as u32;
        search.from(subprogram.start, begin);
        subprogram.postorder = begin..search.postorder.len() as u32;
    }
    let Search {
        postorder,
        positions,
        ..
    } = search;
    check_reached(slots, mentions, insns, &positions, subprograms.len())?;
    Ok(Order {
        postorder,
        positions,
    })
}

// In place of a position, until that is known.
/// Nothing leads there.
pub(super) const NOT_FOUND: u32 = u32::MAX;
/// On the stack.
const WAITING: u32 = u32::MAX - 1;
/// Its successors were taken up.
const EXPANDED: u32 = u32::MAX - 2;

struct Search<'a> {
    graph: &'a Graph,
    postorder: Vec<Pc>,
    positions: Vec<u32>,
    stack: Vec<Pc>,
}

impl Search<'_> {
    /// The instructions reached from `start`; the order has `begin` ones so far.
    fn from(&mut self, start: Pc, begin: u32) {
        self.stack.push(start);
        while let Some(&top) = self.stack.last() {
            let Some(position) = self.positions.get_mut(top.index()) else {
                self.stack.pop();
                continue;
            };
            if *position < WAITING {
                if *position == EXPANDED {
                    *position = self.postorder.len() as u32 - begin;
                    self.postorder.push(top);
                }
                self.stack.pop();
                continue;
            }
            *position = EXPANDED;
            for next in self.graph.successors(top) {
                if let Some(position @ &mut NOT_FOUND) = self.positions.get_mut(next.index()) {
                    *position = WAITING;
                    self.stack.push(next);
                }
            }
        }
    }
}

/// Checks that every instruction was found, in a function that is used.
fn check_reached(
    slots: &[Slot],
    mentions: &[Mention],
    insns: &[InsnFacts],
    positions: &[u32],
    functions: usize,
) -> Result {
    let used = (functions > 1).then(|| used_functions(mentions, insns, positions, functions));
    let is_used = |used: &Vec<bool>, at: usize| {
        let function = insns.get(at).map_or(0, |facts| facts.subprogram);
        used.get(usize::from(function)) == Some(&true)
    };
    let reached = |at: usize| {
        let position = positions.get(at);
        position.is_some_and(|position| *position != NOT_FOUND)
            && used.as_ref().is_none_or(|used| is_used(used, at))
    };
    let mut at = 0;
    while let Some(slot) = slots.get(at) {
        let pc = Pc(at as u32);
        if !reached(at) {
            return Err(Refusal::Unreachable(pc).into());
        }
        at += 1;
        if flow::is_wide(*slot) {
            if reached(at) {
                return Err(Refusal::IntoWide(pc).into());
            }
            at += 1;
        }
    }
    Ok(())
}

/// Which functions are named by code that is reached from the main one.
fn used_functions(
    mentions: &[Mention],
    insns: &[InsnFacts],
    positions: &[u32],
    functions: usize,
) -> Vec<bool> {
    let calls = mentions.iter().filter_map(|mention| {
        let (Mentioned::Called(to) | Mentioned::Address(to)) = mention.what else {
            return None;
        };
        let found = *positions.get(mention.pc.index())? != NOT_FOUND;
        let function = |pc: Pc| Some(insns.get(pc.index())?.subprogram);
        found.then_some((function(mention.pc)?, function(to)?))
    });
    let mut edges: Vec<_> = calls.collect();
    edges.sort_unstable();
    edges.dedup();
    let mut used = vec![false; functions];
    let mut waiting = vec![0];
    while let Some(function) = waiting.pop() {
        match used.get_mut(usize::from(function)) {
            Some(used) if !*used => *used = true,
            _ => continue,
        }
        let first = edges.partition_point(|(from, _)| *from < function);
        let calls = edges.get(first..).unwrap_or_default().iter();
        let calls = calls.take_while(|(from, _)| *from == function);
        waiting.extend(calls.map(|(_, to)| *to));
    }
    used
}
