//! Whether code can reach beyond its machine, asked of the bytes themselves: what
//! the compiler believes of a register is found out here once more, from the decoded
//! instructions alone.
//!
//! Of each register it is known whether its upper half is zero: it is after an
//! instruction of 32 bits wrote it, and where the processor has found it not to be
//! above one of which that is known. At a target of jumps what holds is what holds
//! on all ways there; at the start of a function, nothing.
//!
//! In memory, an instruction of sandboxed code may then touch
//!
//! * `[r12 + register + distance of 16 bits]`, with the upper half zero, or with rbp,
//!   which is the top of a stack, and `[r12 + number]`;
//! * `gs:` with addresses of 32 bits;
//! * the context, the host's stack, the constants in front of the code;
//! * what the context points to, and what was added to r12 with the upper half zero.

use std::collections::BTreeMap;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

/// What is known of registers, by bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    /// The upper half is zero.
    short: u16,
    /// It is a host address that the code may touch.
    host: u16,
}

const NOTHING: Known = Known { short: 0, host: 0 };
const ALL: Known = Known {
    short: u16::MAX,
    host: u16::MAX,
};
/// rbx, r13 to r15.
const KEPT: u16 = 1 << 3 | 7 << 13;

impl Known {
    fn and(self, other: Known) -> Known {
        Known {
            short: self.short & other.short,
            host: self.host & other.host,
        }
    }

    /// What is above 8 or 16 bits stays.
    fn write(&mut self, register: Register) {
        let bit = bit(register);
        self.host &= !bit;
        match size(register) {
            8 => self.short &= !bit,
            4 => self.short |= bit,
            _ => {}
        }
    }

    fn forget(&mut self, register: Register) {
        self.short &= !bit(register);
        self.host &= !bit(register);
    }
}

/// Number and size of a register of 32 or 64 bits.
fn general(register: Register) -> Option<(u32, u32)> {
    let sizes = [(Register::EAX, 4), (Register::RAX, 8)];
    sizes.into_iter().find_map(|(first, size)| {
        let number = (register as u32).checked_sub(first as u32)?;
        (number < 16).then_some((number, size))
    })
}

fn size(register: Register) -> u32 {
    general(register).map_or(0, |(_, size)| size)
}

fn bit(register: Register) -> u16 {
    general(register).map_or(0, |(number, _)| 1 << number)
}

/// The first instruction that may leave the machine.
pub(crate) fn breach(code: &[u8], start: usize) -> Option<Instruction> {
    let bytes = &code[start..];
    let decoder = Decoder::with_ip(64, bytes, start as u64, DecoderOptions::NONE);
    let insns: Vec<Instruction> = decoder.into_iter().collect();
    let mut at = targets(&insns);
    let mut breach = None;
    let mut changed = true;
    while changed {
        changed = false;
        breach = None;
        let mut known = NOTHING;
        let mut before: Option<Instruction> = None;
        for insn in &insns {
            if insn.mnemonic() == Mnemonic::Endbr64 {
                known = NOTHING;
            }
            if let Some(there) = at.get(&insn.ip()) {
                known = known.and(*there);
            }
            if breach.is_none() && !is_inside(insn, known) {
                breach = Some(*insn);
            }
            let (jumps, falls) = after(insn, before.as_ref(), known);
            if insn.op0_kind() == OpKind::NearBranch64
                && let Some(there) = at.get_mut(&insn.near_branch_target())
            {
                let met = there.and(jumps);
                changed |= met != *there;
                *there = met;
            }
            known = falls;
            before = Some(*insn);
        }
    }
    breach
}

/// The targets of jumps, of which anything may be known yet, and those of calls.
fn targets(insns: &[Instruction]) -> BTreeMap<u64, Known> {
    let mut at = BTreeMap::new();
    for insn in insns {
        if insn.op0_kind() != OpKind::NearBranch64 {
            continue;
        }
        let known = at.entry(insn.near_branch_target()).or_insert(ALL);
        if insn.mnemonic() == Mnemonic::Call {
            *known = NOTHING;
        }
    }
    at
}

