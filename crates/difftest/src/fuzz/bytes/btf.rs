//! Types: any bytes as BTF, with everything that follows references in it, and
//! CO-RE relocations from one set of types to another.
//!
//! For relocations the bytes are two lengths of four bytes, then the program's
//! types, its `.BTF.ext`, and the target's types.

use std::collections::BTreeSet;
use std::sync::Arc;

use btf::core::Resolver;
use btf::ext::Ext;
use btf::value::{self, Value};
use btf::{Btf, TypeId};

use super::Plain;
use super::binary::{part, put, u32_at};
use crate::families::{Random, Seed};

/// Of more types only the first and last are looked at.
const MOST_TYPES: u32 = 128;
/// Larger values are not made.
const MOST_BYTES: u64 = 512;
/// Nor are values of more than so many bytes together.
const MOST_BYTES_IN_ALL: u64 = 16 << 10;

/// Parses types, alone and on top of themselves, and looks at them.
pub(super) fn run(bytes: &[u8]) {
    let Ok(btf) = Btf::parse(bytes) else {
        return;
    };
    look(&btf);
    let base = Arc::new(btf);
    let _ = Ext::parse(bytes, &base);
    if let Ok(split) = Btf::parse_split(bytes, base) {
        look(&split);
    }
}

/// Follows every reference, and makes values of every type.
fn look(btf: &Btf) {
    let last = btf.len();
    let mut left = MOST_BYTES_IN_ALL;
    for id in (0..=last).map(TypeId) {
        if id.0 > MOST_TYPES && id.0 + MOST_TYPES < last {
            continue;
        }
        let _ = (btf.ty(id), btf.resolve(id), btf.strip_modifiers(id));
        let _ = btf.type_name(id).to_string();
        let _ = btf.declaration(id, "x").to_string();
        let name = btf.name(id);
        let _ = btf.find_all(name).count();
        let _ = btf.flavors(btf::essential_name(name)).count();
        let _ = btf.align_of(id);
        let size = btf.size_of(id).map_or(8, u64::from);
        if size <= MOST_BYTES.min(left) {
            left -= size;
            values(btf, id, size as usize);
        }
    }
    let _ = btf.decl_tags().count();
}

/// What a value's bytes mean is what bytes of that meaning mean.
fn values(btf: &Btf, id: TypeId, size: usize) {
    for fill in [1, 0x61, 0xff] {
        let bytes = vec![fill; size];
        let Ok(tree) = value::decode(btf, id, &bytes) else {
            continue;
        };
        // Broken types may have members of the same name, and such that overlap and
        // contradict each other.
        if !names_differ(&tree) {
            continue;
        }
        let Ok(encoded) = value::encode(btf, id, &tree) else {
            continue;
        };
        let again = value::decode(btf, id, &encoded).expect("bytes that were encoded");
        assert_eq!(tree, again, "{} of {fill:#x}", btf.type_name(id));
    }
}

/// Whether no struct in a value has two members of the same name.
fn names_differ(tree: &Value) -> bool {
    match tree {
        Value::Struct(members) => {
            let names: BTreeSet<_> = members.iter().map(|(name, _)| name).collect();
            names.len() == members.len() && members.iter().all(|(_, value)| names_differ(value))
        }
        Value::Array(values) => values.iter().all(names_differ),
        _ => true,
    }
}

/// Resolves relocations from one set of types to another.
pub(super) fn run_core(bytes: &[u8]) {
    let [local, ext, target] = split(bytes);
    let Ok(local) = Btf::parse(local) else {
        return;
    };
    let Ok(ext) = Ext::parse(ext, &local) else {
        return;
    };
    for section in &ext.line_info {
        for line in section.records.iter().take(64) {
            let _ = (line.file(&local), line.text(&local));
        }
    }
    let target = Btf::parse(target);
    let mut resolvers = vec![Resolver::alone(&local)];
    resolvers.extend(target.iter().map(|target| Resolver::new(&local, target)));
    for resolver in &mut resolvers {
        for relo in ext.core_relo.iter().flat_map(|section| &section.records) {
            if let Err(error) = resolver.resolve(relo) {
                let _ = error.to_string();
            }
        }
    }
}

