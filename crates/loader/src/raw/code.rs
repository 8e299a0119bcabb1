//! Instructions: from hexadecimal digits to slots with indices.

use std::collections::BTreeMap;

use abi::{Extern, ExternKind};
use btf::{Btf, Kind, TypeId};
use isa::Slot;

use super::form::{Externs, OneOrMany};
use super::types::from_hex;
use super::{RawError, RawFault};

const FIELD: &str = "insns";
/// `BPF_LD | BPF_IMM | BPF_DW`: the first of two slots.
const WIDE: u8 = 0x18;
/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
/// Kinds of wide load, in the source register (`BPF_PSEUDO_*`).
const MAP_FD: u8 = 1;
const MAP_VALUE: u8 = 2;
const BTF_ID: u8 = 3;
const MAP_IDX: u8 = 5;
const MAP_IDX_VALUE: u8 = 6;
/// Kind of call: a kernel function (`BPF_PSEUDO_KFUNC_CALL`).
const KFUNC: u8 = 2;

/// Reads the slots. `names` are those of the maps, for slots such as
/// `18110000:flows`.
pub(super) fn read(insns: &OneOrMany, names: &[String]) -> Result<Vec<Slot>, RawError> {
    let texts = match insns {
        OneOrMany::One(text) => std::slice::from_ref(text),
        OneOrMany::Many(texts) => texts,
    };
    let mut slots = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let field = || match insns {
            OneOrMany::One(_) => FIELD.to_owned(),
            OneOrMany::Many(_) => format!("{FIELD}[{index}]"),
        };
        if let Some((digits, name)) = text.split_once(':') {
            slots.push(named_map(&field(), digits, name, names)?);
            continue;
        }
        let bytes = from_hex(&field(), text)?;
        let read = Slot::read_all(&bytes).ok_or_else(|| {
            let (len, each) = (bytes.len(), "8-byte slots");
            RawError::new(field(), RawFault::Size { len, each })
        })?;
        slots.extend(read);
    }
    Ok(slots)
}

/// `18110000:flows`: the first half of a slot, and the map whose descriptor is to
/// be the other.
fn named_map(field: &str, digits: &str, name: &str, names: &[String]) -> Result<Slot, RawError> {
    let bytes = from_hex(field, digits)?;
    let half = <[u8; 4]>::try_from(bytes.as_slice())
        .map_err(|_| RawError::value(field, digits, "the first 4 bytes of a slot"))?;
    let index = names.iter().position(|known| known == name);
    let index = index.ok_or_else(|| {
        let name = name.to_owned();
        RawError::new(field, RawFault::NoMap { name })
    })?;
    let mut bytes = [0; Slot::BYTES];
    bytes[..4].copy_from_slice(&half);
    bytes[4..].copy_from_slice(&(index as u32).to_le_bytes());
    let mut slot = Slot::from_bytes(bytes);
    slot.src = match slot.src {
        MAP_FD => MAP_IDX,
        MAP_VALUE => MAP_IDX_VALUE,
        other => other,
    };
    Ok(slot)
}

/// Puts indices in place of descriptors and kernel BTF ids; the names that the
/// latter stand for.
pub(super) fn link(
    slots: &mut [Slot],
    maps: usize,
    externs: Externs,
    kernel_types: Option<&Btf>,
) -> Result<Vec<Extern>, RawError> {
    let mut descriptors: Vec<i32> = Vec::new();
    let mut linker = Linker::new(externs, kernel_types);
    let mut pc = 0;
    while let Some(slot) = slots.get_mut(pc) {
        pc += 1;
        match (slot.opcode, slot.src) {
            (WIDE, MAP_FD | MAP_VALUE) => {
                let known = descriptors.iter().position(|fd| *fd == slot.imm);
                let index = known.unwrap_or(descriptors.len());
                if known.is_none() {
                    descriptors.push(slot.imm);
                }
                if index < maps {
                    slot.imm = index as i32;
                    slot.src += MAP_IDX - MAP_FD;
                }
            }
            (WIDE, BTF_ID) => slot.imm = linker.index(slot.imm, ExternKind::Variable)?,
            (CALL, KFUNC) if slot.offset == 0 => {
                slot.imm = linker.index(slot.imm, ExternKind::Kfunc)?;
            }
            _ => {}
        }
        if slot_is_wide(slots.get(pc - 1)) {
            pc += 1;
        }
    }
    Ok(linker.found)
}

fn slot_is_wide(slot: Option<&Slot>) -> bool {
    slot.is_some_and(|slot| slot.opcode == WIDE)
}

/// Gives indices to kernel functions and variables.
struct Linker<'a> {
    /// Names by BTF id; `None` when instructions have indices already.
    names: Option<BTreeMap<String, String>>,
    kernel_types: Option<&'a Btf>,
    /// The BTF id of each of `found`.
    ids: Vec<i32>,
    found: Vec<Extern>,
}

impl<'a> Linker<'a> {
    fn new(externs: Externs, kernel_types: Option<&'a Btf>) -> Linker<'a> {
        let (names, found) = match externs {
            Externs::ById(names) => (Some(names), Vec::new()),
            Externs::List(list) if list.is_empty() => (Some(BTreeMap::new()), Vec::new()),
            Externs::List(list) => {
                let kfunc = |name| named(name, ExternKind::Kfunc);
                (None, list.into_iter().map(kfunc).collect())
            }
        };
        Linker {
            names,
            kernel_types,
            ids: Vec::new(),
            found,
        }
    }

    fn index(&mut self, id: i32, kind: ExternKind) -> Result<i32, RawError> {
        let Some(names) = &self.names else {
            let index = usize::try_from(id).ok();
            if let Some(found) = index.and_then(|index| self.found.get_mut(index)) {
                found.kind = kind;
            }
            return Ok(id);
        };
        if let Some(index) = self.ids.iter().position(|known| *known == id) {
            return Ok(index as i32);
        }
        let listed = names.get(&id.to_string()).cloned();
        let name = listed.or_else(|| self.kernel_name(id, kind));
        let Some(name) = name else {
            return Err(RawError::new(FIELD, RawFault::NoName { id }));
        };
        self.ids.push(id);
        self.found.push(named(name, kind));
        Ok(self.ids.len() as i32 - 1)
    }

    fn kernel_name(&self, id: i32, kind: ExternKind) -> Option<String> {
        let id = TypeId(u32::try_from(id).ok()?);
        let types = self.kernel_types?;
        let wanted = match kind {
            ExternKind::Kfunc => Kind::Func,
            _ => Kind::Var,
        };
        let found = types.kind(id)? == wanted;
        found.then(|| types.name(id).to_owned())
    }
}

fn named(name: String, kind: ExternKind) -> Extern {
    Extern {
        name,
        kind,
        weak: false,
        type_id: TypeId::VOID,
    }
}
