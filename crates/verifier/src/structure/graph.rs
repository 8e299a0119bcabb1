//! Control flow inside functions: found once, read by every pass.

use isa::Pc;

/// No slot.
const NONE: u32 = u32::MAX;

/// Where control may go after each slot, and from where it comes. Calls come
/// back.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    edges: Vec<Edges>,
    /// Where the jumps to a slot begin in `jumps`, by slot; one more for the end
    /// of the last.
    jumps_at: Vec<u32>,
    /// The slots that jump, by target.
    jumps: Vec<Pc>,
}

/// Where control may go after a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    next: u32,
    jump: u32,
}

impl Edges {
    /// Nowhere.
    pub(super) const NONE: Edges = Edges {
        next: NONE,
        jump: NONE,
    };

    pub(super) fn to_next(next: usize) -> Edges {
        Edges {
            next: next as u32,
            ..Edges::NONE
        }
    }

    pub(super) fn and_jump(self, jump: Pc) -> Edges {
        Edges {
            jump: jump.0,
            ..self
        }
    }

    pub(super) fn next(self) -> Option<Pc> {
        (self.next != NONE).then_some(Pc(self.next))
    }

    pub(super) fn jump(self) -> Option<Pc> {
        (self.jump != NONE).then_some(Pc(self.jump))
    }
}

/// At most two instructions: the next one, then the target of a jump.
#[derive(Clone, Copy, Debug)]
pub struct Successors(Edges);

impl Iterator for Successors {
    type Item = Pc;

    #[inline]
    fn next(&mut self) -> Option<Pc> {
        let Edges { next, jump } = self.0;
        if next != NONE {
            self.0.next = NONE;
            Some(Pc(next))
        } else if jump != NONE {
            self.0.jump = NONE;
            Some(Pc(jump))
        } else {
            None
        }
    }
}

impl Graph {
    /// Of the edges of each slot; all lead to slots.
    pub(super) fn new(edges: Vec<Edges>) -> Graph {
        let mut jumps_at = vec![0; edges.len() + 2];
        let mut count = 0;
        for edge in &edges {
            if let Some(to) = edge.jump() {
                jumps_at[to.index() + 2] += 1;
                count += 1;
            }
        }
        let mut sum = 0;
        for at in &mut jumps_at {
            sum += *at;
            *at = sum;
        }
        let mut jumps = vec![Pc(0); count];
        for (from, edge) in (0..).map(Pc).zip(&edges) {
            if let Some(to) = edge.jump() {
                let at = &mut jumps_at[to.index() + 1];
                jumps[*at as usize] = from;
                *at += 1;
            }
        }
        Graph {
            edges,
            jumps_at,
            jumps,
        }
    }

    /// By slot.
    pub(super) fn edges(&self) -> &[Edges] {
        &self.edges
    }

    /// Where control may go after `pc` inside its function.
    #[inline]
    pub fn successors(&self, pc: Pc) -> Successors {
        let edges = self.edges.get(pc.index()).copied();
        Successors(edges.unwrap_or(Edges::NONE))
    }

    /// From where control may come to `pc`: the jumps, then the instruction
    /// before it if that goes on.
    pub fn predecessors(&self, pc: Pc) -> impl Iterator<Item = Pc> {
        let at = pc.index();
        let bounds = self.jumps_at.get(at).zip(self.jumps_at.get(at + 1));
        let jumps = bounds.and_then(|(from, to)| self.jumps.get(*from as usize..*to as usize));
        let falls = |back: u32| {
            let from = Pc(pc.0.checked_sub(back)?);
            (self.edges.get(from.index())?.next == pc.0).then_some(from)
        };
        // The slot before may be the second of a wide instruction.
        let before = falls(2).or_else(|| falls(1));
        jumps.unwrap_or_default().iter().copied().chain(before)
    }
}
