//! Random operations against the simplest thing that could be right.

use std::collections::{BTreeMap, HashMap, VecDeque};

use abi::{Errno, MapFlags, MapType};
use proptest::prelude::*;

use crate::support::{Maps, def};

/// What can be done to a map with keys.
#[derive(Clone, Debug)]
enum Op {
    Update { key: u8, value: u8, flags: u64 },
    Lookup(u8),
    Delete(u8),
    Take(u8),
}

fn ops(keys: u8) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..keys, any::<u8>(), 0u64..4)
            .prop_map(|(key, value, flags)| Op::Update { key, value, flags }),
        2 => (0..keys).prop_map(Op::Lookup),
        2 => (0..keys).prop_map(Op::Delete),
        1 => (0..keys).prop_map(Op::Take),
    ];
    prop::collection::vec(op, 1..300)
}

fn key(n: u8) -> [u8; 6] {
    [n, 1, 2, 3, 4, n ^ 0xff]
}

fn value(n: u8) -> [u8; 3] {
    [n, n, n]
}

/// Which errors an update may have, whatever the map.
fn refused(there: bool, flags: u64) -> Option<Errno> {
    match (there, flags) {
        (_, 3..) => Some(Errno::EINVAL),
        (true, 1) => Some(Errno::EEXIST),
        (false, 2) => Some(Errno::ENOENT),
        _ => None,
    }
}

