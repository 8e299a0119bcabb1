//! Live registers: whose values may still be read.
//!
//! Over calls of functions as well: those share r0 to r5 with their caller in both
//! directions, and may read the caller's r6 to r9.

use isa::{AluOp, AtomicOp, Insn, Operand, PacketMode, Reg};
use vm::Link;

use super::{Blocks, Item, Listing};

/// A set of registers: bit `n` for r`n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RegSet(pub(crate) u16);

impl RegSet {
    pub(crate) const NONE: RegSet = RegSet(0);
    pub(crate) const ALL: RegSet = RegSet(0x7ff);
    /// r0 to r5: what functions share with their callers.
    pub(crate) const SHARED: RegSet = RegSet(0x3f);
    /// r1 to r5.
    pub(crate) const ARGUMENTS: RegSet = RegSet(0x3e);
    /// r6 to r9.
    pub(crate) const KEPT: RegSet = RegSet(0x3c0);

    pub(crate) fn of(reg: Reg) -> RegSet {
        RegSet(1 << reg.index())
    }

    pub(crate) fn contains(self, reg: Reg) -> bool {
        self.0 & 1 << reg.index() != 0
    }

    pub(crate) fn with(self, other: RegSet) -> RegSet {
        RegSet(self.0 | other.0)
    }

    pub(crate) fn without(self, other: RegSet) -> RegSet {
        RegSet(self.0 & !other.0)
    }

