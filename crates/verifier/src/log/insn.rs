//! Instructions as Linux's verifier prints them: `(85) call bpf_loop#181`.

use std::fmt::{self, Display};

use isa::disasm::{self, Symbol};
use isa::{CallTarget, Imm64, Insn, Pc, Slot};

use crate::Privileges;
use crate::observe::Context;

/// Where the first map of a program pretends to be. Linux prints the address of
/// the kernel's object, which differs from run to run; these do not.
const MAP_ADDRESS: u64 = 0xffff_8881_0000_0000;
/// Where the value of the first map pretends to be.
const VALUE_ADDRESS: u64 = 0xffff_c900_0000_0000;
/// Distance between two of them.
const STRIDE: u64 = 1 << 24;

/// Opcode and text of the instruction at `pc`.
pub fn insn<'a>(context: &'a Context<'a>, pc: Pc) -> impl Display + 'a {
    fmt::from_fn(move |f| {
        let code = &context.structure.code;
        let slot = code.slots().get(pc.index()).copied().unwrap_or_default();
        write!(f, "({:02x}) ", slot.opcode)?;
        match code.get(pc).unwrap_or(Insn::Exit) {
            Insn::LoadImm { dst, imm } => {
                // Who may not see addresses reads zero.
                let hidden = context.config.privileges == Privileges::BpfOnly && is_address(imm);
                let number = if hidden { 0 } else { number(imm) };
                write!(f, "r{} = {number:#x}", dst.index())
            }
            Insn::Call {
                target: CallTarget::Kfunc { btf_id, .. },
            } => write_kfunc(f, context, btf_id),
            Insn::Invalid(_) => f.write_str(&repaired(pc, slot)),
            insn => write!(f, "{}", disasm::named(pc, insn, &name)),
        }
    })
}

/// The text of an instruction with fields that mean nothing: Linux prints what
/// its opcode says, and refuses it afterwards.
fn repaired(pc: Pc, slot: Slot) -> String {
    let text = |slot| match isa::decode(slot, None) {
        Insn::Invalid(_) => None,
        insn => Some(disasm::named(pc, insn, &name).to_string()),
    };
    let blank = Slot::default();
    let tries = [
        Slot { offset: 0, ..slot },
        Slot { imm: 0, ..slot },
        Slot { src: 0, ..slot },
        Slot { dst: 0, ..slot },
        Slot {
            offset: 0,
            dst: 0,
            ..slot
        },
        Slot {
            offset: 0,
            imm: 0,
            ..slot
        },
        Slot {
            offset: 0,
            src: 0,
            ..slot
        },
        Slot {
            src: 0,
            imm: 0,
            ..slot
        },
        Slot {
            opcode: slot.opcode,
            ..blank
        },
    ];
    tries
        .into_iter()
        .find_map(text)
        .unwrap_or_else(|| narrow_atomic(slot, text))
}

/// Atomic operations of one and two bytes, which there are not.
fn narrow_atomic(slot: Slot, text: impl Fn(Slot) -> Option<String>) -> String {
    let wide = Slot {
        opcode: slot.opcode | 0x18,
        ..slot
    };
    let bytes = match slot.opcode & 0x18 {
        0x08 => "(u16 *)",
        _ => "(u8 *)",
    };
    match text(wide) {
        Some(text) => text.replacen("(u64 *)", bytes, 1),
        None => disasm::raw(slot).to_string(),
    }
}

/// Whether Linux puts an address in place of a wide immediate.
fn is_address(imm: Imm64) -> bool {
    matches!(imm, Imm64::MapIndex { .. } | Imm64::MapIndexValue { .. })
}

/// The number that a wide immediate is by the time that Linux prints it.
fn number(imm: Imm64) -> u64 {
    match imm {
        Imm64::Value { .. } => imm.value().unwrap_or(0),
        Imm64::MapIndex { index } => MAP_ADDRESS + STRIDE * index as u64,
        Imm64::MapIndexValue { index, offset } => {
            VALUE_ADDRESS + STRIDE * index as u64 + offset as u64
        }
        Imm64::MapFd { fd } | Imm64::MapValue { fd, .. } => fd as u64,
        Imm64::Function { offset } => offset as u32 as u64,
        Imm64::Variable { btf_id, .. } => btf_id as u64,
    }
}

fn name(symbol: Symbol) -> Option<String> {
    match symbol {
        Symbol::Helper(id) => {
            let helper = abi::helpers::by_id(u32::try_from(id).ok()?)?;
            Some(helper.name.to_owned())
        }
        _ => None,
    }
}

/// A kernel function goes by its name and its number in the kernel's BTF.
fn write_kfunc(f: &mut fmt::Formatter<'_>, context: &Context<'_>, index: i32) -> fmt::Result {
    let known = usize::try_from(index)
        .ok()
        .and_then(|index| context.program.externs.get(index));
    let name = known.map_or("unknown", |function| &function.name);
    let btf = context.config.kernel_btf.as_ref();
    let id = btf.and_then(|btf| btf.find(name, btf::Kind::Func));
    write!(f, "call {name}#{}", id.map_or(index as u32, |id| id.0))
}
