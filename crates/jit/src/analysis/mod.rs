//! What holds of a program before code is made of it.
//!
//! All passes work on instructions by their number, in the order of
//! [`vm::Linked::insns`], and take time in proportion to the program (liveness:
//! times the depth of its loops).

mod blocks;
mod live;
mod upper;

pub(crate) use blocks::{Block, Blocks};
use live::effect;
pub(crate) use live::{Live, RegSet, arguments};
pub(crate) use upper::Upper;

use isa::{Insn, Pc};
use vm::{Link, Linked};

/// An instruction with what loading made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) pc: Pc,
    pub(crate) insn: Insn,
    pub(crate) link: Link,
    /// The number of the instruction that it may jump to, or of the first one of
    /// the function that it calls.
    pub(crate) target: Option<u32>,
    /// What it reads and writes, calls aside.
    pub(crate) effect: (RegSet, RegSet),
}

/// A program as numbered instructions.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) items: Vec<Item>,
    /// For each function: its first instruction.
    pub(crate) entries: Vec<u32>,
    /// For each function: bytes of stack that it can reach.
    pub(crate) stacks: Vec<u32>,
}

impl Listing {
    pub(crate) fn of(linked: Linked<'_>) -> Listing {
        let mut number_at = vec![u32::MAX; linked.code().len()];
        for (number, (pc, ..)) in linked.insns().enumerate() {
            number_at[pc.index()] = number as u32;
        }
        let entries: Vec<u32> = linked
            .functions()
            .map(|function| number_at[function.entry.index()])
            .collect();
        let items = linked.insns().map(|(pc, insn, link)| {
            let target = match link {
                Link::Function(number) => entries.get(number).copied(),
                _ => jump_offset(insn).and_then(|offset| {
                    let to = i64::from(pc.0) + 1 + i64::from(offset);
                    let number = number_at.get(usize::try_from(to).ok()?).copied();
                    number.filter(|number| *number != u32::MAX)
                }),
            };
            Item {
                pc,
                insn,
                link,
                target,
                effect: effect(insn),
            }
        });
        Listing {
            items: items.collect(),
            stacks: linked.functions().map(|function| function.stack).collect(),
            entries,
        }
    }

    /// Notes that functions use no more than this of their stacks, where that is
    /// known of all.
    pub(crate) fn limit_stacks(&mut self, depths: &[u32]) {
        if depths.len() == self.stacks.len() {
            for (stack, depth) in self.stacks.iter_mut().zip(depths) {
                *stack = depth.next_multiple_of(8).min(*stack);
            }
        }
    }

    /// The number of the function that an instruction belongs to.
    pub(crate) fn function_of(&self, number: u32) -> usize {
        self.entries.partition_point(|entry| *entry <= number) - 1
    }

    /// The instructions of a function.
    pub(crate) fn range(&self, function: usize) -> std::ops::Range<u32> {
        let next = self.entries.get(function + 1).copied();
        self.entries[function]..next.unwrap_or(self.items.len() as u32)
    }
}

/// The distance of the jump that an instruction is, in slots.
fn jump_offset(insn: Insn) -> Option<i32> {
    match insn {
        Insn::Jump { offset, .. } => Some(offset),
        Insn::Branch { offset, .. } | Insn::MayGoto { offset } => Some(offset.into()),
        _ => None,
    }
}

/// Whether control never goes on with the next instruction.
pub(crate) fn ends(item: &Item) -> bool {
    matches!(item.insn, Insn::Jump { .. } | Insn::Exit) || matches!(item.link, Link::Trap(_))
}
