//! `struct_ops`: structures of the kernel whose functions are programs.
//!
//! Each variable of `.struct_ops` or `.struct_ops.link` is a map with one value,
//! the structure as the object has it. Its addresses of programs stay 0: which
//! program implements which member only means something to a kernel that has
//! the structure.

use abi::{Initial, MapDef, MapFlags, MapType};
use btf::{Btf, Kind, Type};

use crate::elf::{Elf, SectionKind, owned};
use crate::error::{Error, MapError};
use crate::maps::{Maps, blank};

/// `BPF_F_LINK`: attached by a link instead of by its existence.
const LINK: MapFlags = MapFlags(1 << 13);

const SECTIONS: [(&str, MapFlags); 4] = [
    (".struct_ops", MapFlags(0)),
    ("?.struct_ops", MapFlags(0)),
    (".struct_ops.link", LINK),
    ("?.struct_ops.link", LINK),
];

/// Makes a map of each structure.
pub(crate) fn read(elf: &Elf<'_>, btf: &Btf, maps: &mut Maps) -> Result<(), Error> {
    for (name, flags) in SECTIONS {
        let Some((index, section)) = elf.section(name) else {
            continue;
        };
        let datasec = btf.find(name, Kind::Datasec).and_then(|id| btf.ty(id));
        let Some(Type::Datasec(datasec)) =
            datasec.filter(|_| section.kind == SectionKind::Progbits)
        else {
            continue;
        };
        let mut total = 0;
        for var in datasec.vars() {
            total += u64::from(var.size);
            let name = owned(btf.name(var.ty));
            let failed = |what| Error::Map {
                map: name.clone(),
                what,
            };
            let Some(Type::Var(variable)) = btf.ty(var.ty) else {
                continue;
            };
            let Some((id, Type::Struct(_))) = btf.resolved(variable.ty) else {
                return Err(failed(MapError::NotStruct));
            };
            let start = var.offset as usize;
            let bytes = section
                .data
                .get(start..start.saturating_add(var.size as usize));
            let bytes = bytes.filter(|_| total <= section.size);
            let bytes = bytes.ok_or_else(|| failed(MapError::Bounds))?;
            let def = MapDef {
                key_size: 4,
                value_size: var.size,
                max_entries: 1,
                flags,
                value_type: id,
                initial: Initial::Bytes(bytes.to_vec()),
                ..blank(name, MapType::StructOps)
            };
            let map = maps.push(def, section.name)?;
            maps.by_place.insert((index, u64::from(var.offset)), map);
        }
        maps.map_sections.insert(index);
    }
    Ok(())
}
