//! Which definitions become maps.

use abi::{Errno, Initial, MapFlags, MapType};
use vm::map::MapError;
use vm::memory::Access;

use crate::support::{CPUS, Maps, def, map_type};

/// Every measured definition gets Linux's answer.
#[test]
fn linux_answers() {
    let mut checked = 0;
    for line in include_str!("../data/map_definitions.txt").lines() {
        if line.starts_with('#') {
            continue;
        }
        let (question, expected) = line.split_once(" | ").unwrap();
        let answer = match make(question) {
            Ok(()) => "ok".to_owned(),
            Err(MapError::Refused { errno, .. }) => errno.to_string(),
            Err(other) => other.to_string(),
        };
        assert_eq!(answer, expected, "{question}");
        checked += 1;
    }
    assert!(checked > 1000);
}

fn make(question: &str) -> Result<(), MapError> {
    let words: Vec<&str> = question.split(' ').collect();
    let number = |i: usize| words[i].parse().unwrap();
    let mut map = def(map_type(words[0]), number(1), number(2), number(3));
    let flags = words[4].trim_start_matches("0x");
    map.flags = MapFlags(u32::from_str_radix(flags, 16).unwrap());
    map.extra = words[5].parse().unwrap();
    if words[6] != "-" {
        map.inner = Some(Box::new(def(map_type(words[6]), 4, 4, 1)));
    }
    Maps::new().create(&map).map(|_| ())
}

#[test]
fn unknown_types_are_named() {
    for name in ["sk_storage", "arena", "sockmap"] {
        let error = Maps::new()
            .create(&def(map_type(name), 4, 16, 0))
            .unwrap_err();
        assert!(matches!(error, MapError::Unsupported { kind, .. } if kind == name));
    }
}

/// A table for ten million entries takes no memory and no time until it is used.
#[test]
fn large_and_sparse() {
    let mut maps = Maps::with(&def(MapType::Hash, 16, 64, 10_000_000));
    for i in 0..1000u128 {
        maps.update(0, &i.to_le_bytes(), &[7; 64], 0).unwrap();
    }
    assert_eq!(maps.entries().len(), 1000);
    Maps::with(&def(MapType::LruHash, 16, 64, 10_000_000));
    Maps::with(&def(MapType::LpmTrie, 8, 8, 100_000_000));
    Maps::with(&def(MapType::ProgArray, 4, 4, u32::MAX));
    Maps::with(&def(MapType::Queue, 0, 4096, u32::MAX));
}

#[test]
fn too_large_for_the_space() {
    for (map_type, value_size, entries) in [
        (MapType::Array, 1 << 20, 1 << 20),
        (MapType::PercpuArray, 32768, 1 << 17),
        (MapType::Hash, 1000, 10_000_000),
    ] {
        let error = Maps::new().create(&def(map_type, 4, value_size, entries));
        assert!(matches!(error, Err(MapError::Space { .. })), "{map_type:?}");
    }
}

/// When memory runs out later, it is the update that says so.
#[test]
fn memory_runs_out() {
    let mut maps = Maps::new();
    maps.create(&def(MapType::Array, 4, 1 << 30, 3)).unwrap();
    maps.create(&def(MapType::Hash, 4, 1 << 20, 4000)).unwrap();
    let full = (0..4000u32).find_map(|i| {
        let value = vec![0; 1 << 20];
        maps.update(0, &i.to_le_bytes(), &value, 0).err()
    });
    assert_eq!(full, Some(Errno::ENOMEM));
    let entries = maps.last().def().max_entries;
    assert_eq!(entries, 4000);
}

#[test]
fn sizes_are_filled_in() {
    let mut maps = Maps::with(&def(MapType::PerfEventArray, 4, 4, 0));
    assert_eq!(maps.last().def().max_entries, CPUS);
    let mut own = def(MapType::LruHash, 4, 4, 3);
    own.flags = MapFlags::NO_COMMON_LRU;
    assert_eq!(Maps::with(&own).last().def().max_entries, 4);
}

#[test]
fn global_data() {
    let mut data = def(MapType::Array, 4, 10, 1);
    data.initial = Initial::Bytes(b"0123456789".to_vec());
    data.flags = MapFlags::RDONLY_PROG;
    let mut maps = Maps::with(&data);
    let direct = maps.last().direct().unwrap();
    assert_eq!(direct.entries, 1);
    assert_eq!(
        maps.space.read(direct.base.to_reg(), 10).unwrap(),
        b"0123456789"
    );
    assert!(!maps.allows(direct.base, 11, Access::Read));
    assert!(!maps.allows(direct.base, 1, Access::Write));
}
