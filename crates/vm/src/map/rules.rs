//! Which definitions Linux makes maps of, and how it refuses the others.
//!
//! The order of the checks is Linux's where it decides between two errors.
//! Measured on Linux 6.18 over grids of key size, value size, entries and flags.

use abi::{Errno, MapDef, MapFlags, MapType};

/// Largest value of a per-CPU map, rounded up to 8 bytes.
const MAX_PERCPU_VALUE: u32 = 32768;
/// Key and value of a hash entry together are smaller than this.
const MAX_HASH_ELEMENT: u64 = (4 << 20) - 48;
/// More buckets than this do not fit into Linux's table.
const MAX_BUCKETS: u32 = 1 << 27;

/// Linux's answer, and what is wrong with the definition.
pub(super) type Refusal = (Errno, &'static str);

macro_rules! refuse_if {
    ($condition:expr, $errno:ident, $why:literal) => {
        if $condition {
            return Err((Errno::$errno, $why));
        }
    };
}

/// Checks a definition and gives it with its sizes filled in.
pub(super) fn check(def: &MapDef, cpus: u32) -> Result<MapDef, Refusal> {
    let mut def = def.clone();
    if def.map_type == MapType::PerfEventArray && def.max_entries == 0 {
        // What libbpf asks for then.
        def.max_entries = cpus;
    }
    refuse_if!(
        def.extra != 0 && def.map_type != MapType::BloomFilter,
        EINVAL,
        "map_extra is for bloom filters"
    );
    refuse_if!(
        def.flags.contains(MapFlags::NUMA_NODE) && def.numa_node != 0 && def.numa_node != u32::MAX,
        EINVAL,
        "there is no such memory node"
    );
    refuse_if!(
        both(&def, MapFlags::RDONLY, MapFlags::WRONLY)
            || both(&def, MapFlags::RDONLY_PROG, MapFlags::WRONLY_PROG),
        EINVAL,
        "read-only and write-only exclude each other"
    );
    refuse_if!(
        def.flags.0 & !allowed_flags(def.map_type).0 != 0,
        EINVAL,
        "a flag that this type of map does not know"
    );
    sizes(&mut def)?;
    Ok(def)
}

fn both(def: &MapDef, a: MapFlags, b: MapFlags) -> bool {
    def.flags.contains(a) && def.flags.contains(b)
}

/// The creation flags that a type of map accepts.
fn allowed_flags(map_type: MapType) -> MapFlags {
    const ACCESS: u32 =
        MapFlags::RDONLY.0 | MapFlags::WRONLY.0 | MapFlags::RDONLY_PROG.0 | MapFlags::WRONLY_PROG.0;
    const SYS_ACCESS: u32 = MapFlags::RDONLY.0 | MapFlags::WRONLY.0;
    const NODE: u32 = MapFlags::NUMA_NODE.0;
    MapFlags(match map_type {
        MapType::Array => ACCESS | NODE | MapFlags::MMAPABLE.0 | MapFlags::INNER_MAP.0,
        MapType::PercpuArray => ACCESS,
        MapType::Hash => ACCESS | NODE | MapFlags::NO_PREALLOC.0 | MapFlags::ZERO_SEED.0,
        MapType::PercpuHash => ACCESS | MapFlags::NO_PREALLOC.0 | MapFlags::ZERO_SEED.0,
        _ => SYS_ACCESS | NODE,
    })
}

fn sizes(def: &mut MapDef) -> Result<(), Refusal> {
    match def.map_type {
        MapType::Array | MapType::PercpuArray => array(def),
        MapType::Hash | MapType::PercpuHash | MapType::LruHash | MapType::LruPercpuHash => {
            hash(def)
        }
        _ => Ok(()),
    }
}

fn array(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(def.key_size != 4, EINVAL, "keys of arrays have 4 bytes");
    refuse_if!(def.value_size == 0, EINVAL, "values without bytes");
    refuse_if!(def.max_entries == 0, EINVAL, "no entries");
    percpu_value(def)?;
    refuse_if!(def.value_size > i32::MAX as u32, E2BIG, "values too large");
    Ok(())
}

fn percpu_value(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(
        def.map_type.is_percpu() && def.value_size > MAX_PERCPU_VALUE,
        E2BIG,
        "per-CPU values of more than 32768 bytes"
    );
    Ok(())
}

fn hash(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(def.key_size == 0, EINVAL, "keys without bytes");
    refuse_if!(def.value_size == 0, EINVAL, "values without bytes");
    refuse_if!(def.max_entries == 0, EINVAL, "no entries");
    refuse_if!(
        u64::from(def.key_size) + u64::from(def.value_size) >= MAX_HASH_ELEMENT,
        E2BIG,
        "key and value together too large"
    );
    percpu_value(def)?;
    refuse_if!(def.max_entries > MAX_BUCKETS, E2BIG, "too many entries");
    Ok(())
}
