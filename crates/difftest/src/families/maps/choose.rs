//! What is asked of maps of elements: shapes, keys, values, operations.

use abi::{MapDef, MapFlags, MapType};

use super::definition;
use super::program::{Op, packet};
use crate::families::Random;
use crate::{MapOp, Question};

/// The shape of a map.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Kind of map.
    pub map_type: MapType,
    /// Bytes in a key.
    pub key: u32,
    /// Bytes in a value.
    pub value: u32,
    entries: u32,
    flags: MapFlags,
    extra: u64,
    cpus: u32,
    /// Keys that are used: as many, most of the time.
    universe: u64,
}

/// Entries of a bloom filter that never answers wrongly, because hardly anything
/// is put into it: its false answers depend on a secret of Linux's.
const SPARSE: u32 = 5000;
/// Values that are put into a bloom filter.
const PUT: u64 = 20;

/// Flags of updates, most of them those that there are.
const FLAGS: [u64; 16] = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 4, 8, 1 << 32];

impl Shape {
    /// A random shape of a type.
    pub(super) fn new(map_type: MapType, cpus: u32, random: &mut Random) -> Shape {
        use MapType::*;
        let key = match map_type {
            Queue | Stack | BloomFilter => 0,
            LpmTrie => random.pick(&[5, 6, 8, 8, 12, 20, 36]),
            Array | PercpuArray | Devmap | DevmapHash | Cpumap | Xskmap => 4,
            _ => random.pick(&[1, 2, 4, 4, 8, 12, 16, 40]),
        };
        let value = match map_type {
            Devmap | DevmapHash | Cpumap => random.pick(&[4, 8]),
            Xskmap => 4,
            _ => random.pick(&[1, 2, 4, 5, 8, 8, 12, 16, 33, 64]),
        };
        let entries = match map_type {
            LruHash | LruPercpuHash => random.pick(&[1, 2, 3, 4, 5, 8, 9, 16, 31, 64, 100, 300]),
            Cpumap => random.pick(&[1, 2, 3, 8]),
            BloomFilter => random.pick(&[1, 100, 1000, SPARSE]),
            _ => random.pick(&[1, 2, 3, 4, 5, 7, 8, 16, 20, 33, 300]),
        };
        let flags = match map_type {
            LpmTrie => MapFlags::NO_PREALLOC,
            Hash | PercpuHash if random.percent(40) => MapFlags::NO_PREALLOC,
            LruHash | LruPercpuHash if random.percent(40) => MapFlags::NO_COMMON_LRU,
            _ => MapFlags::default(),
        };
        let n = u64::from(entries);
        Shape {
            map_type,
            key,
            value,
            entries,
            flags,
            extra: match map_type {
                BloomFilter if entries == SPARSE => 15,
                BloomFilter => random.pick(&[0, 1, 3, 15]),
                _ => 0,
            },
            cpus,
            universe: random.pick(&[n, n + 2, 2 * n + 1, 4 * n]),
        }
    }

    /// The definition.
    pub(super) fn def(&self) -> MapDef {
        MapDef {
            extra: self.extra,
            ..definition(
                self.map_type,
                self.key,
                self.value,
                self.entries,
                self.flags,
            )
        }
    }

    /// Whether the order of keys is the same everywhere.
    fn is_ordered(&self) -> bool {
        use MapType::*;
        matches!(
            self.map_type,
            Array | PercpuArray | LpmTrie | Devmap | Cpumap
        )
    }

    /// Whether entries can be listed.
    fn is_listable(&self) -> bool {
        !matches!(self.map_type, MapType::BloomFilter | MapType::Xskmap)
    }

    /// Bytes of a value as the system call has it.
    fn system_value(&self) -> usize {
        let value = self.value as usize;
        match self.map_type.is_percpu() {
            true => value.next_multiple_of(8) * self.cpus as usize,
            false => value,
        }
    }
}

/// Keys, with those used before that others are made of.
struct Keys<'a> {
    shape: &'a Shape,
    pool: Vec<Vec<u8>>,
}

impl Keys<'_> {
    fn next(&mut self, random: &mut Random) -> Vec<u8> {
        match self.shape.map_type {
            MapType::LpmTrie => self.prefix(random),
            _ => {
                let number = match random.percent(97) {
                    true => random.below(self.shape.universe),
                    false => random.number(),
                };
                let mut key = vec![0xab; self.shape.key as usize];
                let bytes = (number as u32).to_le_bytes();
                let len = key.len().min(4);
                key[..len].copy_from_slice(&bytes[..len]);
                key
            }
        }
    }

    /// A prefix, often related to one before.
    fn prefix(&mut self, random: &mut Random) -> Vec<u8> {
        let data = self.shape.key as usize - 4;
        let bits = 8 * data as u64;
        if !self.pool.is_empty() && random.percent(50) {
            let known = random.pick(&self.pool);
            if random.percent(50) {
                return known;
            }
            let len = random.below(bits + 1) as u32;
            return [&len.to_le_bytes(), &known[4..]].concat();
        }
        let len = match random.below(20) {
            0..=6 => bits,
            7..=13 => random.below(bits + 1),
            14..=16 => random.below(bits.min(8) + 1),
            17 => bits + 1,
            18 => bits + 100,
            _ => u64::from(u32::MAX),
        };
        let mut key = (len as u32).to_le_bytes().to_vec();
        match random.percent(70) {
            true => key.extend((0..data).map(|_| random.pick(&[0, 0, 0x80, 0xff, 0x40, 1]))),
            false => key.extend(random.bytes(data)),
        }
        match self.pool.len() {
            0..40 => self.pool.push(key.clone()),
            _ => self.pool[random.below(40) as usize] = key.clone(),
        }
        key
    }
}

