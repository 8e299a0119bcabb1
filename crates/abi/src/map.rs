//! Maps as data: what BPF_MAP_CREATE would be given, and what they hold first.

use std::fmt;

use btf::TypeId;

/// The definition of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapDef {
    /// Name in the object, whole (Linux keeps the first 15 bytes).
    pub name: String,
    /// Kind of map.
    pub map_type: MapType,
    /// Bytes in a key; 0 where the type has none.
    pub key_size: u32,
    /// Bytes in a value.
    pub value_size: u32,
    /// Largest number of entries; bytes of a ring buffer. 0 where user space is
    /// expected to set it before load, and in a perf event array, where it
    /// stands for the number of CPUs.
    pub max_entries: u32,
    /// `BPF_F_*` creation flags.
    pub flags: MapFlags,
    /// Type-specific extra word (`map_extra`): hash functions of a bloom filter.
    pub extra: u64,
    /// Memory node, with `BPF_F_NUMA_NODE`.
    pub numa_node: u32,
    /// Type of a key in the object's BTF; void where not known.
    pub key_type: TypeId,
    /// Type of a value in the object's BTF; void where not known.
    pub value_type: TypeId,
    /// Template of the maps inside a map-in-map.
    pub inner: Option<Box<MapDef>>,
    /// What the map is for in the object.
    pub kind: MapKind,
    /// What it holds before the first run.
    pub initial: Initial,
    /// Whether the object asks for it to be shared by name; noted only.
    pub pinning: Pinning,
}

impl MapDef {
    /// A map without a name, with these bytes in a key and a value and so many
    /// entries; empty at first.
    pub fn bare(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapDef {
        MapDef {
            name: String::new(),
            map_type,
            key_size,
            value_size,
            max_entries,
            flags: MapFlags::default(),
            extra: 0,
            numa_node: 0,
            key_type: TypeId::VOID,
            value_type: TypeId::VOID,
            inner: None,
            kind: MapKind::User,
            initial: Initial::Empty,
            pinning: Pinning::None,
        }
    }
}

/// What a map is for in its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapKind {
    /// Defined by the program's author.
    User,
    /// `.rodata*`: constants, frozen before load.
    Rodata,
    /// `.data*`: initialised variables.
    Data,
    /// `.bss*`: zero-initialised variables.
    Bss,
    /// `.kconfig`: values of the kernel's configuration, frozen before load.
    Kconfig,
}

impl MapKind {
    /// Whether the program sees constants: read-only and frozen.
    pub fn is_constant(self) -> bool {
        matches!(self, MapKind::Rodata | MapKind::Kconfig)
    }
}

/// What a map holds before the first run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Initial {
    /// Nothing (zeroes in arrays).
    #[default]
    Empty,
    /// The one value of a global-data map, `value_size` bytes.
    Bytes(Vec<u8>),
    /// Entries of a map-in-map or program array, by index.
    Entries(Vec<InitialEntry>),
}

/// One statically initialised entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitialEntry {
    /// Slot `slot` holds the map with index `map` in the object's list.
    Map {
        /// Key.
        slot: u32,
        /// Index in the object's maps.
        map: usize,
    },
    /// Slot `slot` holds the program of this name.
    Program {
        /// Key.
        slot: u32,
        /// Name of a program of the object.
        program: String,
    },
}

/// Whether an object asks for a map to be pinned (`LIBBPF_PIN_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pinning {
    /// Not at all.
    #[default]
    None,
    /// By its name under the BPF file system.
    ByName,
}

/// `BPF_F_*` flags of map creation, as Linux numbers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MapFlags(pub u32);

#[expect(missing_docs, reason = "the names are those of the UAPI header")]
impl MapFlags {
    pub const NO_PREALLOC: MapFlags = MapFlags(1);
    pub const NO_COMMON_LRU: MapFlags = MapFlags(1 << 1);
    pub const NUMA_NODE: MapFlags = MapFlags(1 << 2);
    pub const RDONLY: MapFlags = MapFlags(1 << 3);
    pub const WRONLY: MapFlags = MapFlags(1 << 4);
    pub const STACK_BUILD_ID: MapFlags = MapFlags(1 << 5);
    pub const ZERO_SEED: MapFlags = MapFlags(1 << 6);
    pub const RDONLY_PROG: MapFlags = MapFlags(1 << 7);
    pub const WRONLY_PROG: MapFlags = MapFlags(1 << 8);
    pub const CLONE: MapFlags = MapFlags(1 << 9);
    pub const MMAPABLE: MapFlags = MapFlags(1 << 10);
    pub const PRESERVE_ELEMS: MapFlags = MapFlags(1 << 11);
    pub const INNER_MAP: MapFlags = MapFlags(1 << 12);

