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
    /// Jumps lead to it from further down.
    pub(crate) from_below: bool,
    /// What begins here may come back here: a loop.
    pub(crate) is_loop: bool,
}

/// The blocks of a program, in order.
#[derive(Debug)]
pub(crate) struct Blocks(pub(crate) Vec<Block>);

const START: u8 = 1;
const TARGET: u8 = 2;
const BELOW: u8 = 4;

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
                let back = if target as usize <= number { BELOW } else { 0 };
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
                from_below: marks[start as usize] & BELOW != 0,
                is_loop: false,
            })
            .collect();
        for number in 1..blocks.len() {
            blocks[number - 1].end = blocks[number].start;
        }
        if blocks.iter().any(|block| block.from_below) {
            find_loops(&mut blocks, listing);
        }
        Blocks(blocks)
    }
}

/// Marks the blocks that a walk comes back to while it is still under way from them.
/// Compilers jump up for other reasons than loops, to what two ways have in common.
fn find_loops(blocks: &mut [Block], listing: &Listing) {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Seen {
        Not,
        Entered,
        Left,
    }
    let at = |blocks: &[Block], start| blocks.binary_search_by_key(&start, |block| block.start);
    let mut seen = vec![Seen::Not; blocks.len()];
    let mut way: Vec<(usize, u8)> = Vec::new();
    for first in 0..blocks.len() {
        if seen[first] == Seen::Not {
            seen[first] = Seen::Entered;
            way.push((first, 0));
        }
        while let Some((block, step)) = way.last_mut() {
            let end = blocks[*block].end;
            let last = &listing.items[end as usize - 1];
            let next = match step {
                0 if matches!(last.insn, Insn::Call { .. }) => None,
                0 => last.target,
                1 if ends(last) => None,
                1 => Some(end),
                _ => {
                    seen[*block] = Seen::Left;
                    way.pop();
                    continue;
                }
            };
            *step += 1;
            let Some(Ok(next)) = next.map(|start| at(blocks, start)) else {
                continue;
            };
            match seen[next] {
                Seen::Not => {
                    seen[next] = Seen::Entered;
                    way.push((next, 0));
                }
                Seen::Entered => blocks[next].is_loop = true,
                Seen::Left => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{ProgType, Program};
    use vm::{Machine, World};

    fn blocks(text: &str) -> Vec<Block> {
        let code = isa::asm::assemble(text).expect("the text of a program");
        let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
        let mut machine = Machine::new(World::default()).expect("a machine");
        let id = machine.load_program(&program, &[]).expect("a program");
        let linked = machine.linked(id).expect("it was loaded");
        Blocks::of(&Listing::of(linked)).0
    }

    /// Where the blocks of a program begin.
    fn starts(text: &str) -> Vec<u32> {
        blocks(text).iter().map(|block| block.start).collect()
    }

    /// Where loops begin.
    fn loops(text: &str) -> Vec<u32> {
        let blocks = blocks(text);
        let loops = blocks.iter().filter(|block| block.is_loop);
        loops.map(|block| block.start).collect()
    }

    #[test]
    fn a_jump_up_is_a_loop_only_if_it_comes_back() {
        let back = "r0 = 1\nr0 += 1\nif r0 < 9 goto pc-2\nexit";
        assert_eq!(loops(back), [1]);
        let shared = "if r1 == 0 goto pc+2\nr0 = 1\nexit\nr0 = 2\ngoto pc-3";
        assert_eq!(loops(shared), []);
        let nested =
            "r0 = 1\nr2 = 1\nr2 += 1\nif r2 < 9 goto pc-2\nr0 += 1\nif r0 < 9 goto pc-5\nexit";
        assert_eq!(loops(nested), [1, 2]);
        // Entered in the middle: one of the two is found.
        let two = "if r1 == 0 goto pc+1\nr0 = 1\nr0 = 2\nif r2 == 0 goto pc-3\nexit";
        assert_eq!(loops(two).len(), 1);
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