/// A value, of one CPU or as the system call has it.
fn value(shape: &Shape, len: usize, random: &mut Random) -> Vec<u8> {
    let words = |first: u32, second: u32| [first.to_le_bytes(), second.to_le_bytes()].concat();
    let mut value = match shape.map_type {
        MapType::Devmap | MapType::DevmapHash => words(random.pick(&[0, 1, 1, 1]), 0),
        MapType::Cpumap => words(random.pick(&[0, 1, 64, 16384, 16385]), 0),
        MapType::Xskmap => words(u32::MAX, 0),
        MapType::BloomFilter => vec![random.below(PUT) as u8; len],
        _ => random.bytes(len),
    };
    value.truncate(len);
    if matches!(shape.map_type, MapType::PercpuHash | MapType::LruPercpuHash) {
        clear_padding(shape, &mut value);
    }
    value
}

/// Makes zero what lies between values of several CPUs. A program's update leaves
/// there what the memory held before, which nobody determines.
fn clear_padding(shape: &Shape, value: &mut [u8]) {
    let len = shape.value as usize;
    for one in value.chunks_mut(len.next_multiple_of(8)) {
        if let Some(padding) = one.get_mut(len..) {
            padding.fill(0);
        }
    }
}

/// A value to ask a bloom filter for; `put` are those that are in it.
fn asked(shape: &Shape, put: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    match shape.entries == SPARSE || put.is_empty() {
        true => vec![random.below(2 * PUT) as u8; shape.value as usize],
        false => random.pick(put),
    }
}

/// Questions about a map of this shape.
pub(super) fn steps(shape: &Shape, count: usize, random: &mut Random) -> Vec<Question<'static>> {
    let mut keys = Keys {
        shape,
        pool: Vec::new(),
    };
    let ops = Op::of(shape.map_type);
    let mut put: Vec<Vec<u8>> = Vec::new();
    let mut steps = Vec::with_capacity(count);
    while steps.len() < count {
        let key = keys.next(random);
        steps.push(match random.percent(45) && !ops.is_empty() {
            true => {
                let op = random.pick(ops);
                let flags = flags(shape, op, random);
                let is_bloom = shape.map_type == MapType::BloomFilter;
                let value = match op {
                    Op::Peek if is_bloom => asked(shape, &put, random),
                    _ => value(shape, shape.value as usize, random),
                };
                if is_bloom && op == Op::Push && flags == 0 {
                    put.push(value.clone());
                }
                let cpu = random.pick(&[0, 0, 1, 2, 5, u32::MAX]);
                Question::Packet(packet(shape, op, cpu, flags, &key, &value).into())
            }
            false => from_outside(shape, key, &mut put, random),
        });
    }
    if shape.is_listable() {
        steps.push(Question::Contents { map: 0 });
    }
    steps
}

/// Flags of a program's operation.
fn flags(shape: &Shape, op: Op, random: &mut Random) -> u64 {
    match op {
        Op::Redirect => random.pick(&[0, 1, 2, 3, 4, 5, 8, 16, 24, 1 << 32]),
        Op::Pop | Op::Lookup | Op::Delete => 0,
        _ if shape.map_type == MapType::BloomFilter => random.pick(&[0, 0, 0, 1, 2, 3]),
        _ => random.pick(&FLAGS),
    }
}

/// A system call.
fn from_outside(
    shape: &Shape,
    key: Vec<u8>,
    put: &mut Vec<Vec<u8>>,
    random: &mut Random,
) -> Question<'static> {
    let mut chance = random.below(100);
    if shape.map_type == MapType::Cpumap && chance < 32 {
        // Each update starts a thread.
        chance = 30 + random.below(10);
    }
    let op = match chance {
        0..42 => {
            let value = value(shape, shape.system_value(), random);
            let flags = match shape.map_type {
                MapType::Xskmap => random.pick(&[3, 4, 8, 1 << 32]),
                _ => random.pick(&FLAGS),
            };
            if shape.map_type == MapType::BloomFilter && flags == 0 {
                put.push(value.clone());
            }
            MapOp::Update {
                key: key.into(),
                value: value.into(),
                flags,
            }
        }
        42..62 if shape.map_type != MapType::BloomFilter => MapOp::Lookup { key: key.into() },
        62..76 => MapOp::Delete { key: key.into() },
        76..86 => MapOp::Take { key: key.into() },
        86..95 if shape.is_ordered() => MapOp::NextKey {
            key: random.percent(90).then(|| key.into()),
        },
        97.. if shape.is_listable() => return Question::Contents { map: 0 },
        _ => MapOp::Delete { key: key.into() },
    };
    Question::Map { map: 0, op }
}