/// The program's types, its `.BTF.ext`, the target's types.
fn split(bytes: &[u8]) -> [&[u8]; 3] {
    let (local, ext) = (u32_at(bytes, 0) as usize, u32_at(bytes, 4) as usize);
    let rest = part(bytes, 8, usize::MAX);
    let after = part(rest, local, usize::MAX);
    [
        part(rest, 0, local),
        part(after, 0, ext),
        part(after, ext, usize::MAX),
    ]
}

/// The other way round.
pub(super) fn join([local, ext, target]: [&[u8]; 3]) -> Vec<u8> {
    let lengths = [local.len() as u32, ext.len() as u32].map(u32::to_le_bytes);
    [&lengths.concat(), local, ext, target].concat()
}

/// Changes one of the three parts.
pub(super) fn mutate_core(bytes: &mut Vec<u8>, max: usize, bits: u64, plain: Plain<'_>) {
    let mut random = Random::new(Seed(bits), 2);
    let mut parts = split(bytes).map(<[u8]>::to_vec);
    let room = max.saturating_sub(bytes.len());
    match random.below(9) {
        8 => change_access(&mut parts[0], &mut random),
        which @ 0..=4 => {
            let types = &mut parts[if which < 2 { 0 } else { 2 }];
            let most = types.len() + room;
            mutate(types, most, random.number(), plain);
        }
        // Kinds, types and accesses of relocations.
        5 | 6 => {
            let ext = &mut parts[1];
            let words = ext.len() as u64 / 4;
            let at = random.below(words.max(1)) as usize * 4;
            let value = match random.percent(70) {
                true => random.below(64),
                false => random.edge(),
            };
            put(ext, at, &(value as u32).to_le_bytes());
        }
        _ => {
            let most = parts[1].len() + room;
            plain(&mut parts[1], most);
        }
    }
    let joined = join([&parts[0], &parts[1], &parts[2]]);
    if joined.len() <= max {
        *bytes = joined;
    }
}

/// Changes a character of an access string, `0:11`.
fn change_access(types: &mut [u8], random: &mut Random) {
    const CHARACTERS: [u8; 5] = *b"-:019";
    let of_access = |byte: &u8| byte.is_ascii_digit() || *byte == b':';
    let pairs = types.windows(2).enumerate();
    let pairs = pairs.filter(|(_, pair)| pair.iter().all(of_access));
    let places: Vec<usize> = pairs.map(|(at, _)| at).collect();
    if !places.is_empty() {
        types[random.pick(&places)] = random.pick(&CHARACTERS);
    }
}

/// What BTF begins with.
pub(super) const MAGIC: [u8; 3] = [0x9f, 0xeb, 1];
/// Bytes of the header.
const HEADER: usize = 24;

/// Bytes of a type with this first part.
fn record_len(info: u32) -> usize {
    let vlen = (info & 0xffff) as usize;
    12 + match info >> 24 & 0x1f {
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * vlen,
        6 | 13 => 8 * vlen,
        _ => 0,
    }
}

/// Takes types apart: one piece for each.
fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let len = record_len(u32_at(bytes, 4)).min(bytes.len());
        let (record, rest) = bytes.split_at(len);
        records.push(record.to_vec());
        bytes = rest;
    }
    records
}

