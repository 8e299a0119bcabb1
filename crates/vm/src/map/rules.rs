//! Which definitions Linux makes maps of, and how it refuses the others.
//!
//! The order of the checks is Linux's where it decides between two errors.
//! Measured on Linux 6.18 over grids of key size, value size, entries and flags.

use abi::limits::PAGE_SIZE;
use abi::{Errno, MapDef, MapFlags, MapType};

/// Largest value of a per-CPU map, rounded up to 8 bytes.
const MAX_PERCPU_VALUE: u32 = 32768;
/// Key and value of a hash entry together are smaller than this.
const MAX_HASH_ELEMENT: u64 = (4 << 20) - 48;
/// Largest value of a queue, stack or bloom filter.
const MAX_VALUE: u32 = 4 << 20;
/// More buckets than this do not fit into Linux's table.
const MAX_BUCKETS: u32 = 1 << 27;

/// Largest value of a prefix map.
const MAX_LPM_VALUE: u32 = (4 << 20) - 280;
/// Hash functions of a bloom filter.
const MAX_BLOOM_HASHES: u64 = 15;
/// Frames of a stack trace (`kernel.perf_event_max_stack`).
const MAX_STACK_FRAMES: u32 = 127;
/// CPUs that a kernel is built for, as distributions build it; depends on the
/// kernel's configuration.
const MAX_CPUS: u32 = 8192;
/// `numa_node` that stands for none.
const NO_NODE: u32 = u32::MAX;

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
    everywhere(&def)?;
    flags(&def)?;
    sizes(&def)?;
    if def.flags.contains(MapFlags::NO_COMMON_LRU) {
        // Every CPU gets the same share.
        let cpus = cpus.max(1);
        def.max_entries = def.max_entries.div_ceil(cpus).saturating_mul(cpus);
    }
    Ok(def)
}

/// What is checked first, and of every type.
fn everywhere(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(
        both(def, MapFlags::RDONLY, MapFlags::WRONLY),
        EINVAL,
        "read-only and write-only exclude each other"
    );
    refuse_if!(
        def.extra != 0 && def.map_type != MapType::BloomFilter,
        EINVAL,
        "map_extra is for bloom filters"
    );
    refuse_if!(
        on_node(def) && def.numa_node != 0,
        EINVAL,
        "there is no such memory node"
    );
    Ok(())
}

/// Flags, as each type of map checks them.
fn flags(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(
        def.map_type == MapType::BloomFilter && def.value_size > MAX_VALUE,
        E2BIG,
        "values too large"
    );
    refuse_if!(
        both(def, MapFlags::RDONLY_PROG, MapFlags::WRONLY_PROG),
        EINVAL,
        "read-only and write-only exclude each other"
    );
    refuse_if!(
        def.flags.0 & !allowed_flags(def.map_type) != 0,
        EINVAL,
        "a flag that this type of map does not know"
    );
    refuse_if!(
        def.map_type.is_lru() && def.flags.contains(MapFlags::NO_PREALLOC),
        ENOTSUPP,
        "LRU maps are always preallocated"
    );
    refuse_if!(
        on_node(def) && (def.map_type.is_percpu() || def.flags.contains(MapFlags::NO_COMMON_LRU)),
        EINVAL,
        "per-CPU maps are not on one memory node"
    );
    Ok(())
}

/// Whether the map is to be on a certain memory node.
fn on_node(def: &MapDef) -> bool {
    def.flags.contains(MapFlags::NUMA_NODE) && def.numa_node != NO_NODE
}

fn both(def: &MapDef, a: MapFlags, b: MapFlags) -> bool {
    def.flags.contains(a) && def.flags.contains(b)
}

/// The creation flags that a type of map accepts.
fn allowed_flags(map_type: MapType) -> u32 {
    const NODE: u32 = MapFlags::NUMA_NODE.0;
    const SYS: u32 = NODE | MapFlags::RDONLY.0 | MapFlags::WRONLY.0;
    const ALL: u32 = SYS | MapFlags::RDONLY_PROG.0 | MapFlags::WRONLY_PROG.0;
    const HASH: u32 = ALL | MapFlags::NO_PREALLOC.0 | MapFlags::ZERO_SEED.0;
    match map_type {
        MapType::Array => ALL | MapFlags::MMAPABLE.0 | MapFlags::INNER_MAP.0,
        MapType::PercpuArray | MapType::Queue | MapType::Stack => ALL,
        MapType::Hash | MapType::PercpuHash | MapType::HashOfMaps => HASH,
        MapType::LruHash | MapType::LruPercpuHash => HASH | MapFlags::NO_COMMON_LRU.0,
        MapType::LpmTrie => ALL | MapFlags::NO_PREALLOC.0,
        MapType::BloomFilter => ALL | MapFlags::ZERO_SEED.0,
        MapType::PerfEventArray => SYS | MapFlags::PRESERVE_ELEMS.0,
        MapType::StackTrace => SYS | MapFlags::STACK_BUILD_ID.0,
        MapType::Ringbuf | MapType::UserRingbuf | MapType::Cpumap => NODE,
        MapType::ProgArray
        | MapType::CgroupArray
        | MapType::ArrayOfMaps
        | MapType::Xskmap
        | MapType::Devmap
        | MapType::DevmapHash => SYS,
        // Not simulated: not judged.
        _ => u32::MAX,
    }
}

