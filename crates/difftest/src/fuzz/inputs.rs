//! What programs are run on: packets and map contents, biased to boundaries.

use abi::{MapDef, MapType, Program};
use isa::{Imm64, Insn};
use serde::{Deserialize, Serialize};

use crate::families::Random;

/// Lengths around those at which headers end: Ethernet, IPv4, TCP, a full frame.
const LENGTHS: [usize; 14] = [14, 15, 20, 33, 34, 35, 42, 53, 54, 60, 63, 64, 128, 1514];

/// The opcode of 64-bit immediate loads, which alone name maps: there is no need to
/// decode the others.
const LOAD_IMM: u8 = 0x18;
/// Bytes of a value after which it repeats itself.
const VALUE: usize = 64;

/// What a program is run on, once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The packet.
    pub packet: Vec<u8>,
    /// Metadata in front of it.
    #[serde(default)]
    pub meta: Vec<u8>,
    /// What is put into maps before.
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// Where `bpf_get_prandom_u32` begins.
    #[serde(default)]
    pub random: u64,
}

/// An entry of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Index of the map in the program's list.
    pub map: u32,
    /// The key.
    pub key: Vec<u8>,
    /// The value; of all CPUs, one after the other, where each has its own.
    pub value: Vec<u8>,
}

impl Input {
    /// For a program that reads numbers of eight bytes from a packet of this many.
    pub(super) fn numbers(count: usize, random: &mut Random) -> Input {
        let mut packet = Vec::with_capacity(8 * count);
        for _ in 0..count {
            packet.extend_from_slice(&number(random).to_le_bytes());
        }
        Input {
            packet,
            random: random.number(),
            ..Input::default()
        }
    }

    /// For a program that uses `maps`.
    pub(super) fn new(maps: &[(u32, &MapDef)], random: &mut Random) -> Input {
        let len = match random.percent(50) {
            true => 64,
            false => random.pick(&LENGTHS),
        };
        let mut packet = Vec::with_capacity(len + 8);
        while packet.len() < len {
            packet.extend_from_slice(&number(random).to_le_bytes());
        }
        packet.truncate(len);
        let meta = 4 * random.below(5) as usize;
        let meta = match random.percent(20) {
            true => random.bytes(meta),
            false => Vec::new(),
        };
        let mut entries = Vec::new();
        for (index, def) in maps {
            for _ in 0..random.below(4) {
                entries.extend(entry(*index, def, random));
            }
        }
        Input {
            packet,
            meta,
            entries,
            random: random.number(),
        }
    }
}

/// The maps that a program names.
pub(super) fn maps_of(program: &Program) -> Vec<(u32, &MapDef)> {
    let mut maps: Vec<(u32, &MapDef)> = Vec::new();
    for (at, slot) in program.code.iter().enumerate() {
        if slot.opcode != LOAD_IMM {
            continue;
        }
        let insn = isa::decode(*slot, program.code.get(at + 1).copied());
        if let Insn::LoadImm {
            imm: Imm64::MapIndex { index } | Imm64::MapIndexValue { index, .. },
            ..
        } = insn
            && let Some(def) = program.maps.get(index as usize)
            && maps.iter().all(|(known, _)| *known != index as u32)
        {
            maps.push((index as u32, def));
        }
    }
    maps
}

/// An entry that a map may take; none for maps whose values are no plain bytes.
fn entry(map: u32, def: &MapDef, random: &mut Random) -> Option<Entry> {
    let plain = matches!(
        def.map_type,
        MapType::Array
            | MapType::PercpuArray
            | MapType::Hash
            | MapType::LruHash
            | MapType::PercpuHash
            | MapType::LpmTrie
            | MapType::Queue
            | MapType::Stack
    );
    if !plain {
        return None;
    }
    let small = random.below(u64::from(def.max_entries).clamp(1, 8)) as u32;
    let mut key = small.to_le_bytes().to_vec();
    key.resize(def.key_size as usize, 0);
    let size = match def.map_type.is_percpu() {
        true => (def.value_size as usize).next_multiple_of(8),
        false => def.value_size as usize,
    };
    let mut value = Vec::with_capacity(size + 8);
    while value.len() < size.min(VALUE) {
        value.extend_from_slice(&number(random).to_le_bytes());
    }
    while value.len() < size {
        let more = value.len().min(size - value.len());
        value.extend_from_within(..more);
    }
    value.truncate(size);
    Some(Entry { map, key, value })
}

/// A number of eight bytes: small, near a power of two, all ones, or several
/// smaller ones together.
fn number(random: &mut Random) -> u64 {
    match random.below(8) {
        0 => random.below(4),
        1 => u64::MAX.wrapping_sub(random.below(3)),
        2 => random.edge() & 0xffff_ffff | random.edge() << 32,
        3 => random.below(256),
        4 => u64::from(random.edge() as u32),
        5 => random.number(),
        _ => random.edge(),
    }
}
