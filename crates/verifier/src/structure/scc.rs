//! Loops: strongly connected components of the control flow.

use isa::Pc;

use super::{Graph, InsnFacts, Subprogram};

/// Gives every loop a number from 1, in the order in which Tarjan's algorithm
/// completes them; gives one more than the last number.
pub(super) fn number(graph: &Graph, subprograms: &[Subprogram], insns: &mut [InsnFacts]) -> u32 {
    let mut loops = subprograms
        .iter()
        .filter_map(|s| Some((s, last_back(graph, s)?)));
    let Some(first) = loops.next() else {
        return 1;
    };
    let mut search = Search {
        graph,
        visited: vec![0; insns.len()],
        low: vec![0; insns.len()],
        insns,
        open: Vec::with_capacity(64),
        path: Vec::with_capacity(64),
        last_visit: 0,
        next_scc: 1,
    };
    for (subprogram, last) in std::iter::once(first).chain(loops) {
        let behind = last.index() + 1..subprogram.end.index();
        search.visited[behind.clone()].fill(COMPLETE);
        search.low[behind].fill(COMPLETE);
        for at in subprogram.start.index()..=last.index() {
            if search.visited[at] == 0 {
                search.from(at);
            }
        }
    }
    search.next_scc
}

/// The last jump backwards of a function. Without one there is no loop, and none
/// can be come to from behind the last.
fn last_back(graph: &Graph, subprogram: &Subprogram) -> Option<Pc> {
    let body = subprogram.start.index()..subprogram.end.index();
    let edges = graph.edges().get(body)?;
    let mut edges = (subprogram.start.0..subprogram.end.0).map(Pc).zip(edges);
    let back = edges.rfind(|(pc, edges)| edges.jump().is_some_and(|to| to <= *pc))?;
    Some(back.0)
}

/// The component of the instruction is complete.
const COMPLETE: u32 = u32::MAX;

struct Search<'a> {
    graph: &'a Graph,
    insns: &'a mut [InsnFacts],
    /// When an instruction was first seen, from 1; 0 for not yet.
    visited: Vec<u32>,
    /// The earliest visited instruction of an open component that is known to be
    /// reachable from here.
    low: Vec<u32>,
    /// Instructions whose component is not complete, in the order of visits.
    open: Vec<usize>,
    /// The path to the instruction that is looked at.
    path: Vec<usize>,
    last_visit: u32,
    next_scc: u32,
}

impl Search<'_> {
    fn from(&mut self, start: usize) {
        self.path.push(start);
        while let Some(&at) = self.path.last() {
            if self.visited[at] == 0 {
                self.last_visit += 1;
                self.visited[at] = self.last_visit;
                self.low[at] = self.last_visit;
                self.open.push(at);
            }
            match self.look_ahead(at) {
                Some(next) => self.path.push(next),
                None => {
                    self.path.pop();
                    if self.low[at] == self.visited[at] {
                        self.complete(at);
                    }
                }
            }
        }
    }

    /// Takes over what successors know, up to the first that was not visited.
    fn look_ahead(&mut self, at: usize) -> Option<usize> {
        for next in self.graph.successors(Pc(at as u32)) {
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
        let mut next = self.graph.successors(Pc(first as u32));
        let itself = next.any(|next| next.index() == first);
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
