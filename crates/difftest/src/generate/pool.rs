//! The maps and types that all generated programs share, so that whoever asks a
//! kernel makes them once.

use std::sync::{Arc, OnceLock};

use abi::{Initial, MapDef, MapFlags, MapKind, MapType};
use btf::build::{BtfBuilder, Encoding};
use btf::{Btf, Linkage, TypeId};

use super::flavor::Flavor;
use crate::map;

/// Bytes that a global function's memory arguments may have.
pub(super) const MEMORY: [u32; 4] = [4, 8, 16, 40];
/// Parameters of global functions.
pub(super) const SIGNATURES: [&[Param]; 8] = [
    &[],
    &[Param::Number],
    &[Param::Number, Param::Number],
    &[Param::Memory(0)],
    &[Param::Memory(1), Param::Number],
    &[Param::Number, Param::Memory(2)],
    &[Param::Memory(3), Param::Memory(1)],
    &[Param::Number, Param::Number, Param::Memory(0)],
];
/// Functions of each signature.
const EACH: usize = 4;
/// Static functions, callbacks among them.
const STATIC: usize = 24;

/// A parameter of a global function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Param {
    /// `unsigned long`.
    Number,
    /// Pointer to a struct of as many bytes as [`MEMORY`] says.
    Memory(usize),
}

/// What all generated programs share.
#[derive(Debug)]
pub struct Pool {
    /// Maps; programs name them by their index here.
    pub maps: Arc<[MapDef]>,
    /// Types: of every function that a program may have.
    pub btf: Arc<Btf>,
    /// The type of the entry function.
    pub(super) entry: TypeId,
    /// The types of static functions.
    pub(super) statics: Vec<TypeId>,
    /// The types of global functions, by signature.
    pub(super) globals: Vec<Vec<TypeId>>,
}

impl Pool {
    /// The one pool.
    pub fn get() -> &'static Pool {
        static POOL: OnceLock<Pool> = OnceLock::new();
        POOL.get_or_init(Pool::new)
    }

    fn new() -> Pool {
        let mut build = BtfBuilder::new();
        let int = build.int("int", 4, Encoding::Signed);
        let word = build.int("unsigned int", 4, Encoding::Unsigned);
        let long = build.int("unsigned long", 8, Encoding::Unsigned);
        let memories = MEMORY.map(|size| {
            let words = build.array(word, size / 4);
            let name = format!("memory{size}");
            let memory = build.struct_(&name, size, &[("words", words, 0).into()]);
            build.ptr(memory)
        });
        let lock = build.struct_("bpf_spin_lock", 4, &[("val", word, 0).into()]);
        let timer = build.array(long, 2);
        let timer = build.struct_("bpf_timer", 16, &[("opaque", timer, 0).into()]);
        let counters = build.array(long, 3);
        let locked = build.struct_(
            "locked",
            32,
            &[
                ("count", word, 0).into(),
                ("lock", lock, 32).into(),
                ("counters", counters, 64).into(),
            ],
        );
        let timed = build.struct_(
            "timed",
            32,
            &[
                ("timer", timer, 0).into(),
                ("count", long, 128).into(),
                ("last", long, 192).into(),
            ],
        );
        let entry = build.func_proto(int, &[("a", long)]);
        let entry = build.func("entry", entry, Linkage::Global);
        let internal = build.func_proto(long, &[]);
        let statics = (0..STATIC)
            .map(|n| build.func(&format!("internal_{n}"), internal, Linkage::Static))
            .collect();
        let mut globals = Vec::new();
        for (s, signature) in SIGNATURES.iter().enumerate() {
            let params: Vec<_> = signature
                .iter()
                .zip(["a", "b", "c", "d", "e"])
                .map(|(param, name)| match param {
                    Param::Number => (name, long),
                    Param::Memory(size) => (name, memories[*size]),
                })
                .collect();
            let proto = build.func_proto(int, &params);
            let each = |n| build.func(&format!("global_{s}_{n}"), proto, Linkage::Global);
            globals.push((0..EACH).map(each).collect());
        }
        let btf = build.finish().expect("types of our own making");
        Pool {
            maps: maps(word, locked, timed).into(),
            btf: Arc::new(btf),
            entry,
            statics,
            globals,
        }
    }

    /// The maps that are of one of these types.
    pub(super) fn of(&self, types: &[MapType]) -> Vec<usize> {
        let maps = self.maps.iter().enumerate();
        maps.filter(|(_, def)| types.contains(&def.map_type))
            .map(|(index, _)| index)
            .collect()
    }
}

/// Index of the map whose values have a spin lock at [`LOCK_AT`].
pub(super) const LOCKED: usize = 21;
/// Index of the map whose values have a timer at their start.
pub(super) const TIMED: usize = 22;
/// Where the lock is.
pub(super) const LOCK_AT: i16 = 4;
/// Index of the frozen constants.
pub(super) const CONSTANTS: usize = 9;
/// Index of the ring buffer.
pub(super) const RING: usize = 7;
/// Index of the first program array: one for each kind of program, since Linux
/// keeps an array to programs of the kind that used it first.
pub(super) const PROGRAMS: usize = 24;

fn maps(word: TypeId, locked: TypeId, timed: TypeId) -> Vec<MapDef> {
    use MapType::*;
    let inner = || Some(Box::new(map("inner", Array, 4, 16, 1)));
    let typed = |def: MapDef, value_type| MapDef {
        key_type: word,
        value_type,
        ..def
    };
    let unallocated = |def: MapDef| MapDef {
        flags: MapFlags::NO_PREALLOC,
        ..def
    };
    let mut maps = vec![
        map("one", Array, 4, 64, 1),
        map("array", Array, 4, 48, 4),
        map("hash", Hash, 4, 64, 8),
        map("cpus", PercpuArray, 4, 32, 2),
        map("flows", Hash, 8, 16, 8),
        map("recent", LruHash, 4, 24, 8),
        map("xsks", Xskmap, 4, 4, 4),
        map("ring", Ringbuf, 0, 0, 4096),
        map("events", PerfEventArray, 4, 4, 1),
        MapDef {
            kind: MapKind::Rodata,
            flags: MapFlags::RDONLY_PROG,
            initial: Initial::Bytes(constants()),
            ..map("constants", Array, 4, 32, 1)
        },
        MapDef {
            inner: inner(),
            ..map("arrays", ArrayOfMaps, 4, 4, 2)
        },
        MapDef {
            inner: inner(),
            ..map("tables", HashOfMaps, 4, 4, 2)
        },
        unallocated(map("routes", LpmTrie, 8, 16, 4)),
        map("queue", Queue, 0, 16, 4),
        map("stack", Stack, 0, 8, 4),
        map("traces", StackTrace, 4, 64, 8),
        map("devices", Devmap, 4, 4, 4),
        map("processors", Cpumap, 4, 4, 2),
        map("seen", BloomFilter, 0, 4, 16),
        map("percpu", PercpuHash, 4, 16, 8),
        map("large", Array, 4, 4096, 2),
        typed(map("locked", Array, 4, 32, 2), locked),
        typed(map("timed", Array, 4, 32, 2), timed),
        map("sockets", Sockmap, 4, 4, 4),
    ];
    let programs = Flavor::all()
        .iter()
        .map(|_| map("programs", ProgArray, 4, 4, 4));
    maps.extend(programs);
    maps
}

/// Numbers of several magnitudes.
fn constants() -> Vec<u8> {
    let words: [u64; 4] = [7, 0x8000_0001_0000_0003, u64::MAX, 0x40];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
