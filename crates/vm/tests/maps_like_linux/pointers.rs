//! What the pointers that a program holds show, and what they reach.
//!
//! The values of stale pointers were measured on Linux 6.18 with a program that
//! looks an element up, updates, and reads through the old pointer.

use abi::{MapFlags, MapType};
use vm::memory::Access;

use crate::support::{Maps, def};

const KEYS: [[u8; 4]; 3] = [[0; 4], [1, 0, 0, 0], [2, 0, 0, 0]];

fn value(n: u64) -> [u8; 8] {
    n.to_le_bytes()
}

/// What the pointer to the first value, 100, shows after each of `updates`: the
/// number of the key and the new value.
fn stale(map_type: MapType, flags: u32, updates: [(usize, u64); 3]) -> [u64; 3] {
    let mut map = def(map_type, 4, 8, 4);
    map.flags = MapFlags(flags);
    let mut maps = Maps::with(&map);
    maps.update(0, &KEYS[0], &value(100), 0).unwrap();
    let pointer = maps.lookup(0, &KEYS[0]).unwrap();
    updates.map(|(key, n)| {
        maps.update(0, &KEYS[key], &value(n), 0).unwrap();
        maps.read_u64(pointer)
    })
}

#[test]
fn stale_pointers() {
    let again = [(0, 200), (0, 300), (1, 400)];
    let others = [(0, 200), (1, 300), (2, 400)];
    for (map_type, flags, after_again, after_others) in [
        (MapType::Hash, 0, [100, 300, 300], [100, 100, 100]),
        (MapType::Hash, 1, [100, 300, 300], [100, 300, 300]),
        (MapType::LruHash, 0, [100, 300, 300], [100, 300, 300]),
        (MapType::LruHash, 2, [100, 300, 300], [100, 300, 400]),
        (MapType::PercpuHash, 0, [200, 300, 300], [200, 200, 200]),
        (MapType::LruPercpuHash, 0, [200, 300, 300], [200, 200, 200]),
        (MapType::Array, 0, [200, 300, 300], [200, 200, 200]),
    ] {
        assert_eq!(stale(map_type, flags, again), after_again, "{map_type:?}");
        assert_eq!(stale(map_type, flags, others), after_others, "{map_type:?}");
    }
}

#[test]
fn stale_pointer_of_a_prefix() {
    let mut maps = Maps::with(&def(MapType::LpmTrie, 8, 8, 1));
    let key = [32, 0, 0, 0, 10, 0, 0, 1];
    maps.update(0, &key, &value(100), 0).unwrap();
    let pointer = maps.lookup(0, &key).unwrap();
    for n in 0..20 {
        maps.update(0, &key, &value(n), 0).unwrap();
    }
    assert_eq!(maps.read_u64(pointer), 100);
}

/// A deleted element is the next that is used.
#[test]
fn deleted_elements_are_used_again() {
    for (map_type, flags) in [
        (MapType::Hash, 0),
        (MapType::Hash, 1),
        (MapType::LruHash, 0),
    ] {
        let mut map = def(map_type, 4, 8, 4);
        map.flags = MapFlags(flags);
        let mut maps = Maps::with(&map);
        maps.update(0, &KEYS[0], &value(100), 0).unwrap();
        let pointer = maps.lookup(0, &KEYS[0]).unwrap();
        maps.delete(&KEYS[0]).unwrap();
        assert_eq!(maps.read_u64(pointer), 100);
        maps.update(0, &KEYS[1], &value(200), 0).unwrap();
        assert_eq!(maps.read_u64(pointer), 200, "{map_type:?}");
    }
}

#[test]
fn exactly_the_value_is_in_bounds() {
    for map_type in [
        MapType::Array,
        MapType::PercpuArray,
        MapType::Hash,
        MapType::PercpuHash,
        MapType::LruHash,
        MapType::LpmTrie,
    ] {
        let key_size = if map_type == MapType::LpmTrie { 8 } else { 4 };
        let mut maps = Maps::with(&def(map_type, key_size, 13, 5));
        for i in 0..4 {
            let key = [32, 0, 0, 0, 1, 2, 3, i];
            let key = if key_size == 8 {
                key
            } else {
                [i, 0, 0, 0, 0, 0, 0, 0]
            };
            maps.update(1, &key[..key_size as usize], &[i; 13], 0)
                .unwrap();
            let at = maps.lookup(1, &key[..key_size as usize]).unwrap();
            assert!(at.0.is_multiple_of(8));
            assert!(maps.allows(at, 13, Access::Write));
            assert!(!maps.allows(at, 14, Access::Read), "{map_type:?}");
            assert!(!maps.allows(at.offset(13), 1, Access::Read), "{map_type:?}");
        }
    }
}

/// Each CPU's value is its own; a new entry is zero on the others, and a program
/// replaces only its own.
#[test]
fn values_of_other_cpus() {
    for map_type in [MapType::PercpuHash, MapType::LruPercpuHash] {
        let mut maps = Maps::with(&def(map_type, 4, 5, 20));
        maps.sys_update(&KEYS[0], &[0x11; 16], 0).unwrap();
        maps.delete(&KEYS[0]).unwrap();
        maps.update(0, &KEYS[0], &[0xff; 5], 0).unwrap();
        let first = [[0xff; 5], [0; 5]];
        let shown = maps.sys_lookup(&KEYS[0]).unwrap();
        assert_eq!([&shown[..5], &shown[8..13]], first);
        maps.sys_update(&KEYS[0], &[0x22; 16], 0).unwrap();
        maps.update(1, &KEYS[0], &[0xff; 5], 0).unwrap();
        let shown = maps.sys_lookup(&KEYS[0]).unwrap();
        assert_eq!([&shown[..5], &shown[8..13]], [[0x22; 5], [0xff; 5]]);
        let map = maps.maps.last_mut().unwrap();
        let other = map.lookup_percpu(&maps.space, 1, &KEYS[0]).unwrap();
        assert_eq!(maps.space.read(other.to_reg(), 5).unwrap(), [0xff; 5]);
        let map = maps.maps.last_mut().unwrap();
        assert_eq!(map.lookup_percpu(&maps.space, 2, &KEYS[0]), None);
    }
}

#[test]
fn rights_of_programs() {
    for (flags, read, write) in [
        (MapFlags::RDONLY_PROG, true, false),
        (MapFlags::WRONLY_PROG, false, true),
        (MapFlags::default(), true, true),
    ] {
        let mut map = def(MapType::Hash, 4, 8, 4);
        map.flags = flags;
        let mut maps = Maps::with(&map);
        maps.sys_update(&KEYS[0], &value(1), 0).unwrap();
        let at = maps.lookup(0, &KEYS[0]).unwrap();
        assert_eq!(maps.allows(at, 8, Access::Read), read);
        assert_eq!(maps.allows(at, 8, Access::Write), write);
    }
}