fn sizes(def: &MapDef) -> Result<(), Refusal> {
    match def.map_type {
        MapType::Array | MapType::PercpuArray => array(def),
        MapType::Hash
        | MapType::PercpuHash
        | MapType::LruHash
        | MapType::LruPercpuHash
        | MapType::HashOfMaps => hash(def),
        MapType::LpmTrie => lpm_trie(def),
        MapType::Queue | MapType::Stack | MapType::BloomFilter => keyless(def),
        MapType::Ringbuf | MapType::UserRingbuf => ringbuf(def),
        MapType::StackTrace => stack_trace(def),
        MapType::Devmap | MapType::DevmapHash | MapType::Cpumap => targets(def),
        MapType::ProgArray
        | MapType::PerfEventArray
        | MapType::CgroupArray
        | MapType::ArrayOfMaps
        | MapType::Xskmap => references(def),
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
        def.map_type == MapType::HashOfMaps && def.value_size != 4,
        EINVAL,
        "values that are maps have 4 bytes"
    );
    refuse_if!(
        u64::from(def.key_size) + u64::from(def.value_size) >= MAX_HASH_ELEMENT,
        E2BIG,
        "key and value together too large"
    );
    percpu_value(def)?;
    refuse_if!(def.max_entries > MAX_BUCKETS, E2BIG, "too many entries");
    template(def)
}

fn lpm_trie(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(
        !def.flags.contains(MapFlags::NO_PREALLOC),
        EINVAL,
        "needs BPF_F_NO_PREALLOC"
    );
    refuse_if!(def.max_entries == 0, EINVAL, "no entries");
    refuse_if!(
        !(5..=260).contains(&def.key_size),
        EINVAL,
        "keys are a prefix length of 4 bytes and 1 to 256 bytes"
    );
    refuse_if!(
        !(1..=MAX_LPM_VALUE).contains(&def.value_size),
        EINVAL,
        "values without bytes or too large"
    );
    Ok(())
}

fn keyless(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(def.key_size != 0, EINVAL, "has no keys: key size is 0");
    refuse_if!(def.value_size == 0, EINVAL, "values without bytes");
    refuse_if!(def.max_entries == 0, EINVAL, "no entries");
    refuse_if!(def.value_size > MAX_VALUE, E2BIG, "values too large");
    refuse_if!(
        def.extra > MAX_BLOOM_HASHES,
        EINVAL,
        "map_extra is the number of hash functions, at most 15"
    );
    Ok(())
}

fn ringbuf(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(
        def.key_size != 0 || def.value_size != 0,
        EINVAL,
        "has neither keys nor values: their sizes are 0"
    );
    refuse_if!(
        !def.max_entries.is_power_of_two() || def.max_entries < PAGE_SIZE,
        EINVAL,
        "max_entries is its bytes, a power of two of at least a page"
    );
    Ok(())
}

fn stack_trace(def: &MapDef) -> Result<(), Refusal> {
    let frame = if def.flags.contains(MapFlags::STACK_BUILD_ID) {
        32
    } else {
        8
    };
    refuse_if!(def.key_size != 4, EINVAL, "keys have 4 bytes");
    refuse_if!(def.max_entries == 0, EINVAL, "no entries");
    refuse_if!(
        def.value_size < 8
            || !def.value_size.is_multiple_of(frame)
            || def.value_size / frame > MAX_STACK_FRAMES,
        EINVAL,
        "values are 1 to 127 stack frames"
    );
    refuse_if!(def.max_entries > 1 << 31, E2BIG, "too many entries");
    Ok(())
}

fn targets(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(def.key_size != 4, EINVAL, "keys have 4 bytes");
    refuse_if!(
        !matches!(def.value_size, 4 | 8),
        EINVAL,
        "values have 4 bytes, or 8 with a program"
    );
    refuse_if!(def.max_entries == 0, EINVAL, "no entries");
    refuse_if!(
        def.map_type == MapType::DevmapHash && def.max_entries > 1 << 31,
        EINVAL,
        "too many entries"
    );
    refuse_if!(
        def.map_type == MapType::Cpumap && def.max_entries > MAX_CPUS,
        E2BIG,
        "more entries than CPUs are possible"
    );
    Ok(())
}

fn references(def: &MapDef) -> Result<(), Refusal> {
    refuse_if!(def.key_size != 4, EINVAL, "keys have 4 bytes");
    refuse_if!(def.value_size != 4, EINVAL, "values have 4 bytes");
    refuse_if!(def.max_entries == 0, EINVAL, "no entries");
    template(def)
}

/// What maps may be inside a map of maps.
fn template(def: &MapDef) -> Result<(), Refusal> {
    if !def.map_type.is_map_in_map() {
        return Ok(());
    }
    let Some(inner) = &def.inner else {
        return Err((Errno::EINVAL, "does not say which maps it holds"));
    };
    refuse_if!(
        inner.map_type.is_map_in_map(),
        EINVAL,
        "maps of maps of maps"
    );
    refuse_if!(
        inner.map_type == MapType::ProgArray,
        ENOTSUPP,
        "program arrays inside of maps"
    );
    Ok(())
}

/// Whether a map may stand where `template` says what maps there are: same type,
/// sizes and flags, and for some types the same number of entries.
pub(super) fn fits(template: &MapDef, map: &MapDef) -> bool {
    let same_entries = match template.map_type {
        MapType::Array => !template.flags.contains(MapFlags::INNER_MAP),
        MapType::Xskmap => true,
        _ => false,
    };
    template.map_type == map.map_type
        && template.key_size == map.key_size
        && template.value_size == map.value_size
        && lasting(template) == lasting(map)
        && (!same_entries || template.max_entries == map.max_entries)
}

/// The flags that Linux remembers with a map.
fn lasting(def: &MapDef) -> u32 {
    def.flags.0 & !(MapFlags::RDONLY.0 | MapFlags::WRONLY.0)
}
