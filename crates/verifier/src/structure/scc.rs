//! Loops: strongly connected components of the control flow.

use isa::{Pc, Slot};

use super::{InsnFacts, flow};

/// Gives every loop a number from 1, in the order in which Tarjan's algorithm
/// completes them; gives one more than the last number.
pub(super) fn number(slots: &[Slot], insns: &mut [InsnFacts]) -> u32 {
    let mut search = Search {
        slots,
        insns,
        visited: vec![0; slots.len()],
        low: vec![0; slots.len()],
        open: Vec::new(),
        last_visit: 0,
        next_scc: 1,
    };
    for at in 0..slots.len() {
        if search.visited[at] == 0 {
            search.from(at);
        }
    }
    search.next_scc
}

/// The component of the instruction is complete.
const COMPLETE: u32 = u32::MAX;

struct Search<'a> {
    slots: &'a [Slot],
    insns: &'a mut [InsnFacts],
    /// When an instruction was first seen, from 1; 0 for not yet.
    visited: Vec<u32>,
    /// The earliest visited instruction of an open component that is known to be
    /// reachable from here.
    low: Vec<u32>,
    /// Instructions whose component is not complete, in the order of visits.
    open: Vec<usize>,
    last_visit: u32,
    next_scc: u32,
}

impl Search<'_> {
    fn from(&mut self, start: usize) {
        let mut path = vec![start];
        while let Some(&at) = path.last() {
            if self.visited[at] == 0 {
                self.last_visit += 1;
                self.visited[at] = self.last_visit;
                self.low[at] = self.last_visit;
                self.open.push(at);
            }
            match self.look_ahead(at) {
                Some(next) => path.push(next),
                None => {
                    path.pop();
                    if self.low[at] == self.visited[at] {
                        self.complete(at);
                    }
                }
            }
        }
    }

    /// Takes over what successors know, up to the first that was not visited.
    fn look_ahead(&mut self, at: usize) -> Option<usize> {
        for next in flow::successors(self.slots, Pc(at as u32)) {
            let next = next.index();
            if self.visited[next] == 0 {
                return Some(next);
            }
            self.low[at] = self.low[at].min(self.low[next]);
        }
        None
    }

    /// The component that was entered at `first` is complete.
    fn complete(&mut self, first: usize) {
        let itself = flow::successors(self.slots, Pc(first as u32))
            .into_iter()
            .any(|next| next.index() == first);
        let is_loop = self.open.last() != Some(&first) || itself;
        while let Some(at) = self.open.pop() {
            self.low[at] = COMPLETE;
            if is_loop {
                self.insns[at].scc = self.next_scc;
            }
            if at == first {
                break;
            }
        }
        self.next_scc += u32::from(is_loop);
    }
}
