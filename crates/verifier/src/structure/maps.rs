//! Which programs may name which maps, whatever they do with them.

use abi::{MapDef, MapType, ProgType, Program};
use btf::{Btf, Type, TypeId};

use crate::reason::MapUse;

/// How deep values are searched for special fields.
const MAX_DEPTH: usize = 8;

/// Checks that the program may name `map`; `others` are the maps that it named
/// before.
pub(super) fn check_use<'m>(
    program: &Program,
    map: &MapDef,
    mut others: impl Iterator<Item = &'m MapDef>,
) -> Result<(), crate::reason::Structure> {
    check_fields(program, map)?;
    if map.map_type == MapType::StructOps {
        return Err(MapUse::StructOps.into());
    }
    if program.flags.sleepable && !for_sleepable(map.map_type) {
        return Err(MapUse::Sleepable.into());
    }
    let storage = matches!(
        map.map_type,
        MapType::CgroupStorage | MapType::PercpuCgroupStorage
    );
    if storage && others.any(|other| other.map_type == map.map_type) {
        return Err(MapUse::SecondCgroupStorage(map.map_type).into());
    }
    Ok(())
}

/// Fields of map values that decide who may use the map.
fn check_fields(program: &Program, map: &MapDef) -> Result<(), MapUse> {
    let tracing = is_tracing(program.prog_type);
    if !tracing && program.prog_type != ProgType::SocketFilter {
        return Ok(());
    }
    let Some(btf) = program.btf.as_deref() else {
        return Ok(());
    };
    let has = |name| has_field(btf, map.value_type, name);
    if tracing && (has("bpf_list_head") || has("bpf_rb_root")) {
        return Err(MapUse::Tracing("bpf_{list_head,rb_root}"));
    }
    if has("bpf_spin_lock") || has("bpf_res_spin_lock") {
        return Err(if tracing {
            MapUse::Tracing("bpf_spin_lock")
        } else {
            MapUse::SocketFilterLock
        });
    }
    if tracing && has("bpf_timer") {
        return Err(MapUse::Tracing("bpf_timer"));
    }
    if tracing && has("bpf_wq") {
        return Err(MapUse::Tracing("bpf_wq"));
    }
    Ok(())
}

fn is_tracing(prog_type: ProgType) -> bool {
    matches!(
        prog_type,
        ProgType::Kprobe
            | ProgType::Tracepoint
            | ProgType::PerfEvent
            | ProgType::RawTracepoint
            | ProgType::RawTracepointWritable
    )
}

fn for_sleepable(map_type: MapType) -> bool {
    use MapType::*;
    matches!(
        map_type,
        Hash | LruHash
            | Array
            | PercpuHash
            | PercpuArray
            | LruPercpuHash
            | ArrayOfMaps
            | HashOfMaps
            | Ringbuf
            | UserRingbuf
            | InodeStorage
            | SkStorage
            | TaskStorage
            | CgrpStorage
            | Queue
            | Stack
            | Arena
    )
}

/// Whether a value of this type holds a struct of the name, by itself, in an
/// array or in a struct.
fn has_field(btf: &Btf, value: TypeId, name: &str) -> bool {
    let mut waiting = vec![(value, 0)];
    while let Some((id, depth)) = waiting.pop() {
        match btf.resolved(id) {
            Some((_, Type::Struct(found))) if depth > 0 && found.name == name => return true,
            Some((_, Type::Struct(outer))) if depth < MAX_DEPTH => {
                waiting.extend(outer.members().map(|member| (member.ty, depth + 1)));
            }
            Some((_, Type::Array(array))) if depth < MAX_DEPTH => {
                waiting.push((array.elem, depth + 1));
            }
            _ => {}
        }
    }
    false
}
