//! Which registers may still be read, before each instruction.

use abi::Program;
use isa::table::Select;
use isa::{AtomicOp, CallTarget, Insn, Operand, Pc, Slot};

use super::calls::Callees;
use super::{InsnFacts, flow};
use crate::Config;

/// `r0` to `r9`. The frame pointer always holds the same.
const LISTED: u16 = 0x3ff;
/// `r0` to `r5`, which calls do not keep.
const CALLER_SAVED: u16 = 0x3f;
const R0: u16 = 1;

/// Computes [`InsnFacts::live_before`] of all instructions.
pub(super) fn compute(
    program: &Program,
    config: &Config,
    postorder: &[Pc],
    insns: &mut [InsnFacts],
) {
    let callees = Callees::of(program, config);
    let slots = program.code.as_slice();
    let effects: Vec<Effect> = slots.iter().map(|slot| effect(*slot, &callees)).collect();
    let jumps = Jumps::of(slots);
    // Taken from the end: in post-order.
    let mut waiting: Vec<Pc> = postorder.iter().rev().copied().collect();
    let mut is_waiting = vec![true; slots.len()];
    while let Some(pc) = waiting.pop() {
        is_waiting[pc.index()] = false;
        let after = flow::successors(slots, pc)
            .into_iter()
            .fold(0, |live, next| live | insns[next.index()].live_before);
        let Effect { reads, writes } = effects[pc.index()];
        let before = (reads | (after & !writes)) & LISTED;
        if before == insns[pc.index()].live_before {
            continue;
        }
        insns[pc.index()].live_before = before;
        for from in jumps.leading_to(slots, pc) {
            if !is_waiting[from.index()] {
                is_waiting[from.index()] = true;
                waiting.push(from);
            }
        }
    }
}

/// What an instruction does with registers, bit `n` for register `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Effect {
    reads: u16,
    writes: u16,
}

fn effect(slot: Slot, callees: &Callees<'_>) -> Effect {
    let dst = 1 << slot.dst;
    let src = 1 << slot.src;
    let second = |operand| match operand {
        Operand::Reg(_) => src,
        Operand::Imm(_) => 0,
    };
    let does = |reads, writes| Effect { reads, writes };
    // What an opcode shares with others is the same for all of them, but for
    // atomics.
    let shape = flow::shape(slot.opcode).unwrap_or(Insn::WideTail);
    match shape {
        Insn::Alu {
            op: isa::AluOp::Mov,
            src,
            ..
        } => does(second(src), dst),
        Insn::Alu { src, .. } => does(dst | second(src), dst),
        Insn::Movsx { .. } | Insn::AddrSpaceCast { .. } => does(src, dst),
        Insn::Neg { .. } | Insn::Endian { .. } => does(dst, dst),
        Insn::LoadImm { .. } => does(0, dst),
        Insn::Load { .. } => does(src, dst),
        Insn::Store { src, .. } => does(dst | second(src), 0),
        _ if is_atomic(shape) => atomic(slot, dst, src),
        Insn::Branch { src, .. } => does(dst | second(src), 0),
        Insn::Jump { .. } | Insn::MayGoto { .. } => does(0, 0),
        Insn::Call { .. } | Insn::CallReg { .. } => does(arguments(slot, callees), CALLER_SAVED),
        Insn::Exit => does(R0, 0),
        // Linux does not say what these read: everything, then.
        _ => does(LISTED, 0),
    }
}

/// The operation decides, for sizes as well that it does not come in.
fn atomic(slot: Slot, dst: u16, src: u16) -> Effect {
    let mut rows = isa::table::TABLE.iter().filter(|row| is_atomic(row.insn));
    let row = rows.find(|row| row.select == Select::Imm(slot.imm));
    // The lowest bit of an unknown operation says whether it fetches, as it
    // does in the known ones.
    let fetches = slot.imm & 1 != 0;
    let (reads, writes) = match row.map(|row| row.insn) {
        Some(Insn::LoadAcquire { .. }) => (src, dst),
        Some(Insn::StoreRelease { .. }) => (dst | src, 0),
        Some(Insn::Atomic {
            op: AtomicOp::Cmpxchg,
            ..
        }) => (R0 | dst | src, R0),
        _ if fetches => (dst | src, src),
        _ => (dst | src, 0),
    };
    Effect { reads, writes }
}

fn is_atomic(insn: Insn) -> bool {
    matches!(
        insn,
        Insn::Atomic { .. } | Insn::LoadAcquire { .. } | Insn::StoreRelease { .. }
    )
}

/// The registers that a call takes: by prototype, else all five.
fn arguments(slot: Slot, callees: &Callees<'_>) -> u16 {
    let known = match flow::call_target(slot) {
        None | Some(CallTarget::Local(_)) => None,
        Some(target) => callees.get(target),
    };
    let params = known.and_then(|callee| callee.params).unwrap_or(5).min(5);
    ((1 << params) - 1) << 1
}

/// The jumps to each instruction.
struct Jumps {
    /// Where the jumps to an instruction begin in `from`, by instruction.
    start: Vec<u32>,
    from: Vec<Pc>,
}

impl Jumps {
    fn of(slots: &[Slot]) -> Jumps {
        let mut pairs = Vec::new();
        for (at, slot) in slots.iter().enumerate() {
            if let flow::Flow::Jump(offset) | flow::Flow::Branch(offset) = flow::flow(*slot) {
                pairs.push((flow::target(at, offset), Pc(at as u32)));
            }
        }
        pairs.sort_unstable();
        let mut start = Vec::with_capacity(slots.len() + 1);
        let mut seen = 0;
        for at in 0..=slots.len() as i64 {
            start.push(seen as u32);
            while pairs.get(seen).is_some_and(|(to, _)| *to == at) {
                seen += 1;
            }
        }
        let from = pairs.into_iter().map(|(_, from)| from).collect();
        Jumps { start, from }
    }

    /// All instructions from which control may come to `pc`, and perhaps one
    /// more.
    fn leading_to(&self, slots: &[Slot], pc: Pc) -> impl Iterator<Item = Pc> {
        let at = pc.index();
        let range = self.start[at] as usize..self.start[at + 1] as usize;
        let before = at.checked_sub(1);
        let wide = at
            .checked_sub(2)
            .filter(|at| flow::flow(slots[*at]) == flow::Flow::Wide);
        let jumps = self.from[range].iter().copied();
        let falling = wide.or(before).map(|at| Pc(at as u32));
        jumps.chain(falling)
    }
}
