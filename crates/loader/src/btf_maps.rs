//! Map definitions in BTF: variables of `.maps` whose type says everything.
//!
//! The members of such a variable carry facts in their types: `__uint(name, n)`
//! is a pointer to an array of `n`, `__type(name, T)` a pointer to `T`,
//! `__array(name, T)` an array of pointers to `T`, `__ulong(name, n)` an enum
//! with the one value `n`. Only `values`, an array of pointers at the end, has
//! bytes that matter: relocations, one for each initial entry.

use std::collections::HashMap;

use abi::{Initial, InitialEntry, MapDef, MapFlags, MapType, Pinning};
use btf::{Btf, Composite, Kind, Member, Type, TypeId};

use crate::elf::{Elf, Home, Symbol, SymbolKind, owned};
use crate::error::{Error, MapError};
use crate::maps::{Maps, blank};

pub(crate) const SECTION: &str = ".maps";

/// Where a defined map stands in `.maps`, for its initial entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defined {
    /// Index in the list of maps.
    map: usize,
    offset: u64,
    size: u64,
    /// Byte offset of `values` in the definition.
    values: Option<u64>,
}

/// Reads the definitions of `.maps` into `maps`; `btf` has been laid out.
pub(crate) fn read(elf: &Elf<'_>, btf: &Btf, maps: &mut Maps) -> Result<Vec<Defined>, Error> {
    let mut defined = Vec::new();
    let Some((section, contents)) = elf.section(SECTION) else {
        return Ok(defined);
    };
    maps.map_sections.insert(section);
    let datasec = btf.find(SECTION, Kind::Datasec).and_then(|id| btf.ty(id));
    let Some(Type::Datasec(datasec)) = datasec else {
        return Err(Error::NoBtf {
            needed_by: "the maps in section '.maps'",
        });
    };
    for var in datasec.vars() {
        let name = owned(btf.name(var.ty));
        let failed = |what| Error::Map {
            map: name.clone(),
            what,
        };
        let (offset, size) = (u64::from(var.offset), u64::from(var.size));
        if offset + size > contents.size {
            return Err(failed(MapError::Bounds));
        }
        let Some(ty) = definition_type(btf, var.ty) else {
            return Err(failed(MapError::NotStruct));
        };
        let mut reader = Reader { btf, values: None };
        let def = reader.definition(name.clone(), ty, false).map_err(failed)?;
        let values = reader.values;
        let map = maps.push(def, SECTION)?;
        maps.by_place.insert((section, offset), map);
        defined.push(Defined {
            map,
            offset,
            size,
            values,
        });
    }
    Ok(defined)
}

/// The structure that a variable of `.maps` is.
fn definition_type(btf: &Btf, var: TypeId) -> Option<Composite<'_>> {
    let Type::Var(var) = btf.ty(var)? else {
        return None;
    };
    match btf.resolved(var.ty)?.1 {
        Type::Struct(ty) => Some(ty),
        _ => None,
    }
}

struct Reader<'a> {
    btf: &'a Btf,
    /// Byte offset of `values` in the outermost definition.
    values: Option<u64>,
}