    /// Whether every bit of `other` is set.
    pub fn contains(self, other: MapFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags that have a name, by bit, as in `BPF_F_…`.
    const NAMES: [&str; 13] = [
        "no_prealloc",
        "no_common_lru",
        "numa_node",
        "rdonly",
        "wronly",
        "stack_build_id",
        "zero_seed",
        "rdonly_prog",
        "wronly_prog",
        "clone",
        "mmapable",
        "preserve_elems",
        "inner_map",
    ];
}

/// The names of the flags that are set, as in `no_prealloc | mmapable`.
impl fmt::Display for MapFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for bit in (0..32).filter(|bit| self.contains(MapFlags(1 << bit))) {
            match MapFlags::NAMES.get(bit) {
                Some(name) => write!(f, "{between}{name}")?,
                None => write!(f, "{between}{:#x}", 1u32 << bit)?,
            }
            between = " | ";
        }
        Ok(())
    }
}

/// One row of [`MapType`].
macro_rules! map_types {
    ($($variant:ident = $number:literal, $name:literal;)*) => {
        /// The kinds of map (`enum bpf_map_type`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u32)]
        #[expect(missing_docs, reason = "the names are those of `enum bpf_map_type`")]
        pub enum MapType {
            $($variant = $number,)*
        }

        impl MapType {
            /// All types, by number.
            pub const ALL: &[MapType] = &[$(MapType::$variant,)*];

            /// The type with Linux's number `number`.
            pub fn new(number: u32) -> Option<MapType> {
                match number {
                    $($number => Some(MapType::$variant),)*
                    _ => None,
                }
            }

            /// The name that bpftool prints, such as `"lru_hash"`.
            pub fn name(self) -> &'static str {
                match self {
                    $(MapType::$variant => $name,)*
                }
            }
        }
    };
}

map_types! {
    Hash = 1, "hash";
    Array = 2, "array";
    ProgArray = 3, "prog_array";
    PerfEventArray = 4, "perf_event_array";
    PercpuHash = 5, "percpu_hash";
    PercpuArray = 6, "percpu_array";
    StackTrace = 7, "stack_trace";
    CgroupArray = 8, "cgroup_array";
    LruHash = 9, "lru_hash";
    LruPercpuHash = 10, "lru_percpu_hash";
    LpmTrie = 11, "lpm_trie";
    ArrayOfMaps = 12, "array_of_maps";
    HashOfMaps = 13, "hash_of_maps";
    Devmap = 14, "devmap";
    Sockmap = 15, "sockmap";
    Cpumap = 16, "cpumap";
    Xskmap = 17, "xskmap";
    Sockhash = 18, "sockhash";
    CgroupStorage = 19, "cgroup_storage";
    ReuseportSockarray = 20, "reuseport_sockarray";
    PercpuCgroupStorage = 21, "percpu_cgroup_storage";
    Queue = 22, "queue";
    Stack = 23, "stack";
    SkStorage = 24, "sk_storage";
    DevmapHash = 25, "devmap_hash";
    StructOps = 26, "struct_ops";
    Ringbuf = 27, "ringbuf";
    InodeStorage = 28, "inode_storage";
    TaskStorage = 29, "task_storage";
    BloomFilter = 30, "bloom_filter";
    UserRingbuf = 31, "user_ringbuf";
    CgrpStorage = 32, "cgrp_storage";
    Arena = 33, "arena";
}

impl MapType {
    /// Whether each CPU has a value of its own.
    pub fn is_percpu(self) -> bool {
        matches!(
            self,
            MapType::PercpuHash | MapType::PercpuArray | MapType::LruPercpuHash
        )
    }

    /// Whether a full map drops what was not used for long.
    pub fn is_lru(self) -> bool {
        matches!(self, MapType::LruHash | MapType::LruPercpuHash)
    }

    /// The structure that a map of this kind is in the kernel, as its sentences
    /// name it (measured on Linux 6.18).
    pub fn kernel_struct(self) -> &'static str {
        match self {
            MapType::Hash
            | MapType::PercpuHash
            | MapType::LruHash
            | MapType::LruPercpuHash
            | MapType::HashOfMaps => "bpf_htab",
            MapType::Array
            | MapType::ProgArray
            | MapType::PerfEventArray
            | MapType::PercpuArray
            | MapType::CgroupArray
            | MapType::ArrayOfMaps => "bpf_array",
            MapType::StackTrace => "bpf_stack_map",
            MapType::LpmTrie => "lpm_trie",
            MapType::Devmap | MapType::DevmapHash => "bpf_dtab",
            MapType::Sockmap => "bpf_stab",
            MapType::Sockhash => "bpf_shtab",
            MapType::Cpumap => "bpf_cpu_map",
            MapType::Xskmap => "xsk_map",
            MapType::CgroupStorage | MapType::PercpuCgroupStorage => "bpf_cgroup_storage_map",
            MapType::ReuseportSockarray => "reuseport_array",
            MapType::Queue | MapType::Stack => "bpf_queue_stack",
            MapType::SkStorage
            | MapType::InodeStorage
            | MapType::TaskStorage
            | MapType::CgrpStorage => "bpf_local_storage_map",
            MapType::StructOps => "bpf_struct_ops_map",
            MapType::Ringbuf | MapType::UserRingbuf => "bpf_ringbuf_map",
            MapType::BloomFilter => "bpf_bloom_filter",
            MapType::Arena => "bpf_arena",
        }
    }

    /// Whether the values are maps.
    pub fn is_map_in_map(self) -> bool {
        matches!(self, MapType::ArrayOfMaps | MapType::HashOfMaps)
    }
}
