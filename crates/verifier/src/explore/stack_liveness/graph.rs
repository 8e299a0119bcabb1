//! Control flow inside functions, as the data flow of slots needs it.

use isa::Pc;

use crate::structure::{Marks, Structure};

/// Control flow inside functions. Instructions are named by their position in
/// the post-order of their function: successors come first, loops aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Graph<'a> {
    structure: &'a Structure,
}

impl<'a> Graph<'a> {
    pub(super) fn new(structure: &'a Structure) -> Graph<'a> {
        Graph { structure }
    }

    /// How many instructions a function has.
    pub(super) fn len(self, subprogram: u32) -> usize {
        self.function(subprogram).order.len()
    }

    /// Position of the instruction at `pc` in its function.
    pub(super) fn position(self, pc: Pc) -> Option<usize> {
        self.structure.position(pc)
    }

    /// Position of a function's first instruction.
    pub(super) fn start(self, subprogram: u32) -> Option<usize> {
        let subprogram = self.structure.subprograms.get(subprogram as usize)?;
        self.position(subprogram.start)
    }

    /// The control flow of one function.
    pub(super) fn function(self, subprogram: u32) -> Function<'a> {
        let subprogram = self.structure.subprograms.get(subprogram as usize);
        let part = subprogram.map_or(0..0, |s| s.postorder.clone());
        let order = self.structure.postorder.as_slice();
        Function {
            structure: self.structure,
            order: order
                .get(part.start as usize..part.end as usize)
                .unwrap_or_default(),
        }
    }
}

/// The control flow of one function.
#[derive(Clone, Copy)]
pub(super) struct Function<'a> {
    structure: &'a Structure,
    /// Its instructions, by position.
    order: &'a [Pc],
}

impl<'a> Function<'a> {
    pub(super) fn successors(self, position: usize) -> impl Iterator<Item = usize> {
        let successors = self.structure.graph.successors(self.pc(position));
        successors.filter_map(move |pc| self.structure.position(pc))
    }

    pub(super) fn predecessors(self, position: usize) -> impl Iterator<Item = usize> + 'a {
        let predecessors = self.structure.graph.predecessors(self.pc(position));
        predecessors.filter_map(move |pc| self.structure.position(pc))
    }

    pub(super) fn pc(self, position: usize) -> Pc {
        self.order[position]
    }

    /// Whether the log shows changes there even if the instruction touches no
    /// slot.
    pub(super) fn is_shown(self, position: usize) -> bool {
        let pc = self.pc(position);
        let insn = self.structure.insn(pc);
        let function = self.structure.subprograms.get(usize::from(insn.subprogram));
        insn.marks.contains(Marks::PRUNE_POINT) || function.is_some_and(|f| f.start == pc)
    }
}
