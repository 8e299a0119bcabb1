//! Which registers hold numbers of 32 bits.
//!
//! At the start of each block, on all ways there. Within blocks
//! [`crate::lower::Bits`] knows more.

use isa::{AluOp, EndianOp, Insn, Operand, Reg, Size, Width};
use vm::Link;
use vm::helper::MAP_LOOKUP;

use super::{Blocks, Item, Listing, RegSet};

/// For each block: the registers whose upper halves are zero at its start.
#[derive(Debug)]
pub(crate) struct Upper(Vec<RegSet>);

impl Upper {
    pub(crate) fn of(listing: &Listing, blocks: &Blocks, moves_fp: bool) -> Upper {
        let mut number_of = vec![0u32; listing.items.len() + 1];
        for (number, block) in blocks.0.iter().enumerate() {
            number_of[block.start as usize] = number as u32;
        }
        // Of blocks that no way leads to, anything may be said.
        let mut upper = vec![RegSet::ALL; blocks.0.len()];
        let at_entry = if moves_fp {
            RegSet::NONE
        } else {
            RegSet::of(Reg::FP)
        };
        for entry in &listing.entries {
            upper[number_of[*entry as usize] as usize] = at_entry;
        }
        let mut asked = vec![true; upper.len()];
        let mut again = true;
        while again {
            again = false;
            for (number, block) in blocks.0.iter().enumerate() {
                if !std::mem::take(&mut asked[number]) {
                    continue;
                }
                let mut state = upper[number];
                let items = &listing.items[block.start as usize..block.end as usize];
                for item in items {
                    state = after(item, state);
                }
                let Some(last) = items.last() else {
                    continue;
                };
                let falls = !super::ends(last) && number + 1 < upper.len();
                let is_call = matches!(last.insn, Insn::Call { .. });
                let target = last.target.filter(|_| !is_call);
                let targets = [
                    falls.then_some(number + 1),
                    target.map(|target| number_of[target as usize] as usize),
                ];
                for to in targets.into_iter().flatten() {
                    let met = upper[to].and(state);
                    if met != upper[to] {
                        asked[to] = true;
                        again |= to <= number;
                    }
                    upper[to] = met;
                }
            }
        }
        Upper(upper)
    }

    /// Those of the block with this number.
    pub(crate) fn at(&self, block: usize) -> RegSet {
        self.0[block]
    }
}

/// What holds after an instruction, by what held before it.
fn after(item: &Item, before: RegSet) -> RegSet {
    match item.link {
        Link::Function(_) if matches!(item.insn, Insn::Call { .. }) => {
            return before.without(RegSet::SHARED);
        }
        // An address of the machine, or NULL.
        Link::Helper { id, .. } if id == MAP_LOOKUP => {
            return before.without(RegSet::SHARED).with(RegSet::of(Reg::R0));
        }
        Link::Helper { .. } | Link::TailCall => return before.without(RegSet::SHARED),
        _ => {}
    }
    let (_, written) = item.effect;
    if written.is_empty() {
        return before;
    }
    let short = match item.insn {
        Insn::Alu {
            width: Width::W32, ..
        }
        | Insn::Neg {
            width: Width::W32, ..
        }
        | Insn::Movsx {
            width: Width::W32, ..
        }
        | Insn::Atomic {
            width: Width::W32, ..
        }
        | Insn::LoadPacket { .. } => true,
        Insn::Alu { op, dst, src, .. } => is_short(op, before.contains(dst), src, before),
        Insn::Endian { op, bits, dst } => bits < 64 || op == EndianOp::Le && before.contains(dst),
        Insn::LoadImm { .. } => {
            matches!(item.link, Link::Constant(value) if value <= u32::MAX.into())
        }
        Insn::Load { size, signed, .. } => size != Size::B8 && !signed,
        Insn::LoadAcquire { size, .. } => size != Size::B8,
        _ => false,
    };
    match short {
        true => before.with(written),
        false => before.without(written),
    }
}

/// Whether the result of arithmetic in 64 bits has 32.
fn is_short(op: AluOp, dst: bool, src: Operand, before: RegSet) -> bool {
    let src_is = match src {
        Operand::Reg(src) => before.contains(src),
        Operand::Imm(imm) => imm >= 0,
    };
    match op {
        AluOp::Mov => src_is,
        AluOp::And => dst || src_is,
        AluOp::Or | AluOp::Xor => dst && src_is,
        // Of the number only six bits count, also where a verifier refuses more.
        AluOp::Rsh => dst || matches!(src, Operand::Imm(by) if by & 63 >= 32),
        AluOp::Arsh | AluOp::Div | AluOp::Mod => dst,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{ProgType, Program};
    use vm::{Machine, World};

    /// The registers of 32 bits at the start of the last block.
    fn at_end(text: &str) -> Vec<Reg> {
        let code = isa::asm::assemble(text).expect("the text of a program");
        let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
        let mut machine = Machine::new(World::default()).expect("a machine");
        let id = machine.load_program(&program, &[]).expect("a program");
        let listing = Listing::of(machine.linked(id).expect("it was loaded"));
        let blocks = Blocks::of(&listing);
        let upper = Upper::of(&listing, &blocks, false);
        upper.at(blocks.0.len() - 1).iter().collect()
    }

    #[test]
    fn all_ways_count() {
        let text = "w2 = w1
            w3 = w1
            if r1 == 0 goto pc+1
            r3 = r1
            exit";
        assert_eq!(at_end(text), [Reg::R2, Reg::FP]);
    }

    #[test]
    fn six_bits_of_a_shift_count() {
        let text = "r1 >>= 32
            r2 >>= 31
            r3 >>= 64
            r4 >>= -1
            r5 >>= 96
            if r1 == 0 goto pc+1
            r6 = r5
            exit";
        assert_eq!(at_end(text), [Reg::R1, Reg::R4, Reg::R5, Reg::FP]);
    }

    #[test]
    fn loops_come_back() {
        let text = "w2 = 1
            w3 = 1
            r2 += 1
            r3 &= 7
            if r2 != 9 goto pc-3
            exit";
        assert_eq!(at_end(text), [Reg::R3, Reg::FP]);
    }
}
