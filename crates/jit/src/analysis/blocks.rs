//! Blocks: instructions that run one after the other.
//!
//! They are what is counted at once. A block ends after any call, since what is
//! called counts for itself, and so that what is left in the middle of a block can
//! be run without calls and returns.

use isa::Insn;
use vm::Link;

use super::{Listing, ends};

/// Instructions that run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The first.
    pub(crate) start: u32,
    /// One past the last.
    pub(crate) end: u32,
    /// Jumps lead to it.
    pub(crate) is_target: bool,
    /// Jumps lead to it from further down: a loop begins here.
    pub(crate) is_loop: bool,
}

/// The blocks of a program, in order.
#[derive(Debug)]
pub(crate) struct Blocks(pub(crate) Vec<Block>);

const START: u8 = 1;
const TARGET: u8 = 2;
const LOOP: u8 = 4;

impl Blocks {
    pub(crate) fn of(listing: &Listing) -> Blocks {
        let mut marks = vec![0u8; listing.items.len() + 1];
        for entry in &listing.entries {
            marks[*entry as usize] |= START;
        }
        for (number, item) in listing.items.iter().enumerate() {
            let is_call = matches!(item.insn, Insn::Call { .. });
            if let Some(target) = item.target
                && !is_call
            {
                let back = if target as usize <= number { LOOP } else { 0 };
                marks[target as usize] |= START | TARGET | back;
            }
            let calls = matches!(
                item.link,
                Link::Function(_) | Link::Helper { .. } | Link::TailCall
            );
            // What is not in the packet ends the function.
            let may_leave = matches!(item.insn, Insn::LoadPacket { .. });
            if item.target.is_some() || calls || may_leave || ends(item) {
                marks[number + 1] |= START;
            }
        }
        let len = listing.items.len() as u32;
        let starts = (0..len).filter(|number| marks[*number as usize] & START != 0);
        let mut blocks: Vec<Block> = starts
            .map(|start| Block {
                start,
                end: len,
                is_target: marks[start as usize] & TARGET != 0,
                is_loop: marks[start as usize] & LOOP != 0,
            })
            .collect();
        for number in 1..blocks.len() {
            blocks[number - 1].end = blocks[number].start;
        }
        Blocks(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{ProgType, Program};
    use vm::{Machine, World};

    /// Where the blocks of a program begin.
    fn starts(text: &str) -> Vec<u32> {
        let code = isa::asm::assemble(text).expect("the text of a program");
        let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
        let mut machine = Machine::new(World::default()).expect("a machine");
        let id = machine.load_program(&program, &[]).expect("a program");
        let linked = machine.linked(id).expect("it was loaded");
        let blocks = Blocks::of(&Listing::of(linked));
        blocks.0.iter().map(|block| block.start).collect()
    }

    #[test]
    fn jumps_calls_and_their_targets_begin_blocks() {
        let text = "r0 = 1\nif r1 == 0 goto pc+1\ncall 7\nr0 = 2\nexit";
        assert_eq!(starts(text), [0, 2, 3]);
    }

    #[test]
    fn nothing_leaves_in_the_middle_of_a_block() {
        assert_eq!(starts("r2 = 1\nr0 = *(u8 *)skb[4]\nr0 = 2\nexit"), [0, 2]);
    }
}