proptest! {
    #[test]
    fn hash(ops in ops(40), preallocated in any::<bool>(), program in any::<bool>()) {
        let mut map = def(MapType::Hash, 6, 3, 20);
        map.flags = MapFlags(u32::from(!preallocated));
        let mut maps = Maps::with(&map);
        let mut model = HashMap::new();
        for op in ops {
            match op {
                Op::Update { key: k, value: v, flags } => {
                    let full = !model.contains_key(&k) && model.len() == 20;
                    let expected = refused(model.contains_key(&k), flags)
                        .or(full.then_some(Errno::E2BIG));
                    let answer = if program {
                        maps.update(k as u32 % 2, &key(k), &value(v), flags)
                    } else {
                        maps.sys_update(&key(k), &value(v), flags)
                    };
                    prop_assert_eq!(answer.err(), expected);
                    if expected.is_none() {
                        model.insert(k, v);
                    }
                }
                Op::Lookup(k) => {
                    let found = maps.lookup(0, &key(k));
                    let found = found.map(|at| maps.space.bytes(at, 3).to_vec());
                    prop_assert_eq!(found, model.get(&k).map(|v| value(*v).to_vec()));
                }
                Op::Delete(k) => {
                    let expected = model.remove(&k).map(|_| ()).ok_or(Errno::ENOENT);
                    prop_assert_eq!(maps.delete(&key(k)), expected);
                }
                Op::Take(k) => {
                    let map = maps.maps.last_mut().unwrap();
                    let taken = map.sys_take(&mut maps.space, &key(k));
                    let expected = model.remove(&k).map(|v| value(v).to_vec());
                    prop_assert_eq!(taken.ok(), expected);
                }
            }
        }
        let mut entries = maps.entries();
        entries.sort();
        let expected: BTreeMap<_, _> = model.iter().map(|(k, v)| (key(*k), value(*v))).collect();
        prop_assert_eq!(entries.len(), expected.len());
        for ((k, v), (k2, v2)) in entries.iter().zip(expected) {
            prop_assert_eq!((&k[..], &v[..]), (&k2[..], &v2[..]));
        }
    }

    /// An LRU map takes every entry, never holds more than it may, and what it
    /// holds is right.
    #[test]
    fn lru(
        ops in ops(120),
        entries in 1u32..40,
        own in any::<bool>(),
        cpus in prop::collection::vec(0u32..2, 300),
    ) {
        let mut map = def(MapType::LruHash, 6, 3, entries);
        map.flags = MapFlags(if own { MapFlags::NO_COMMON_LRU.0 } else { 0 });
        let mut maps = Maps::with(&map);
        let limit = maps.last().def().max_entries as usize;
        let mut model = HashMap::new();
        for (op, cpu) in ops.into_iter().zip(cpus) {
            match op {
                Op::Update { key: k, value: v, flags } => {
                    let answer = maps.update(cpu, &key(k), &value(v), flags);
                    let there = maps.sys_lookup(&key(k)).is_ok();
                    match answer {
                        Ok(()) => {
                            prop_assert!(there);
                            model.insert(k, v);
                        }
                        Err(errno) => prop_assert_eq!(refused(there, flags), Some(errno)),
                    }
                }
                Op::Lookup(k) | Op::Take(k) => {
                    if let Some(at) = maps.lookup(cpu, &key(k)) {
                        let expected = model.get(&k).map(|v| value(*v).to_vec());
                        prop_assert_eq!(Some(maps.space.bytes(at, 3).to_vec()), expected);
                    }
                }
                Op::Delete(k) => {
                    if maps.delete(&key(k)).is_ok() {
                        prop_assert!(model.remove(&k).is_some());
                    }
                }
            }
            prop_assert!(maps.entries().len() <= limit);
        }
    }

    #[test]
    fn array(ops in ops(12)) {
        let mut maps = Maps::with(&def(MapType::Array, 4, 3, 10));
        let mut model = [[0; 3]; 10];
        for op in ops {
            match op {
                Op::Update { key: k, value: v, flags } => {
                    let there = k < 10;
                    let expected = match refused(true, flags) {
                        Some(Errno::EINVAL) => Some(Errno::EINVAL),
                        _ if !there => Some(Errno::E2BIG),
                        other => other,
                    };
                    let answer = maps.update(0, &[k, 0, 0, 0], &value(v), flags);
                    prop_assert_eq!(answer.err(), expected);
                    if expected.is_none() {
                        model[k as usize] = value(v);
                    }
                }
                Op::Lookup(k) | Op::Take(k) => {
                    let found = maps.lookup(0, &[k, 0, 0, 0]);
                    let found = found.map(|at| maps.space.bytes(at, 3).to_vec());
                    prop_assert_eq!(found, model.get(k as usize).map(|v| v.to_vec()));
                }
                Op::Delete(k) => {
                    prop_assert_eq!(maps.delete(&[k, 0, 0, 0]), Err(Errno::EINVAL));
                }
            }
        }
    }

    #[test]
    fn queue_and_stack(
        ops in prop::collection::vec((0u8..4, any::<u8>(), 0u64..4), 1..200),
        stack in any::<bool>(),
    ) {
        let map_type = if stack { MapType::Stack } else { MapType::Queue };
        let mut maps = Maps::with(&def(map_type, 0, 3, 5));
        let mut model: VecDeque<u8> = VecDeque::new();
        for (op, v, flags) in ops {
            let map = maps.maps.last_mut().unwrap();
            let mut out = [0xaa; 3];
            if op < 2 {
                let answer = map.push(&mut maps.space, &value(v), flags);
                let expected = match flags {
                    1 | 3 => Err(Errno::EINVAL),
                    0 if model.len() == 5 => Err(Errno::E2BIG),
                    _ => Ok(()),
                };
                prop_assert_eq!(answer, expected);
                if expected.is_ok() {
                    model.truncate(5);
                    if model.len() == 5 {
                        model.pop_front();
                    }
                    model.push_back(v);
                }
                continue;
            }
            let next = if stack { model.back() } else { model.front() }.copied();
            let answer = if op == 2 {
                if stack { model.pop_back() } else { model.pop_front() };
                map.pop(&maps.space, &mut out)
            } else {
                map.peek(&maps.space, &mut out)
            };
            prop_assert_eq!(answer.is_ok(), next.is_some());
            prop_assert_eq!(out, next.map_or([0; 3], value));
        }
    }

    #[test]
    fn bloom_filter_forgets_nothing(values in prop::collection::vec(any::<u32>(), 1..200)) {
        let mut maps = Maps::with(&def(MapType::BloomFilter, 0, 4, 100));
        let map = maps.maps.last_mut().unwrap();
        for v in &values {
            map.push(&mut maps.space, &v.to_le_bytes(), 0).unwrap();
            prop_assert_eq!(map.push(&mut maps.space, &v.to_le_bytes(), 1), Err(Errno::EINVAL));
        }
        for v in &values {
            prop_assert_eq!(map.peek(&maps.space, &mut v.to_le_bytes()), Ok(()));
        }
    }

    #[test]
    fn prefixes(ops in prop::collection::vec((0u8..8, 0u32..18, any::<u16>(), 0u64..3), 1..200)) {
        let mut maps = Maps::with(&def(MapType::LpmTrie, 6, 3, 15));
        let mut model: BTreeMap<Vec<bool>, u8> = BTreeMap::new();
        for (op, bits, data, flags) in ops {
            // Few different bits, so that prefixes meet.
            let data = data & 0xc3c3;
            let mut key = bits.to_le_bytes().to_vec();
            key.extend(data.to_be_bytes());
            if bits > 16 {
                prop_assert_eq!(maps.update(0, &key, &value(0), 0), Err(Errno::EINVAL));
                prop_assert_eq!(maps.lookup(0, &key), None);
                continue;
            }
            let prefix: Vec<bool> = (0..bits).map(|i| data >> (15 - i) & 1 == 1).collect();
            match op {
                0..4 => {
                    let there = model.contains_key(&prefix);
                    let full = !there && model.len() == 15;
                    let expected = refused(there, flags).or(full.then_some(Errno::ENOSPC));
                    let answer = maps.update(0, &key, &value(data as u8), flags);
                    prop_assert_eq!(answer.err(), expected);
                    if expected.is_none() {
                        model.insert(prefix, data as u8);
                    }
                }
                4..6 => {
                    let longest = (0..=prefix.len()).rev().find_map(|n| model.get(&prefix[..n]));
                    let found = maps.lookup(0, &key);
                    let found = found.map(|at| maps.space.bytes(at, 3).to_vec());
                    prop_assert_eq!(found, longest.map(|v| value(*v).to_vec()));
                }
                _ => {
                    let expected = model.remove(&prefix).map(|_| ()).ok_or(Errno::ENOENT);
                    prop_assert_eq!(maps.delete(&key), expected);
                }
            }
        }
        // Post-order: a prefix comes after all that continue it.
        let mut order: Vec<Vec<u8>> = model.keys().map(|p| order_key(p)).collect();
        order.sort();
        let shown: Vec<Vec<u8>> = maps.entries().iter().map(|(k, _)| {
            let bits = u32::from_le_bytes([k[0], k[1], k[2], k[3]]);
            let data = u16::from_be_bytes([k[4], k[5]]);
            order_key(&(0..bits).map(|i| data >> (15 - i) & 1 == 1).collect::<Vec<_>>())
        }).collect();
        prop_assert_eq!(shown, order);
    }
}

/// Bits, then an end that comes after both of them.
fn order_key(prefix: &[bool]) -> Vec<u8> {
    prefix.iter().map(|b| u8::from(*b)).chain([2]).collect()
}
