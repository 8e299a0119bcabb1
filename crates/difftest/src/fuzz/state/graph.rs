//! What a verifier said of a program, as a graph that runs can walk along.
//!
//! A node is an instruction on one path, with what is known before it; an edge
//! leads to what was followed next. Where the verifier ended a path at a
//! checkpoint, an edge leads to the node at which that checkpoint was kept
//! ([`Cover`]).
//!
//! A node does not hold all that is known but what of it has to be looked at
//! again ([`Claim`]): what is known differently than at the node before, and
//! what the instruction in between writes. Where paths begin it is everything.

use std::ops::Range;

use isa::{CallTarget, Insn, Pc, Reg};
use verifier::state::Value;

/// Stands for no node.
pub(super) const NONE: u32 = u32::MAX;

/// A register or stack slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The frame, the outermost one of the path is 0.
    pub(super) frame: u8,
    /// Registers as they are numbered, then the slots.
    index: u8,
}

impl Place {
    const SLOTS: u8 = 16;

    pub(super) fn reg(frame: usize, number: usize) -> Place {
        Place {
            frame: frame as u8,
            index: number as u8,
        }
    }

    pub(super) fn slot(frame: usize, number: usize) -> Place {
        Place {
            frame: frame as u8,
            index: Place::SLOTS + number as u8,
        }
    }

    /// The register, or else the slot.
    pub(super) fn register(self) -> Result<usize, usize> {
        match self.index.checked_sub(Place::SLOTS) {
            None => Ok(self.index.into()),
            Some(slot) => Err(slot.into()),
        }
    }
}

/// What is known of a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) place: Place,
    /// Bytes, from the lowest, that hold the value; 0 for none.
    pub(super) width: u8,
    /// Bytes that are zero: bit 0 for the lowest.
    pub(super) zeros: u8,
    /// Only in a [`Cover`]: nothing was found to depend on it.
    pub(super) unmarked: bool,
    pub(super) value: Value,
}

/// Two numbers that are a constant apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) places: [Place; 2],
    /// How far each is ahead.
    pub(super) ahead: [i32; 2],
    /// Bytes, from the lowest, that are.
    pub(super) width: u8,
    /// One is said to be ahead of the other, even if by nothing.
    pub(super) apart: bool,
    /// Only in a [`Cover`]: which of them nothing was found to depend on.
    pub(super) unmarked: [bool; 2],
}

/// An instruction on a path.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) pc: u32,
    /// Frames of the path.
    pub(super) depth: u8,
    /// The calling instruction once more, after a callback.
    pub(super) again: bool,
    /// The same instruction as the node that it follows, with more assumed.
    pub(super) fork: bool,
    /// A node that follows is such a one.
    pub(super) forked: bool,
    /// The register that was just filled from the stack sign-extended and is linked
    /// with something.
    pub(super) signed_fill: Option<Reg>,
    /// The next node that follows the same one.
    pub(super) sibling: u32,
    /// The last node that follows this one.
    pub(super) child: u32,
    /// Number of the [`Cover`], if the path ends here.
    pub(super) cover: u32,
    pub(super) claims: Range<u32>,
    pub(super) links: Range<u32>,
}

/// The end of a path at a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Cover {
    /// Where the checkpoint was kept.
    pub(super) target: u32,
    /// What the checkpoint knows.
    pub(super) claims: Range<u32>,
    pub(super) links: Range<u32>,
    /// By frame: registers and slots of which the checkpoint says nothing.
    pub(super) idle: Range<u32>,
    /// Every number had to be among those of the checkpoint.
    pub(super) exact: bool,
}

/// Registers and slots of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) regs: u16,
    pub(super) slots: u64,
}

/// What a verifier said of a program.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) code: Vec<Insn>,
    /// By function: its start, and whether it is followed on its own.
    pub(super) functions: Vec<(Pc, bool)>,
    /// By function: the node before its first instruction, [`NONE`] where it was
    /// not followed on its own.
    pub(super) roots: Vec<u32>,
    pub(super) nodes: Vec<Node>,
    pub(super) claims: Vec<Claim>,
    pub(super) links: Vec<Link>,
    pub(super) covers: Vec<Cover>,
    pub(super) idle: Vec<Places>,
    /// The program is too large to be recorded.
    pub(super) is_full: bool,
}

impl Graph {
    /// Forgets everything but its memory.
    pub(super) fn clear(&mut self) {
        self.code.clear();
        self.functions.clear();
        self.roots.clear();
        self.nodes.clear();
        self.claims.clear();
        self.links.clear();
        self.covers.clear();
        self.idle.clear();
        self.is_full = false;
    }

    /// The instruction of a slot.
    pub(super) fn insn(&self, pc: u32) -> Insn {
        let insn = self.code.get(pc as usize);
        insn.copied().unwrap_or(Insn::WideTail)
    }

    /// The function that a call leads to, if it is followed on its own.
    pub(super) fn global_callee(&self, pc: u32) -> Option<usize> {
        let Insn::Call {
            target: CallTarget::Local(offset),
        } = self.insn(pc)
        else {
            return None;
        };
        let start = Pc(pc.wrapping_add(1).wrapping_add_signed(offset));
        let mut functions = self.functions.iter();
        functions.position(|(first, global)| *global && *first == start)
    }

    pub(super) fn claims_in(&self, range: &Range<u32>) -> &[Claim] {
        &self.claims[range.start as usize..range.end as usize]
    }

    pub(super) fn links_in(&self, range: &Range<u32>) -> &[Link] {
        &self.links[range.start as usize..range.end as usize]
    }
}
