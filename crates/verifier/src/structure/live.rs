//! Which registers may still be read, before each instruction.

use isa::table::{self, Select};
use isa::{AluOp, AtomicOp, Insn, Operand, Pc, Slot};

use super::calls::{Callee, Mention};
use super::graph::Edges;
use super::{Graph, InsnFacts};

/// `r0` to `r9`. The frame pointer always holds the same.
const LISTED: u16 = 0x3ff;
/// `r0` to `r5`, which calls do not keep.
const CALLER_SAVED: u16 = 0x3f;
const R0: u16 = 1;

/// Computes [`InsnFacts::live_before`] of all instructions; `callees` is what is
/// known of each of `mentions`.
///
/// Most code runs downwards: once through it from its end is enough, but for
/// what loops carry back.
pub(super) fn compute(
    slots: &[Slot],
    graph: &Graph,
    mentions: &[Mention],
    callees: &[Option<Callee>],
    insns: &mut [InsnFacts],
) {
    let mut flow = DataFlow {
        slots,
        graph,
        mentions,
        callees,
        insns,
    };
    let mut waiting = Vec::new();
    for (at, edges) in graph.edges().iter().enumerate().rev() {
        let pc = Pc(at as u32);
        flow.update(pc, *edges);
        if edges.jump().is_some_and(|to| to <= pc) {
            waiting.push(pc);
        }
    }
    flow.carry_back(waiting);
}

struct DataFlow<'a> {
    slots: &'a [Slot],
    graph: &'a Graph,
    mentions: &'a [Mention],
    callees: &'a [Option<Callee>],
    insns: &'a mut [InsnFacts],
}

impl DataFlow<'_> {
    /// Updates what is live before an instruction; whether it changed.
    #[inline]
    fn update(&mut self, pc: Pc, edges: Edges) -> bool {
        // Nothing but the second slot of a wide instruction has the opcode 0.
        let Some(slot) = self.slots.get(pc.index()).filter(|slot| slot.opcode != 0) else {
            return false;
        };
        let after = self.live_before(edges.next()) | self.live_before(edges.jump());
        let Effect { reads, writes } = self.effect(pc, *slot);
        let before = (reads | (after & !writes)) & LISTED;
        match self.insns.get_mut(pc.index()) {
            Some(facts) if facts.live_before != before => {
                facts.live_before = before;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn live_before(&self, pc: Option<Pc>) -> u16 {
        let facts = pc.and_then(|pc| self.insns.get(pc.index()));
        facts.map_or(0, |facts| facts.live_before)
    }

    /// Updates what waits, and what comes before what changes.
    fn carry_back(&mut self, mut waiting: Vec<Pc>) {
        while let Some(pc) = waiting.pop() {
            if let Some(edges) = self.graph.edges().get(pc.index())
                && self.update(pc, *edges)
            {
                waiting.extend(self.graph.predecessors(pc));
            }
        }
    }

    #[inline]
    fn effect(&self, pc: Pc, slot: Slot) -> Effect {
        let (dst, src) = (1 << slot.dst, 1 << slot.src);
        let Pattern {
            reads_dst,
            reads_src,
            writes_dst,
            special,
        } = PATTERNS[usize::from(slot.opcode)];
        let given = |register: u16, is: bool| register * u16::from(is);
        match special {
            Special::None => Effect {
                reads: given(dst, reads_dst) | given(src, reads_src),
                writes: given(dst, writes_dst),
            },
            Special::Call => Effect {
                reads: self.arguments(pc),
                writes: CALLER_SAVED,
            },
            Special::Atomic => atomic(slot, dst, src),
            Special::Exit => Effect {
                reads: R0,
                writes: 0,
            },
            Special::Unknown => Effect {
                reads: LISTED,
                writes: 0,
            },
        }
    }

    /// The registers that a call takes: by prototype, else all five.
    fn arguments(&self, pc: Pc) -> u16 {
        let call = self.mentions.binary_search_by_key(&pc, |m| m.pc).ok();
        let known = call.and_then(|call| *self.callees.get(call)?);
        let params = known.and_then(|callee| callee.params).unwrap_or(5).min(5);
        ((1 << params) - 1) << 1
    }
}

/// What an instruction does with registers, bit `n` for register `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Effect {
    reads: u16,
    writes: u16,
}

/// What an opcode does with the registers in its fields. What it shares with
/// others is the same for all of them, but for atomics.
#[derive(Clone, Copy)]
struct Pattern {
    reads_dst: bool,
    reads_src: bool,
    writes_dst: bool,
    special: Special,
}

#[derive(Clone, Copy)]
enum Special {
    None,
    Call,
    /// The immediate decides.
    Atomic,
    Exit,
    /// Linux does not say what it reads: everything, then.
    Unknown,
}

static PATTERNS: [Pattern; 256] = patterns();

const fn patterns() -> [Pattern; 256] {
    let mut patterns = [Pattern {
        reads_dst: false,
        reads_src: false,
        writes_dst: false,
        special: Special::Unknown,
    }; 256];
    let mut i = table::TABLE.len();
    // From the end, so that the first row of an opcode stands.
    while i > 0 {
        i -= 1;
        let row = &table::TABLE[i];
        patterns[row.opcode as usize] = pattern(row.insn);
    }
    patterns
}

const fn pattern(insn: Insn) -> Pattern {
    let special = match insn {
        Insn::Atomic { .. } | Insn::LoadAcquire { .. } | Insn::StoreRelease { .. } => {
            Special::Atomic
        }
        Insn::Call { .. } | Insn::CallReg { .. } => Special::Call,
        Insn::Exit => Special::Exit,
        Insn::LoadPacket { .. } | Insn::WideTail | Insn::Invalid(_) => Special::Unknown,
        _ => Special::None,
    };
    let (reads_dst, reads_src, writes_dst) = match insn {
        Insn::Alu { op, src, .. } => (!matches!(op, AluOp::Mov), is_reg(src), true),
        Insn::Movsx { .. } | Insn::AddrSpaceCast { .. } | Insn::Load { .. } => (false, true, true),
        Insn::Neg { .. } | Insn::Endian { .. } => (true, false, true),
        Insn::LoadImm { .. } => (false, false, true),
        Insn::Store { src, .. } | Insn::Branch { src, .. } => (true, is_reg(src), false),
        _ => (false, false, false),
    };
    Pattern {
        reads_dst,
        reads_src,
        writes_dst,
        special,
    }
}

const fn is_reg(operand: Operand) -> bool {
    matches!(operand, Operand::Reg(_))
}

/// The operation decides, for sizes as well that it does not come in.
fn atomic(slot: Slot, dst: u16, src: u16) -> Effect {
    let mut rows = table::TABLE.iter().filter(|row| is_atomic(row.insn));
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