fn is_inside(insn: &Instruction, known: Known) -> bool {
    let memory = (0..insn.op_count()).any(|op| insn.op_kind(op) == OpKind::Memory);
    if !memory || matches!(insn.mnemonic(), Mnemonic::Lea | Mnemonic::Nop) {
        return true;
    }
    let (base, index) = (insn.memory_base(), insn.memory_index());
    let alone = index == Register::None;
    let distance = insn.memory_displacement64() as i64;
    let near = i16::try_from(distance).is_ok();
    if insn.segment_prefix() == Register::GS {
        let short = |register: Register| register == Register::None || size(register) == 4;
        let absolute = base == Register::None && alone;
        return short(base) && short(index) && (!absolute || insn.memory_displ_size() == 4);
    }
    match base {
        Register::RSP | Register::RIP => alone,
        Register::R12 if alone => distance >= 0 || distance < -i64::from(vm::memory::GRANULE),
        Register::R12 => {
            let short = known.short & bit(index) != 0 || index == Register::RBP;
            short && insn.memory_index_scale() == 1 && near && size(index) == 8
        }
        _ => known.host & bit(base) != 0 && alone && size(base) == 8,
    }
}

/// What is known behind an instruction, where it jumps and where it goes on.
fn after(insn: &Instruction, before: Option<&Instruction>, known: Known) -> (Known, Known) {
    let mut after = known;
    match insn.mnemonic() {
        Mnemonic::Ja | Mnemonic::Jae | Mnemonic::Jb | Mnemonic::Jbe => {
            return compared(insn, before, known);
        }
        // Whoever comes behind comes from elsewhere.
        Mnemonic::Jmp | Mnemonic::Ret => return (known, ALL),
        Mnemonic::Call => {
            // What runs an instruction of the program may change what others keep.
            let of_c = before.is_some_and(|insn| insn.op0_register() == Register::RCX);
            let function = insn.op0_kind() == OpKind::NearBranch64;
            let kept = if of_c || function { KEPT } else { 0 };
            after.short &= kept;
            after.host = 0;
            return (after, after);
        }
        Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push => return (known, known),
        // By nothing, these change nothing.
        Mnemonic::Shl | Mnemonic::Shr | Mnemonic::Sar if insn.op1_kind() == OpKind::Register => {
            return (known, known);
        }
        Mnemonic::Mul | Mnemonic::Div | Mnemonic::Idiv | Mnemonic::Cqo | Mnemonic::Cdq => {
            after.forget(Register::RAX);
            after.forget(Register::RDX);
            return (after, after);
        }
        Mnemonic::Cmpxchg => after.forget(Register::RAX),
        Mnemonic::Mulx | Mnemonic::Xadd | Mnemonic::Xchg => after.forget(insn.op1_register()),
        _ => {}
    }
    if insn.op0_kind() == OpKind::Register {
        let to = insn.op0_register();
        after.write(to);
        if is_host_address(insn, known) {
            after.host |= bit(to);
        }
    }
    (after, after)
}

/// Whether an instruction gives a host address that may be touched.
fn is_host_address(insn: &Instruction, known: Known) -> bool {
    match insn.mnemonic() {
        Mnemonic::Add => {
            let to = insn.op0_register();
            insn.op1_register() == Register::R12 && known.short & bit(to) != 0
        }
        Mnemonic::Mov => {
            let context = insn.memory_base() == Register::R12
                && insn.memory_index() == Register::None
                && (insn.memory_displacement64() as i64) < 0;
            let points = known.host & bit(insn.memory_base()) != 0;
            let loads = insn.op1_kind() == OpKind::Memory && size(insn.op0_register()) == 8;
            loads && (context || points)
        }
        _ => false,
    }
}

/// What a comparison of two registers says of them.
fn compared(insn: &Instruction, before: Option<&Instruction>, known: Known) -> (Known, Known) {
    let both = before.filter(|cmp| {
        let whole = |register: Register| size(register) == 8;
        cmp.mnemonic() == Mnemonic::Cmp && whole(cmp.op0_register()) && whole(cmp.op1_register())
    });
    let Some(cmp) = both else {
        return (known, known);
    };
    let (left, right) = (bit(cmp.op0_register()), bit(cmp.op1_register()));
    let not_above = |low: u16, high: u16| Known {
        short: known.short | if known.short & high != 0 { low } else { 0 },
        ..known
    };
    let (left, right) = (not_above(left, right), not_above(right, left));
    match insn.mnemonic() {
        Mnemonic::Jb | Mnemonic::Jbe => (left, right),
        _ => (right, left),
    }
}
