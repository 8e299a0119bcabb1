//! Global data: sections of variables as array maps with one entry.

use abi::{Initial, MapDef, MapFlags, MapKind, MapType};
use btf::{Btf, Kind, Linkage, Type, TypeId};

use crate::elf::{Elf, Section, SectionKind, SymbolKind, owned};
use crate::error::Error;
use crate::maps::{Maps, blank};

/// A variable with a fixed place in a global data map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// Name of the variable.
    pub name: String,
    /// Index of its map in the list of maps.
    pub map: usize,
    /// Name of its section.
    pub section: String,
    /// Bytes from the start of the map's value.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
    /// Its type in the object's BTF; void where not known.
    pub type_id: TypeId,
}

/// Largest section of global data. Linux allows 2 GiB, but programs live in
/// 4 GiB altogether here.
const LIMIT: u64 = 256 << 20;

/// What a section holds, by its name.
pub(crate) fn kind(section: &Section<'_>) -> Option<MapKind> {
    let base = match section.name.strip_prefix('.')?.split_once('.') {
        Some((base, _)) => base,
        None => section.name.strip_prefix('.')?,
    };
    match (base, section.kind) {
        _ if section.executable => None,
        ("rodata", SectionKind::Progbits) => Some(MapKind::Rodata),
        ("data", SectionKind::Progbits) => Some(MapKind::Data),
        ("bss", SectionKind::Nobits) => Some(MapKind::Bss),
        _ => None,
    }
}

/// Makes a map of each section of variables.
pub(crate) fn read(
    elf: &Elf<'_>,
    btf: Option<&Btf>,
    object: &str,
    maps: &mut Maps,
    globals: &mut Vec<Global>,
) -> Result<(), Error> {
    for (index, section) in elf.sections.iter().enumerate() {
        let Some(kind) = kind(section).filter(|_| section.size > 0) else {
            continue;
        };
        if section.size > LIMIT {
            let (section, size) = (owned(section.name), section.size);
            return Err(Error::DataSize {
                section,
                size,
                limit: LIMIT,
            });
        }
        let datasec = btf.and_then(|btf| btf.find(section.name, Kind::Datasec));
        let mut def = map(object, section.name, kind, section.size as u32);
        if kind != MapKind::Bss {
            def.initial = Initial::Bytes(section.data.to_vec());
        }
        def.value_type = datasec.unwrap_or(TypeId::VOID);
        if let (Some(btf), Some(id)) = (btf, datasec)
            && has_global(btf, id)
        {
            def.flags = MapFlags(def.flags.0 | MapFlags::MMAPABLE.0);
        }
        let map = maps.push(def, section.name)?;
        maps.data.insert(index, map);
        match (btf, datasec) {
            (Some(btf), Some(id)) => globals.extend(typed(btf, id, map, section.size)),
            _ => globals.extend(untyped(elf, index, section, map)),
        }
    }
    Ok(())
}

/// The map of a section of `size` bytes.
pub(crate) fn map(object: &str, section: &str, kind: MapKind, size: u32) -> MapDef {
    let constant = match kind.is_constant() {
        true => MapFlags::RDONLY_PROG,
        false => MapFlags::default(),
    };
    MapDef {
        key_size: 4,
        value_size: size,
        max_entries: 1,
        flags: constant,
        kind,
        ..blank(map_name(object, section), MapType::Array)
    }
}

/// libbpf's name for a map of global data: the object's name and the section's,
/// both cut so that they fit into the 15 bytes that Linux keeps. Sections with a
/// name of their own (`.data.mine`) keep that name.
fn map_name(object: &str, section: &str) -> String {
    const ROOM: usize = abi::limits::OBJ_NAME_LEN - 1;
    let own_name = section.get(1..).is_some_and(|rest| rest.contains('.'));
    if own_name {
        return owned(section);
    }
    let suffix = section.len().clamp(7, ROOM);
    let cut = |text: &str, len: usize| -> String {
        text.get(..text.floor_char_boundary(len.min(text.len())))
            .unwrap_or_default()
            .into()
    };
    let object = object.split('.').next().unwrap_or_default();
    let object = cut(object, ROOM);
    let name = cut(&object, ROOM - suffix) + &cut(section, suffix);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    name.chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect()
}

/// Whether user space may want to map the section: it has a variable that is
/// not static.
fn has_global(btf: &Btf, datasec: TypeId) -> bool {
    let Some(Type::Datasec(datasec)) = btf.ty(datasec) else {
        return false;
    };
    datasec
        .vars()
        .any(|var| matches!(btf.ty(var.ty), Some(Type::Var(var)) if var.linkage != Linkage::Static))
}

/// The variables of a section in BTF, as far as they lie in its `size` bytes.
pub(crate) fn typed(btf: &Btf, datasec: TypeId, map: usize, size: u64) -> Vec<Global> {
    let Some(Type::Datasec(datasec)) = btf.ty(datasec) else {
        return Vec::new();
    };
    let vars = datasec.vars();
    let vars = vars.filter(|v| u64::from(v.offset) + u64::from(v.size) <= size);
    let vars = vars.filter_map(|var| match btf.ty(var.ty) {
        Some(Type::Var(found)) => Some(Global {
            name: owned(found.name),
            map,
            section: owned(datasec.name),
            offset: var.offset,
            size: var.size,
            type_id: found.ty,
        }),
        _ => None,
    });
    vars.collect()
}

fn untyped(elf: &Elf<'_>, index: usize, section: &Section<'_>, map: usize) -> Vec<Global> {
    let symbols = elf.symbols_in(index);
    let symbols = symbols.filter(|s| s.kind == SymbolKind::Object && s.size > 0);
    let symbols = symbols.filter(|s| s.value.saturating_add(s.size) <= section.size);
    let mut globals: Vec<_> = symbols
        .map(|s| Global {
            name: owned(s.name),
            map,
            section: owned(section.name),
            offset: s.value as u32,
            size: s.size as u32,
            type_id: TypeId::VOID,
        })
        .collect();
    globals.sort_by_key(|g| g.offset);
    globals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_names_are_libbpfs() {
        assert_eq!(map_name("firewall.bpf.o", ".rodata"), "firewall.rodata");
        assert_eq!(map_name("firewall.bpf.o", ".bss"), "firewall.bss");
        assert_eq!(map_name("a_long_object_name.o", ".data"), "a_long_o.data");
        assert_eq!(map_name("x-y.o", ".kconfig"), "x_y.kconfig");
        assert_eq!(map_name("x.o", ".data.mine"), ".data.mine");
        assert_eq!(map_name("", ".bss"), ".bss");
    }
}