impl Reader<'_> {
    fn definition(
        &mut self,
        name: String,
        ty: Composite<'_>,
        inner: bool,
    ) -> Result<MapDef, MapError> {
        let members = || ty.members();
        let map_type = members()
            .find(|m| m.name == "type")
            .ok_or(MapError::NoType)?;
        let map_type = self.number(&map_type)?;
        let map_type = MapType::new(map_type).ok_or(MapError::Type(map_type))?;
        let mut def = blank(name, map_type);
        let mut sizes = Sizes::default();
        for member in members() {
            self.member(&mut def, &mut sizes, &member, inner)?;
        }
        def.key_size = sizes.key.unwrap_or(0);
        def.value_size = sizes.value.unwrap_or(0);
        Ok(def)
    }

    fn member(
        &mut self,
        def: &mut MapDef,
        sizes: &mut Sizes,
        member: &Member<'_>,
        inner: bool,
    ) -> Result<(), MapError> {
        match member.name {
            "type" => {}
            "max_entries" => def.max_entries = self.number(member)?,
            "map_flags" => def.flags = MapFlags(self.number(member)?),
            "numa_node" => def.numa_node = self.number(member)?,
            "map_extra" => def.extra = self.long(member)?,
            "key_size" => sizes.set_key(member, self.number(member)?)?,
            "value_size" => sizes.set_value(member, self.number(member)?)?,
            "key" => {
                let (id, size) = self.pointee(member)?;
                sizes.set_key(member, size)?;
                def.key_type = id;
            }
            "value" => {
                let (id, size) = self.pointee(member)?;
                sizes.set_value(member, size)?;
                def.value_type = id;
            }
            "pinning" => {
                def.pinning = match self.number(member)? {
                    0 => Pinning::None,
                    1 => Pinning::ByName,
                    other => return Err(MapError::Pinning(other)),
                }
            }
            "values" => {
                if inner {
                    return Err(MapError::Nested);
                }
                sizes.set_value(member, 4)?;
                self.values = Some(u64::from(member.bit_offset / 8));
                def.inner = self.template(def, member)?.map(Box::new);
            }
            unknown => return Err(MapError::UnknownMember(owned(unknown))),
        }
        Ok(())
    }

    /// What `__uint` carries: the length of the array pointed to.
    fn number(&self, member: &Member<'_>) -> Result<u32, MapError> {
        match self.target(member.ty) {
            Some((_, Type::Array(array))) => Ok(array.len),
            _ => Err(malformed(member)),
        }
    }

    /// What `__ulong` carries, or `__uint`.
    fn long(&self, member: &Member<'_>) -> Result<u64, MapError> {
        match self.btf.resolved(member.ty) {
            Some((_, Type::Enum(e) | Type::Enum64(e))) if e.len() == 1 => {
                Ok(e.value(0).map_or(0, |v| v.bits))
            }
            _ => self.number(member).map(u64::from),
        }
    }

    /// What `__type` carries: the type pointed to, and its size.
    fn pointee(&self, member: &Member<'_>) -> Result<(TypeId, u32), MapError> {
        let Some((_, Type::Ptr(id))) = self.btf.resolved(member.ty) else {
            return Err(malformed(member));
        };
        let size = self.btf.size_of(id);
        Ok((
            id,
            size.ok_or_else(|| MapError::UnknownSize(owned(member.name)))?,
        ))
    }

    /// The type that a pointer points to, behind modifiers and typedefs.
    fn target(&self, pointer: TypeId) -> Option<(TypeId, Type<'_>)> {
        match self.btf.resolved(pointer)? {
            (_, Type::Ptr(id)) => self.btf.resolved(id),
            _ => None,
        }
    }

    /// What `values` says: the template of inner maps, or that the entries are
    /// programs.
    fn template(&mut self, def: &MapDef, member: &Member<'_>) -> Result<Option<MapDef>, MapError> {
        let Some((_, Type::Array(array))) = self.btf.resolved(member.ty) else {
            return Err(malformed(member));
        };
        let btf = self.btf;
        let target = match btf.resolved(array.elem) {
            Some((_, Type::Ptr(id))) => btf.resolved(id),
            _ => None,
        };
        match target {
            Some((_, Type::FuncProto(_))) if def.map_type == MapType::ProgArray => Ok(None),
            Some((_, Type::Struct(ty))) if def.map_type.is_map_in_map() => {
                let name = format!("{}.inner", def.name);
                Ok(Some(self.definition(name, ty, true)?))
            }
            _ if def.map_type == MapType::ProgArray || def.map_type.is_map_in_map() => {
                Err(malformed(member))
            }
            _ => Err(MapError::Values),
        }
    }
}

