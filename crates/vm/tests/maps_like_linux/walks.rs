//! Walks over maps (`bpf_for_each_map_elem`) and iteration by key.

use std::collections::HashSet;

use abi::{Errno, MapType};
use vm::map::Walk;
use vm::memory::{Access, Addr};

use crate::support::{Maps, def};

impl Maps {
    fn walk(&mut self, cpu: u32, walk: &mut Walk) -> Option<(Addr, Addr)> {
        let map = self.maps.last_mut().unwrap();
        map.walk(&mut self.space, cpu, walk).unwrap()
    }

    fn u32_at(&self, addr: Addr) -> u32 {
        u32::from_le_bytes(self.space.load(addr.to_reg()).unwrap())
    }
}

#[test]
fn arrays_by_index() {
    for map_type in [MapType::Array, MapType::PercpuArray] {
        let mut maps = Maps::with(&def(map_type, 4, 8, 5));
        for i in 0..5u32 {
            maps.update(1, &i.to_le_bytes(), &u64::from(i * 3).to_le_bytes(), 0)
                .unwrap();
        }
        let mut walk = Walk::default();
        for i in 0..5 {
            let (key, value) = maps.walk(1, &mut walk).unwrap();
            assert_eq!(maps.u32_at(key), i);
            assert_eq!(maps.read_u64(value), u64::from(i * 3));
            assert!(!maps.allows(key, 4, Access::Write));
            assert!(maps.allows(value, 8, Access::Write));
        }
        assert_eq!(maps.walk(1, &mut walk), None);
    }
}

/// A callback may read its key after an inner walk over the same map.
#[test]
fn walks_inside_of_walks() {
    let mut maps = Maps::with(&def(MapType::Array, 4, 8, 20));
    let mut outer = Walk::default();
    for i in 0..20 {
        let (key, _) = maps.walk(0, &mut outer).unwrap();
        let mut inner = Walk::default();
        while maps.walk(0, &mut inner).is_some() {}
        assert_eq!(maps.u32_at(key), i);
    }
}

/// Deleting, replacing and inserting during a walk: every entry that stays is met
/// exactly once.
#[test]
fn changes_during_a_walk() {
    for map_type in [MapType::Hash, MapType::PercpuHash, MapType::LruHash] {
        let mut maps = Maps::with(&def(map_type, 4, 8, 200));
        for i in 0..100u32 {
            maps.update(0, &i.to_le_bytes(), &[1; 8], 0).unwrap();
        }
        let mut met = HashSet::new();
        let mut walk = Walk::default();
        while let Some((key, _)) = maps.walk(0, &mut walk) {
            let key = maps.u32_at(key);
            assert!(met.insert(key), "{map_type:?}: {key} twice");
            match key {
                k if k >= 100 => {}
                k if k % 3 == 0 => maps.delete(&k.to_le_bytes()).unwrap(),
                k if k % 3 == 1 => maps.update(0, &k.to_le_bytes(), &[2; 8], 2).unwrap(),
                k => maps
                    .update(0, &(k + 1000).to_le_bytes(), &[3; 8], 1)
                    .unwrap(),
            }
        }
        assert!((0..100).all(|key| met.contains(&key)), "{map_type:?}");
    }
}

/// The same by `next_key`: replacing the current entry does not lose the place.
#[test]
fn updates_during_iteration() {
    let mut maps = Maps::with(&def(MapType::Hash, 4, 8, 100));
    for i in 0..100u32 {
        maps.sys_update(&i.to_le_bytes(), &[1; 8], 0).unwrap();
    }
    let mut count = 0;
    let mut key = maps.next_key(None);
    while let Ok(k) = key {
        count += 1;
        maps.sys_update(&k, &[2; 8], 2).unwrap();
        key = maps.next_key(Some(&k));
    }
    assert_eq!(count, 100);
}

#[test]
fn maps_without_walks() {
    for map_type in [MapType::LpmTrie, MapType::Queue, MapType::Devmap] {
        let (key_size, value_size) = match map_type {
            MapType::LpmTrie => (8, 8),
            MapType::Queue => (0, 8),
            _ => (4, 8),
        };
        let mut maps = Maps::with(&def(map_type, key_size, value_size, 2));
        let map = maps.maps.last_mut().unwrap();
        let answer = map.walk(&mut maps.space, 0, &mut Walk::default());
        assert_eq!(answer, Err(Errno::ENOTSUPP));
    }
}
