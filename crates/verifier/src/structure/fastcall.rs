//! Spills and fills around calls that keep their registers.
//!
//! A compiler that does not know that a call keeps `r1` to `r5` spills what it
//! still needs of them before the call and fills it after. Where the call does
//! keep them (`bpf_fastcall`), Linux takes both away again, and the stack that
//! only they use does not count.

use abi::Program;
use isa::{Insn, Operand, Pc, Reg, Size, Slot};

use super::calls::Callees;
use super::{InsnFacts, Marks, Subprogram, flow};
use crate::Config;

/// Marks the spills and fills; the functions learn where they lie.
pub(super) fn mark(
    program: &Program,
    config: &Config,
    subprograms: &mut [Subprogram],
    insns: &mut [InsnFacts],
) {
    let callees = Callees::of(program, config);
    for subprogram in subprograms {
        let body = subprogram.start.index()..subprogram.end.index();
        let Some(slots) = program.code.get(body.clone()) else {
            continue;
        };
        let spills = slots.iter().filter_map(|slot| spill(*slot));
        let lowest = spills.map(|(_, offset)| offset).min().unwrap_or(0).min(0);
        subprogram.fastcall_stack_offset = lowest;
        for (at, slot) in slots.iter().enumerate() {
            let callee = flow::call_target(*slot).and_then(|target| callees.get(target));
            let Some(callee) = callee.filter(|callee| callee.fastcall) else {
                continue;
            };
            let arguments = callee.params.unwrap_or(5).min(5);
            let clobbered = ((1 << arguments) - 1) << 1 | u16::from(!callee.void);
            let pairs = pairs(slots, at, lowest, 0x3f & !clobbered);
            for near in (at - pairs..at).chain(at + 1..at + 1 + pairs) {
                let pc = Pc((body.start + near) as u32);
                insns[pc.index()].marks.set(Marks::FASTCALL_PATTERN);
            }
        }
    }
}

/// How many pairs of a spill before and a fill after the call at `at` there
/// are, the innermost at `lowest` and each further one eight bytes above;
/// `kept` are the registers that may be spilled.
fn pairs(slots: &[Slot], at: usize, lowest: i16, mut kept: u16) -> usize {
    let mut count = 0;
    let mut expected = lowest;
    loop {
        let next = count + 1;
        let before = at.checked_sub(next).and_then(|at| spill(slots[at]));
        let after = slots.get(at + next).and_then(|slot| fill(*slot));
        match (before, after) {
            (Some((reg, offset)), Some(filled))
                if filled == (reg, offset)
                    && offset == expected
                    && kept & 1 << reg.index() != 0 =>
            {
                kept &= !(1 << reg.index());
            }
            _ => return count,
        }
        count = next;
        expected += 8;
    }
}

/// The register and offset of a store of eight bytes to the stack.
fn spill(slot: Slot) -> Option<(Reg, i16)> {
    match isa::decode(slot, None) {
        Insn::Store {
            size: Size::B8,
            base: Reg::R10,
            offset,
            src: Operand::Reg(reg),
        } => Some((reg, offset)),
        _ => None,
    }
}

/// The register and offset of a load of eight bytes from the stack.
fn fill(slot: Slot) -> Option<(Reg, i16)> {
    match isa::decode(slot, None) {
        Insn::Load {
            size: Size::B8,
            signed: false,
            dst,
            base: Reg::R10,
            offset,
        } => Some((dst, offset)),
        _ => None,
    }
}
