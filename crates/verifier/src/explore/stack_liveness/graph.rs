//! Control flow inside functions, as the data flow of slots needs it.

use isa::Pc;

use crate::structure::{Marks, Structure};

/// Control flow inside functions. Instructions are named by their position in
/// the post-order of their function: successors come first, loops aside.
#[derive(Debug)]
pub(super) struct Graph {
    /// By slot of the program.
    position: Vec<u32>,
    /// The instructions of all functions, function by function, in post-order.
    order: Vec<Pc>,
    /// The first instruction of each function.
    starts: Vec<Pc>,
    /// Where each function begins in `order`.
    base: Vec<u32>,
    /// By place in `order`: the positions of the successors.
    successors: Vec<[u32; 2]>,
    /// Where the predecessors of each begin in `predecessors`, and where those
    /// of the last end.
    predecessors_at: Vec<u32>,
    /// Positions.
    predecessors: Vec<u32>,
    /// By place in `order`: whether the log shows changes there.
    shown: Vec<bool>,
}

/// No instruction.
pub(super) const NONE: u32 = u32::MAX;

impl Graph {
    pub(super) fn new(structure: &Structure) -> Graph {
        let mut graph = Graph {
            position: vec![NONE; structure.insns.len()],
            order: structure.postorder.clone(),
            starts: structure.subprograms.iter().map(|s| s.start).collect(),
            base: Vec::with_capacity(structure.subprograms.len() + 1),
            successors: Vec::with_capacity(structure.postorder.len()),
            predecessors_at: vec![0; structure.postorder.len() + 2],
            predecessors: Vec::new(),
            shown: Vec::with_capacity(structure.postorder.len()),
        };
        for subprogram in &structure.subprograms {
            graph.base.push(subprogram.postorder.start);
            graph.number(subprogram.postorder.clone());
        }
        graph.base.push(structure.postorder.len() as u32);
        for pc in &structure.postorder {
            let mut successors = [NONE; 2];
            for (at, next) in successors.iter_mut().zip(structure.successors(*pc)) {
                *at = graph.position.get(next.index()).copied().unwrap_or(NONE);
            }
            graph.successors.push(successors);
            let insn = structure.insn(*pc);
            let first = graph.starts.get(usize::from(insn.subprogram)) == Some(pc);
            graph
                .shown
                .push(first || insn.marks.contains(Marks::PRUNE_POINT));
        }
        graph.turn_around();
        graph
    }

    fn number(&mut self, range: std::ops::Range<u32>) {
        let places = self.order.get(range.start as usize..range.end as usize);
        for (position, pc) in places.unwrap_or_default().iter().enumerate() {
            if let Some(at) = self.position.get_mut(pc.index()) {
                *at = position as u32;
            }
        }
    }

    /// Finds the predecessors.
    fn turn_around(&mut self) {
        let mut pairs = Vec::with_capacity(self.order.len() + self.order.len() / 4);
        for bounds in self.base.windows(2) {
            for place in bounds[0]..bounds[1] {
                for to in self.successors[place as usize] {
                    if to != NONE {
                        pairs.push((bounds[0] + to, place - bounds[0]));
                    }
                }
            }
        }
        for (to, _) in &pairs {
            self.predecessors_at[*to as usize + 2] += 1;
        }
        for place in 2..self.predecessors_at.len() {
            self.predecessors_at[place] += self.predecessors_at[place - 1];
        }
        self.predecessors = vec![0; pairs.len()];
        for (to, from) in pairs {
            let at = &mut self.predecessors_at[to as usize + 1];
            self.predecessors[*at as usize] = from;
            *at += 1;
        }
    }

    /// How many instructions a function has.
    pub(super) fn len(&self, subprogram: u32) -> usize {
        let at = subprogram as usize;
        match (self.base.get(at), self.base.get(at + 1)) {
            (Some(from), Some(to)) => (to - from) as usize,
            _ => 0,
        }
    }

    /// Position of the instruction at `pc` in its function.
    pub(super) fn position(&self, pc: Pc) -> Option<usize> {
        let position = self.position.get(pc.index()).copied();
        position
            .filter(|position| *position != NONE)
            .map(|position| position as usize)
    }

    /// Position of a function's first instruction.
    pub(super) fn start(&self, subprogram: u32) -> Option<usize> {
        let start = self.starts.get(subprogram as usize)?;
        self.position(*start)
    }

    /// The control flow of one function.
    pub(super) fn function(&self, subprogram: u32) -> Function<'_> {
        let base = self.base.get(subprogram as usize).copied();
        Function {
            graph: self,
            base: base.unwrap_or(0) as usize,
        }
    }
}

/// The control flow of one function.
#[derive(Clone, Copy)]
pub(super) struct Function<'g> {
    graph: &'g Graph,
    base: usize,
}

impl<'g> Function<'g> {
    pub(super) fn successors(self, position: usize) -> [u32; 2] {
        self.graph.successors[self.base + position]
    }

    pub(super) fn predecessors(self, position: usize) -> &'g [u32] {
        let place = self.base + position;
        let from = self.graph.predecessors_at[place] as usize;
        let to = self.graph.predecessors_at[place + 1] as usize;
        &self.graph.predecessors[from..to]
    }

    pub(super) fn pc(self, position: usize) -> Pc {
        self.graph.order[self.base + position]
    }

    /// Whether the log shows changes there even if the instruction touches no
    /// slot.
    pub(super) fn is_shown(self, position: usize) -> bool {
        self.graph.shown[self.base + position]
    }
}