    pub(crate) fn and(self, other: RegSet) -> RegSet {
        RegSet(self.0 & other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn len(self) -> u32 {
        self.0.count_ones()
    }

    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = Reg> {
        Members(self.0)
    }
}

/// The registers of a set, lowest first.
struct Members(u16);

impl Iterator for Members {
    type Item = Reg;

    fn next(&mut self) -> Option<Reg> {
        let reg = Reg::new(self.0.trailing_zeros() as u8)?;
        self.0 &= self.0 - 1;
        Some(reg)
    }
}

impl DoubleEndedIterator for Members {
    fn next_back(&mut self) -> Option<Reg> {
        let last = self.0.checked_ilog2()?;
        self.0 &= !(1 << last);
        Reg::new(last as u8)
    }
}

/// What is live after each instruction, and at the start of each function.
#[derive(Debug)]
pub(crate) struct Live {
    after: Vec<RegSet>,
    /// By function.
    pub(crate) at_entry: Vec<RegSet>,
}

impl Live {
    /// `at_end`: what whoever runs the program may read after it.
    pub(crate) fn of(listing: &Listing, blocks: &Blocks, at_end: RegSet) -> Live {
        let count = listing.items.len();
        let mut live = Live {
            after: vec![RegSet::NONE; count],
            at_entry: vec![RegSet::NONE; listing.entries.len()],
        };
        let mut before = vec![RegSet::NONE; count + 1];
        let mut at_exit = vec![RegSet::NONE; listing.entries.len()];
        if let Some(main) = at_exit.first_mut() {
            *main = at_end;
        }
        // Callbacks return to helpers, which read r0 alone.
        for exit in at_exit.iter_mut().skip(1) {
            *exit = RegSet::of(Reg::R0);
        }
        let mut changed = true;
        let mut first = true;
        while changed {
            changed = false;
            for block in blocks.0.iter().rev() {
                let function = listing.function_of(block.start);
                let last = block.end - 1;
                let mut after = after_block(listing, last, &before, at_exit[function]);
                // What a block leaves alone, it need not be asked again; those with
                // calls depend on more.
                let last_item = &listing.items[last as usize];
                let alone = matches!(last_item.link, Link::None | Link::Constant(_))
                    && !matches!(last_item.insn, Insn::LoadPacket { .. });
                if !first && alone && after == live.after[last as usize] {
                    continue;
                }
                for number in (block.start..block.end).rev() {
                    let item = &listing.items[number as usize];
                    live.after[number as usize] = after;
                    let mut now = before_item(item, after);
                    if matches!(item.insn, Insn::LoadPacket { .. }) {
                        now = now.with(at_exit[function].without(RegSet::of(Reg::R0)));
                    }
                    if let Some(callee) = called(item) {
                        now = live.at_entry[callee].with(after.without(RegSet::SHARED));
                        let shared = at_exit[callee].with(after.and(RegSet::SHARED));
                        changed |= shared != at_exit[callee];
                        at_exit[callee] = shared;
                    }
                    after = now;
                }
                changed |= after != before[block.start as usize];
                before[block.start as usize] = after;
            }
            first = false;
            for (at, entry) in live.at_entry.iter_mut().zip(&listing.entries) {
                changed |= *at != before[*entry as usize];
                *at = before[*entry as usize];
            }
        }
        live
    }

    /// What is live after an instruction, on the ways on.
    pub(crate) fn after(&self, number: u32) -> RegSet {
        self.after[number as usize]
    }
}

/// What is live after the last instruction of a block, by what is live before
/// blocks.
fn after_block(listing: &Listing, last: u32, before: &[RegSet], at_exit: RegSet) -> RegSet {
    let item = &listing.items[last as usize];
    if matches!(item.insn, Insn::Exit) {
        return at_exit;
    }
    let falls = match super::ends(item) {
        true => RegSet::NONE,
        false => before[last as usize + 1],
    };
    match (item.target, called(item)) {
        (Some(target), None) => falls.with(before[target as usize]),
        _ => falls,
    }
}

/// The function that is called.
fn called(item: &Item) -> Option<usize> {
    match item.link {
        Link::Function(number) if matches!(item.insn, Insn::Call { .. }) => Some(number),
        _ => None,
    }
}

fn before_item(item: &Item, after: RegSet) -> RegSet {
    match item.link {
        Link::Trap(_) => return RegSet::NONE,
        Link::Helper { id, .. } => {
            return after.without(RegSet::of(Reg::R0)).with(arguments(id));
        }
        Link::TailCall => {
            let read = RegSet(0b1110);
            return after.with(read);
        }
        _ => {}
    }
    let (read, written) = item.effect;
    after.without(written).with(read)
}

/// What a helper takes.
pub(crate) fn arguments(id: u32) -> RegSet {
    let count = abi::helpers::by_id(id).map_or(5, |row| row.registers());
    RegSet(RegSet::ARGUMENTS.0 & ((2 << count.min(5)) - 1))
}

/// Registers that an instruction reads and writes; calls aside.
pub(crate) fn effect(insn: Insn) -> (RegSet, RegSet) {
    let of = RegSet::of;
    let operand = |src| match src {
        Operand::Reg(reg) => of(reg),
        Operand::Imm(_) => RegSet::NONE,
    };
    match insn {
        Insn::Alu {
            op: AluOp::Mov,
            dst,
            src,
            ..
        } => (operand(src), of(dst)),
        Insn::Alu { dst, src, .. } => (of(dst).with(operand(src)), of(dst)),
        Insn::Neg { dst, .. } | Insn::Endian { dst, .. } => (of(dst), of(dst)),
        Insn::Movsx { dst, src, .. } | Insn::AddrSpaceCast { dst, src, .. } => (of(src), of(dst)),
        Insn::LoadImm { dst, .. } => (RegSet::NONE, of(dst)),
        Insn::Load { dst, base, .. } | Insn::LoadAcquire { dst, base, .. } => (of(base), of(dst)),
        Insn::Store { base, src, .. } => (of(base).with(operand(src)), RegSet::NONE),
        Insn::StoreRelease { base, src, .. } => (of(base).with(of(src)), RegSet::NONE),
        Insn::Atomic { op, base, src, .. } => {
            let read = of(base).with(of(src));
            match op {
                AtomicOp::Cmpxchg => (read.with(of(Reg::R0)), of(Reg::R0)),
                op if op.fetches() => (read, of(src)),
                _ => (read, RegSet::NONE),
            }
        }
        Insn::LoadPacket { mode, .. } => match mode {
            PacketMode::Absolute => (RegSet::NONE, of(Reg::R0)),
            PacketMode::Indirect(src) => (of(src), of(Reg::R0)),
        },
        Insn::Branch { dst, src, .. } => (of(dst).with(operand(src)), RegSet::NONE),
        Insn::Exit => (of(Reg::R0), RegSet::NONE),
        Insn::CallReg { .. }
        | Insn::Call { .. }
        | Insn::WideTail
        | Insn::Jump { .. }
        | Insn::MayGoto { .. }
        | Insn::Invalid(_) => (RegSet::NONE, RegSet::NONE),
    }
}
