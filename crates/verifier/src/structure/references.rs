//! What 64-bit immediates refer to, and that no opcode is unknown: over all
//! instructions, those that are never reached as well.

use abi::{ExternKind, MapDef, MapType, Program};
use isa::{Imm64, Insn, Invalid, Pc, Slot, decode, table};
use smallvec::SmallVec;

use super::{flow, maps};
use crate::Result;
use crate::reason::{Structure as Refusal, Unsupported};

/// Different maps that a program may name.
const MAX_MAPS: usize = 64;
/// Offsets of addresses in map values are below this.
const MAX_VALUE_OFFSET: u32 = 1 << 29;

/// The maps that were named, in that order.
type Used = SmallVec<[u32; 8]>;

pub(super) fn check(program: &Program) -> Result {
    let mut used = Used::new();
    let mut slots = program.code.iter().copied().enumerate();
    while let Some((at, slot)) = slots.next() {
        match FORMS[usize::from(slot.opcode)] {
            Form::Plain => {}
            Form::Load if slot.imm == 0 => {}
            Form::Wide => {
                let next = program.code.get(at + 1).copied();
                check_wide(program, Pc(at as u32), slot, next, &mut used)?;
                slots.next();
            }
            Form::Load | Form::Refused => return Err(Refusal::Encoding(fault(slot)).into()),
        }
    }
    Ok(())
}

/// What is to be checked of an opcode. Reserved fields of loads are looked at
/// here, all others when the instruction is followed.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Load,
    Wide,
    Refused,
}

static FORMS: [Form; 256] = forms();

const fn forms() -> [Form; 256] {
    let mut forms = [Form::Refused; 256];
    let mut i = 0;
    while i < table::TABLE.len() {
        let row = &table::TABLE[i];
        forms[row.opcode as usize] = match row.insn {
            Insn::LoadImm { .. } => Form::Wide,
            Insn::Load { .. } => Form::Load,
            Insn::CallReg { .. } => Form::Refused,
            _ => Form::Plain,
        };
        i += 1;
    }
    forms
}

/// What is wrong with a slot of a form that is refused.
fn fault(slot: Slot) -> Invalid {
    let opcode = slot.opcode;
    match flow::shape(opcode) {
        Some(Insn::Load { .. }) => Invalid::Reserved { opcode },
        Some(_) => Invalid::Opcode(opcode),
        None => match decode(slot, None) {
            Insn::Invalid(invalid) => invalid,
            _ => Invalid::Opcode(opcode),
        },
    }
}

fn check_wide(
    program: &Program,
    pc: Pc,
    slot: Slot,
    next: Option<Slot>,
    used: &mut Used,
) -> Result {
    let blank = |next: &Slot| {
        let Slot {
            opcode,
            dst,
            src,
            offset,
            ..
        } = *next;
        (opcode, dst, src, offset) == (0, 0, 0, 0)
    };
    let Some(next) = next.filter(blank) else {
        return Err(Refusal::Encoding(Invalid::Wide).into());
    };
    let Some(Insn::LoadImm { imm, .. }) = flow::kind(slot) else {
        return Err(Refusal::Encoding(Invalid::Pseudo).into());
    };
    match imm {
        Imm64::Value { .. } | Imm64::Function { .. } => Ok(()),
        Imm64::Variable { .. } => check_variable(program, slot.imm),
        Imm64::MapFd { .. } | Imm64::MapIndex { .. } if next.imm != 0 => {
            Err(Refusal::Encoding(Invalid::Pseudo).into())
        }
        // A program has no descriptors: its maps have numbers.
        Imm64::MapFd { .. } | Imm64::MapValue { .. } => Err(Refusal::NoMap(slot.imm).into()),
        Imm64::MapIndex { .. } => {
            use_map(program, pc, slot.imm, used)?;
            Ok(())
        }
        Imm64::MapIndexValue { .. } => {
            let map = use_map(program, pc, slot.imm, used)?;
            check_value(map, next.imm as u32)
        }
    }
}

fn check_variable(program: &Program, index: i32) -> Result {
    let named = usize::try_from(index)
        .ok()
        .and_then(|index| program.externs.get(index));
    match named.map(|named| named.kind) {
        Some(ExternKind::Variable | ExternKind::Address) => Ok(()),
        // The address of a kernel function may be taken.
        Some(ExternKind::Kfunc) => Ok(()),
        None => Err(Refusal::NoVariable(index).into()),
    }
}

fn use_map<'p>(program: &'p Program, pc: Pc, index: i32, used: &mut Used) -> Result<&'p MapDef> {
    if program.maps.is_empty() {
        return Err(Refusal::NoMaps.into());
    }
    let found = u32::try_from(index).ok();
    let found = found.and_then(|index| Some((index, program.maps.get(index as usize)?)));
    let (number, map) = found.ok_or(Refusal::NoMap(index))?;
    if used.contains(&number) {
        return Ok(map);
    }
    if used.len() >= MAX_MAPS {
        return Err(Refusal::TooManyMaps.into());
    }
    if map.map_type == MapType::Arena {
        let feature = "arena".to_owned();
        return Err(Unsupported { pc, feature }.into());
    }
    let others = used.iter();
    let others = others.filter_map(|other| program.maps.get(*other as usize));
    maps::check_use(program, map, others)?;
    used.push(number);
    Ok(map)
}

fn check_value(map: &MapDef, offset: u32) -> Result {
    if offset >= MAX_VALUE_OFFSET {
        return Err(Refusal::DirectValueOffset(offset).into());
    }
    if map.map_type != MapType::Array {
        return Err(Refusal::NoDirectValue.into());
    }
    let several = map.max_entries != 1;
    if several || offset >= map.value_size {
        let value_size = map.value_size;
        return Err(Refusal::DirectValue {
            value_size,
            offset,
            several,
        }
        .into());
    }
    Ok(())
}
