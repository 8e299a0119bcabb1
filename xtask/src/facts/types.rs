//! What the kernel's own types say: enumerations and contexts.

use btf::{Btf, Kind, Type};
use serde_json::json;

use super::context::STRUCTS;
use super::probe::Probe;
use super::table::{Row, Table, row};

/// Enumerations whose numbers programs and loaders use.
const ENUMS: &[&str] = &[
    "bpf_attach_type",
    "bpf_cmd",
    "bpf_func_id",
    "bpf_map_type",
    "bpf_prog_type",
    "xdp_action",
];
/// Prefix of the flags, which stand in enumerations without a name.
const FLAGS: &str = "BPF_F_";

/// Enumerations of the UAPI headers.
pub(crate) fn enums(probe: &Probe) -> Table {
    let mut table = Table::new(
        "enumerators",
        "read from the kernel's BTF; those that begin with BPF_F_ are of enumerations without \
         a name (`enum` is null), where one number may have several meanings",
    );
    let Some(btf) = probe.kernel.btf() else {
        return table;
    };
    for name in ENUMS {
        let found = [Kind::Enum, Kind::Enum64].map(|kind| btf.find(name, kind));
        let found = found
            .into_iter()
            .flatten()
            .find_map(|id| btf.ty(id)?.as_enum());
        let Some(found) = found else { continue };
        table.rows.extend(found.values().map(|value| {
            row! {"enum": name, "number": value.value as i64, "name": value.name}
        }));
    }
    table.rows.extend(flags(btf));
    table
}

fn flags(btf: &Btf) -> Vec<Row> {
    let mut found = Vec::new();
    for (_, ty) in btf.types() {
        let Some(unnamed) = ty.as_enum().filter(|e| e.name.is_empty()) else {
            continue;
        };
        let flags = unnamed
            .values()
            .filter(|value| value.name.starts_with(FLAGS));
        found.extend(flags.map(|flag| (flag.name, flag.value as i64)));
    }
    found.sort_unstable();
    found.dedup();
    let rows = found.into_iter();
    rows.map(
        |(name, number)| row! {"enum": serde_json::Value::Null, "number": number, "name": name},
    )
    .collect()
}

/// Members of the structs that describe contexts.
pub(crate) fn structs(probe: &Probe) -> Table {
    let mut table = Table::new(
        "members",
        "read from the kernel's BTF; `offset` in bits, as bit fields are among them; a member \
         without a name is a union or a hole that the header declares",
    );
    let mut sizes = Row::new();
    for name in STRUCTS {
        let found = probe.kernel.btf().and_then(|btf| {
            let Type::Struct(composite) = btf.ty(btf.find(name, Kind::Struct)?)? else {
                return None;
            };
            Some((btf, composite))
        });
        let Some((btf, composite)) = found else {
            continue;
        };
        sizes.insert((*name).to_owned(), composite.size.into());
        table.rows.extend(composite.members().map(|member| {
            let ty = match member.name.is_empty() {
                true => union_members(btf, member.ty),
                false => json!(btf.type_name(member.ty).to_string()),
            };
            row! {"struct": name, "offset": member.bit_offset, "name": member.name, "type": ty}
        }));
    }
    table.note("sizes", sizes);
    table
}

/// The names of the members of an anonymous union.
fn union_members(btf: &Btf, id: btf::TypeId) -> serde_json::Value {
    let members = btf.ty(id).and_then(|ty| ty.as_composite());
    let names = members.map(|union| union.members().map(|m| m.name).collect::<Vec<_>>());
    json!(names)
}