fn malformed(member: &Member<'_>) -> MapError {
    MapError::Member(owned(member.name))
}

/// Sizes that `key` and `key_size` may both say, if they agree.
#[derive(Default)]
struct Sizes {
    key: Option<u32>,
    value: Option<u32>,
}

impl Sizes {
    fn set_key(&mut self, member: &Member<'_>, size: u32) -> Result<(), MapError> {
        set(&mut self.key, member, size)
    }

    fn set_value(&mut self, member: &Member<'_>, size: u32) -> Result<(), MapError> {
        set(&mut self.value, member, size)
    }
}

fn set(slot: &mut Option<u32>, member: &Member<'_>, second: u32) -> Result<(), MapError> {
    match *slot {
        Some(first) if first != second => {
            let member = owned(member.name);
            Err(MapError::Conflict {
                member,
                first,
                second,
            })
        }
        _ => {
            *slot = Some(second);
            Ok(())
        }
    }
}

/// Fills in the initial entries of maps of maps and program arrays; `programs`
/// gives the name of the function at an offset of an ELF section.
pub(crate) fn read_values(
    elf: &Elf<'_>,
    defined: &[Defined],
    maps: &mut Maps,
    programs: &HashMap<(usize, u64), &str>,
) -> Result<(), Error> {
    let Some((section, contents)) = elf.section(SECTION) else {
        return Ok(());
    };
    let relocations = elf.relocations().filter(|(target, _)| *target == section);
    for relocation in relocations.flat_map(|(_, relocations)| relocations) {
        let at = defined.partition_point(|d| d.offset + d.size <= relocation.offset);
        let Some(home) = defined.get(at).filter(|d| d.offset <= relocation.offset) else {
            continue;
        };
        let Some(def) = maps.defs.get(home.map) else {
            continue;
        };
        let in_map = relocation.offset - home.offset;
        let symbol = elf.symbols.get(relocation.symbol);
        let failed = |wanted| Error::Map {
            map: def.name.clone(),
            what: MapError::Initial {
                offset: in_map,
                symbol: symbol.map_or("", |s| elf.symbol_name(s)).to_owned(),
                wanted,
            },
        };
        let in_values = home.values.and_then(|values| in_map.checked_sub(values));
        let slot = in_values.filter(|o| o.is_multiple_of(8));
        let slot = slot.and_then(|o| u32::try_from(o / 8).ok());
        let slot = slot.ok_or_else(|| failed("in 'values'"))?;
        let place = symbol.and_then(|s| place_of(s, contents.data, relocation.offset));
        let entry = if def.map_type.is_map_in_map() {
            let map = place.and_then(|place| maps.by_place.get(&place));
            InitialEntry::Map {
                slot,
                map: *map.ok_or_else(|| failed("a map"))?,
            }
        } else {
            let program = place.and_then(|place| programs.get(&place));
            let program = program.ok_or_else(|| failed("a program"))?;
            InitialEntry::Program {
                slot,
                program: (*program).to_owned(),
            }
        };
        if let Some(def) = maps.defs.get_mut(home.map) {
            match &mut def.initial {
                Initial::Entries(entries) => entries.push(entry),
                initial => *initial = Initial::Entries(vec![entry]),
            }
        }
    }
    Ok(())
}

/// Where an address in `data` leads: that of a static variable is written as its
/// section's symbol and, in the bytes, its offset.
fn place_of(symbol: &Symbol<'_>, data: &[u8], offset: u64) -> Option<(usize, u64)> {
    let Home::Section(section) = symbol.home else {
        return None;
    };
    let addend = match symbol.kind {
        SymbolKind::Section => {
            let bytes = data.get(usize::try_from(offset).ok()?..)?;
            u64::from_le_bytes(*bytes.first_chunk()?)
        }
        _ => 0,
    };
    Some((section, symbol.value.wrapping_add(addend)))
}
