//! Which programs may name which maps, whatever they do with them.

use abi::{MapDef, MapType, ProgType, Program};

use crate::fields::{FieldKind, Fields};
use crate::reason::MapUse;

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
    if program.flags.sleepable && !map.map_type.works_in_sleepable() {
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
    let tracing = program.prog_type.is_tracing();
    if !tracing && program.prog_type != ProgType::SocketFilter {
        return Ok(());
    }
    let Some(btf) = program.btf.as_deref() else {
        return Ok(());
    };
    let fields = Fields::of(btf, map.value_type);
    let has = |kind| fields.find(kind).is_some();
    if tracing && (has(FieldKind::ListHead) || has(FieldKind::RbRoot)) {
        return Err(MapUse::Tracing("bpf_{list_head,rb_root}"));
    }
    if fields.lock().is_some() {
        return Err(if tracing {
            MapUse::Tracing("bpf_spin_lock")
        } else {
            MapUse::SocketFilterLock
        });
    }
    if tracing && has(FieldKind::Timer) {
        return Err(MapUse::Tracing("bpf_timer"));
    }
    if tracing && has(FieldKind::Workqueue) {
        return Err(MapUse::Tracing("bpf_wq"));
    }
    Ok(())
}
