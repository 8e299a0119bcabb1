//! Basic blocks: the control flow inside the functions of a program.
//!
//! Calls do not end a block, as they come back. Targets that lie outside the
//! program have no edge: [`Code::check`] reports them.

use std::collections::BTreeSet;

use crate::{Code, Insn, Pc};

/// A run of instructions that is entered at its start and left at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// First slot.
    pub start: Pc,
    /// One past the last slot.
    pub end: Pc,
    /// Where control goes on when no jump is taken.
    pub next: Option<Pc>,
    /// Where the jump at the end leads.
    pub jump: Option<Pc>,
}

impl Code {
    /// The basic blocks, ascending. `starts` are those of functions
    /// ([`Code::functions`]): no block goes over them.
    pub fn blocks(&self, starts: &[Pc]) -> Vec<Block> {
        let leaders = self.leaders(starts);
        let end = Pc(self.len() as u32);
        let ends = leaders.iter().skip(1).copied().chain([end]);
        leaders
            .iter()
            .zip(ends)
            .map(|(start, end)| self.block(*start, end))
            .collect()
    }

    fn block(&self, start: Pc, end: Pc) -> Block {
        let last = (start.0..end.0)
            .rev()
            .map(Pc)
            .find_map(|pc| Some((pc, self.get(pc)?)).filter(|(_, insn)| *insn != Insn::WideTail));
        let jump = last.and_then(|(pc, insn)| self.jump_target(pc, insn));
        let ends = |insn| matches!(insn, Insn::Exit | Insn::Jump { .. } | Insn::Invalid(_));
        let falls = last.is_none_or(|(_, insn)| !ends(insn)) && end.index() < self.len();
        Block {
            start,
            end,
            next: falls.then_some(end),
            jump,
        }
    }

    /// The first slots of all blocks.
    fn leaders(&self, starts: &[Pc]) -> BTreeSet<Pc> {
        let mut leaders: BTreeSet<Pc> = starts.iter().copied().collect();
        leaders.insert(Pc(0));
        for (pc, insn) in self.iter() {
            let after = Pc(pc.0 + 1);
            if insn.jump_offset().is_some() || insn == Insn::Exit {
                leaders.insert(after);
            }
            leaders.extend(self.jump_target(pc, insn));
        }
        leaders.retain(|pc| pc.index() < self.len());
        leaders
    }

    fn jump_target(&self, pc: Pc, insn: Insn) -> Option<Pc> {
        let to = i64::from(pc.0) + 1 + i64::from(insn.jump_offset()?);
        let to = Pc(u32::try_from(to).ok()?);
        (to.index() < self.len()).then_some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Slot;

    #[test]
    fn a_loop_and_its_exit() {
        let slot = |opcode, offset| Slot {
            opcode,
            offset,
            ..Slot::default()
        };
        // 0: r0 = 0; 1: if r0 == 0 goto 3; 2: goto 1; 3: exit
        let code = Code::new(vec![
            slot(0xb7, 0),
            slot(0x15, 1),
            slot(0x05, -2),
            slot(0x95, 0),
        ]);
        let block = |start, end, next: Option<u32>, jump: Option<u32>| Block {
            start: Pc(start),
            end: Pc(end),
            next: next.map(Pc),
            jump: jump.map(Pc),
        };
        assert_eq!(
            code.blocks(&[Pc(0)]),
            [
                block(0, 1, Some(1), None),
                block(1, 2, Some(2), Some(3)),
                block(2, 3, None, Some(1)),
                block(3, 4, None, None),
            ]
        );
    }
}