/// Changes types or strings, and mends the header.
pub(super) fn mutate(bytes: &mut Vec<u8>, max: usize, bits: u64, plain: Plain<'_>) {
    let mut random = Random::new(Seed(bits), 3);
    let random = &mut random;
    if !bytes.starts_with(&MAGIC) || bytes.len() < HEADER || random.percent(10) {
        return plain(bytes, max);
    }
    let head = u32_at(bytes, 4) as usize;
    let range = |at| {
        let start = head.saturating_add(u32_at(bytes, at) as usize);
        part(bytes, start, u32_at(bytes, at + 4) as usize)
    };
    let (mut types, mut strings) = (records(range(8)), range(16).to_vec());
    let room = max.saturating_sub(bytes.len());
    for _ in 0..=random.below(3) {
        match random.below(10) {
            0 => {
                let most = strings.len() + room.min(64);
                plain(&mut strings, most);
            }
            _ if types.is_empty() => return plain(bytes, max),
            _ => change(&mut types, strings.len() as u64, random),
        }
    }
    let types = types.concat();
    let mut file = part(bytes, 0, HEADER).to_vec();
    let lengths = [
        HEADER as u32,
        0,
        types.len() as u32,
        types.len() as u32,
        strings.len() as u32,
    ];
    put(&mut file, 4, &lengths.map(u32::to_le_bytes).concat());
    let file = [file, types, strings].concat();
    if file.len() <= max {
        *bytes = file;
    }
}

/// Changes one type.
fn change(types: &mut Vec<Vec<u8>>, strings: u64, random: &mut Random) {
    let count = types.len() as u64;
    let index = random.below(count) as usize;
    let other = types[random.below(count) as usize].clone();
    let record = &mut types[index];
    match random.below(12) {
        0 => types.push(other),
        1 => *record = other,
        2 => {
            types.remove(index);
        }
        // Another kind, and as many bytes as that has.
        3 => {
            let info = u32_at(record, 4) & 0x8000_ffff | (random.below(20) as u32) << 24;
            put(record, 4, &info.to_le_bytes());
            record.resize(record_len(info), 0);
        }
        // More or fewer members.
        4 => {
            let info = u32_at(record, 4) & 0xffff_0000 | random.below(6) as u32;
            put(record, 4, &info.to_le_bytes());
            record.resize(record_len(info), 0);
        }
        // With the kind flag or without.
        5 => {
            let info = u32_at(record, 4) ^ 0x8000_0000;
            put(record, 4, &info.to_le_bytes());
        }
        6 => put(record, 0, &(random.below(strings + 1) as u32).to_le_bytes()),
        // A size, or a reference: to itself now and then.
        7 => put(record, 8, &(index as u32 + 1).to_le_bytes()),
        _ => {
            let words = record.len() as u64 / 4;
            let at = random.below(words.max(1)) as usize * 4;
            let value = match random.below(8) {
                0 => random.edge(),
                1..=3 => random.below(1 << 9),
                _ => random.below(count + 2),
            };
            put(record, at, &(value as u32).to_le_bytes());
        }
    }
}

/// The beginning of a header, and separators of accesses and flavours.
pub(super) fn words() -> Vec<Vec<u8>> {
    let words: [&[u8]; 6] = [
        &[0x9f, 0xeb, 1, 0, 24, 0, 0, 0],
        b"___",
        b"0:0",
        b"0:1:2",
        b":",
        b"\0",
    ];
    words.map(<[u8]>::to_vec).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Pool;

    #[test]
    fn parts_that_are_joined_are_split() {
        assert_eq!(split(&join([b"a", b"", b"cde"])), [&b"a"[..], b"", b"cde"]);
        assert_eq!(split(&[9]), [&b""[..]; 3]);
        assert_eq!(split(&[0xff; 12]), [&[0xff; 4][..], b"", b""]);
    }

    #[test]
    fn types_are_taken_apart_where_they_end() {
        let btf = &Pool::get().btf;
        let bytes = btf.bytes();
        let types = part(bytes, HEADER, u32_at(bytes, 12) as usize);
        assert_eq!(records(types).len() as u32, btf.len() - 1);
    }

    #[test]
    fn many_changed_types_can_still_be_read() {
        let bytes = Pool::get().btf.bytes();
        let changed = (0..200).map(|bits| {
            let mut changed = bytes.to_vec();
            mutate(&mut changed, bytes.len() + 64, bits, &mut |_, _| {});
            changed
        });
        let changed: Vec<_> = changed.filter(|changed| changed != bytes).collect();
        let read = changed.iter().filter(|bytes| Btf::parse(bytes).is_ok());
        let read = read.count();
        assert!(changed.len() > 120, "{} changed", changed.len());
        assert!(read * 10 > changed.len(), "{read} of {}", changed.len());
    }
}
