//! Maps of the running kernel: every command, every kind of map, and the answers
//! that the VM's tests hold the VM against, asked anew.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod common;

use std::slice::from_ref;

use abi::{Errno, Initial, InitialEntry, MapDef, MapFlags, MapKind, MapType, ProgType};
use common::{def, program};
use kernel::{Kernel, LoadOptions, Map, TestRun, update};

const DEFINITIONS: &str = include_str!("../../vm/tests/data/map_definitions.txt");
const OPERATIONS: &str = include_str!("../../vm/tests/data/map_operations.txt");

#[test]
fn hash_commands() {
    let kernel = kernel_or_return!();
    let map = kernel
        .create_map(&def(MapType::Hash, 4, 8, 2), None)
        .unwrap();
    let (one, two, three) = ([1, 0, 0, 0], [2, 0, 0, 0], [3, 0, 0, 0]);
    assert_eq!(map.lookup(&one), Err(Errno::ENOENT));
    assert_eq!(map.next_key(None), Err(Errno::ENOENT));
    assert_eq!(map.update(&one, &[1; 8], update::EXIST), Err(Errno::ENOENT));
    assert_eq!(map.update(&one, &[1; 8], update::NOEXIST), Ok(()));
    assert_eq!(
        map.update(&one, &[1; 8], update::NOEXIST),
        Err(Errno::EEXIST)
    );
    assert_eq!(map.update(&two, &[2; 8], update::ANY), Ok(()));
    assert_eq!(map.update(&three, &[3; 8], update::ANY), Err(Errno::E2BIG));
    let mut keys = map.keys().unwrap();
    keys.sort();
    assert_eq!(keys, [one, two]);
    assert_eq!(map.take(&one), Ok(vec![1; 8]));
    assert_eq!(map.delete(&one), Err(Errno::ENOENT));
    assert_eq!(map.entries(), Ok(vec![(two.to_vec(), vec![2; 8])]));
    // What Linux is not told is not left to chance.
    assert_eq!(map.update(&one, &[1; 4], update::ANY), Err(Errno::EINVAL));
    assert_eq!(map.lookup(&[1]), Err(Errno::EINVAL));
    let info = map.info().unwrap();
    assert_eq!(
        (info.key_size, info.value_size, info.max_entries),
        (4, 8, 2)
    );
    assert_eq!((info.map_type, info.name.as_str()), (1, "hash"));
}

#[test]
fn values_of_each_cpu() {
    let kernel = kernel_or_return!();
    let map = kernel
        .create_map(&def(MapType::PercpuArray, 4, 4, 1), None)
        .unwrap();
    let cpus = kernel.cpus() as usize;
    assert_eq!(map.value_len(), 8 * cpus);
    let values: Vec<u8> = (0..cpus as u64).flat_map(u64::to_ne_bytes).collect();
    map.update(&[0; 4], &values, update::ANY).unwrap();
    assert_eq!(map.lookup(&[0; 4]), Ok(values));
}

#[test]
fn constants_are_frozen() {
    let kernel = kernel_or_return!();
    let mut constants = def(MapType::Array, 4, 6, 1);
    constants.flags = MapFlags::RDONLY_PROG;
    constants.kind = MapKind::Rodata;
    constants.initial = Initial::Bytes(b"always".to_vec());
    let instance = kernel.instantiate(&[constants], &[]).unwrap();
    let map = &instance.maps[0];
    assert_eq!(map.lookup(&[0; 4]), Ok(b"always".to_vec()));
    assert_eq!(
        map.update(&[0; 4], b"always", update::ANY),
        Err(Errno::EPERM)
    );
}

#[test]
fn maps_in_maps() {
    let kernel = kernel_or_return!();
    let inner = def(MapType::Hash, 4, 4, 8);
    let mut outer = def(MapType::ArrayOfMaps, 4, 4, 3);
    outer.inner = Some(Box::new(inner.clone()));
    outer.initial = Initial::Entries(vec![InitialEntry::Map { slot: 2, map: 0 }]);
    let instance = kernel.instantiate(&[inner, outer], &[]).unwrap();
    let [inner, outer] = &instance.maps[..] else {
        panic!("two maps")
    };
    let id = inner.info().unwrap().id.to_ne_bytes().to_vec();
    assert_eq!(outer.lookup(&[2, 0, 0, 0]), Ok(id.clone()));
    assert_eq!(outer.entries(), Ok(vec![(vec![2, 0, 0, 0], id)]));
}

#[test]
fn queues_and_blooms() {
    let kernel = kernel_or_return!();
    for (kind, order) in [(MapType::Queue, [1, 2]), (MapType::Stack, [2, 1])] {
        let map = kernel.create_map(&def(kind, 0, 4, 4), None).unwrap();
        map.update(&[], &[1; 4], update::ANY).unwrap();
        map.update(&[], &[2; 4], update::ANY).unwrap();
        assert_eq!(map.lookup(&[]), Ok(vec![order[0]; 4]));
        assert_eq!(map.pop_all(), Ok(order.map(|n| vec![n; 4]).to_vec()));
        assert_eq!(map.take(&[]), Err(Errno::ENOENT));
    }
    let bloom = kernel
        .create_map(&def(MapType::BloomFilter, 0, 8, 100), None)
        .unwrap();
    bloom.update(&[], &[7; 8], update::ANY).unwrap();
    assert_eq!(bloom.test(&[7; 8]), Ok(()));
    assert_eq!(bloom.test(&[8; 8]), Err(Errno::ENOENT));
}

/// Every kind of map that takes no more than numbers.
#[test]
fn every_kind() {
    use MapType::*;

    let kernel = kernel_or_return!();
    for (kind, key, value, entries) in [
        (Hash, 4, 4, 4),
        (Array, 4, 4, 4),
        (ProgArray, 4, 4, 4),
        (PerfEventArray, 4, 4, 0),
        (PercpuHash, 4, 4, 4),
        (PercpuArray, 4, 4, 4),
        (StackTrace, 4, 64, 4),
        (CgroupArray, 4, 4, 4),
        (LruHash, 4, 4, 4),
        (LruPercpuHash, 4, 4, 4),
        (LpmTrie, 8, 4, 4),
        (Devmap, 4, 8, 4),
        (Sockmap, 4, 4, 4),
        (Cpumap, 4, 8, 2),
        (Xskmap, 4, 4, 4),
        (Sockhash, 4, 4, 4),
        (ReuseportSockarray, 4, 8, 4),
        (Queue, 0, 4, 4),
        (Stack, 0, 4, 4),
        (DevmapHash, 4, 8, 4),
        (Ringbuf, 0, 0, 4096),
        (BloomFilter, 0, 4, 4),
        (UserRingbuf, 0, 0, 4096),
    ] {
        let map = kernel.create_map(&def(kind, key, value, entries), None);
        let map = map.unwrap_or_else(|e| panic!("{kind:?}: {e}"));
        // No kind may write more than it was given room for.
        let _ = (map.entries(), map.lookup(&vec![0; key as usize]));
        assert_eq!(map.info().unwrap().map_type, kind as u32);
    }
}

/// The measured definitions, put to the running kernel.
#[test]
fn definitions_are_answered_as_measured() {
    let kernel = kernel_or_return!();
    let (mut asked, mut wrong) = (0, Vec::new());
    if !measured_like_this(&kernel) {
        return;
    }
    for (question, expected) in measured(DEFINITIONS) {
        let words: Vec<&str> = question.split(' ').collect();
        let flags = words[4].trim_start_matches("0x");
        let mut def = definition(&words[..4], u32::from_str_radix(flags, 16).unwrap());
        def.extra = words[5].parse().unwrap();
        if words[6] != "-" {
            let mut inner = common::def(map_type(words[6]), 4, 4, 1);
            if inner.map_type.is_map_in_map() {
                // Linux must have something to refuse.
                inner.inner = Some(Box::new(common::def(MapType::Array, 4, 4, 1)));
            }
            def.inner = Some(Box::new(inner));
        }
        let answer = match kernel.create_map(&def, None) {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => refusal.errno.to_string(),
        };
        asked += 1;
        if answer != expected {
            wrong.push(format!("{question}: {answer}, measured {expected}"));
        }
    }
    kernel::testing::note(&format!("{asked} definitions"));
    assert!(asked > 1000);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The measured operations, put to the running kernel.
#[test]
fn operations_are_answered_as_measured() {
    let kernel = kernel_or_return!();
    if !measured_like_this(&kernel) {
        return;
    }
    let _cpu = kernel.on_cpu(0).unwrap();
    let _network = kernel.private_network().unwrap();
    let (mut asked, mut wrong) = (0, Vec::new());
    let (mut map, mut definition_of) = (None, "");
    for (question, expected) in measured(OPERATIONS) {
        let words: Vec<&str> = question.split(' ').collect();
        if words[0] == "create" {
            let mut def = definition(&words[1..5], words[5].parse().unwrap());
            def.extra = words[6].parse().unwrap();
            map = Some(kernel.create_map(&def, None).unwrap());
            definition_of = question;
            continue;
        }
        let answer = answer(&kernel, map.as_ref().unwrap(), &words);
        asked += 1;
        if answer != expected {
            wrong.push(format!(
                "{definition_of}: {question}: {answer}, measured {expected}"
            ));
        }
    }
    kernel::testing::note(&format!("{asked} operations"));
    assert!(asked > 10_000);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The measurements are from Linux 6.18 with 2 possible CPUs.
fn measured_like_this(kernel: &Kernel) -> bool {
    let same = kernel.cpus() == 2 && kernel.release().starts_with("6.18.");
    if !same {
        kernel::testing::note("skipped: measured on Linux 6.18 with 2 CPUs");
    }
    same
}

fn measured(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(" | ").unwrap())
}

/// TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES
fn definition(words: &[&str], flags: u32) -> MapDef {
    let number = |i: usize| words[i].parse().unwrap();
    let mut def = def(map_type(words[0]), number(1), number(2), number(3));
    def.flags = MapFlags(flags);
    def
}

fn map_type(name: &str) -> MapType {
    let mut all = MapType::ALL.iter();
    *all.find(|t| t.name() == name).unwrap()
}

fn answer(kernel: &Kernel, map: &Map, words: &[&str]) -> String {
    let key = bytes(words[1]);
    match words[0] {
        "update" => done(map.update(&key, &bytes(words[2]), words[3].parse().unwrap())),
        "lookup" => shown(map.lookup(&key)),
        "take" => shown(map.take(&key)),
        "delete" => done(map.delete(&key)),
        "next" => shown(map.next_key(Some(&key[..]).filter(|key| !key.is_empty()))),
        "use" => use_(kernel, map, &key).to_string(),
        "keys" => keys(map, words[1] == "sort"),
        other => panic!("{other}"),
    }
}

/// A look-up by a program: 1 if found.
fn use_(kernel: &Kernel, map: &Map, key: &[u8]) -> u32 {
    let start = key.len().next_multiple_of(8) as i64;
    let stores: String = (0..)
        .zip(key)
        .map(|(index, byte)| format!("*(u8 *)(r10 {}) = {byte}\n", index - start))
        .collect();
    let text = format!(
        "{stores}
         r1 = map[idx:0]
         r2 = r10
         r2 += -{start}
         call 1
         if r0 == 0 goto none
         r0 = 1
         none: exit"
    );
    let program = program(ProgType::Xdp, &text, &[]);
    let loaded = kernel.load(&program, from_ref(map), &LoadOptions::default());
    let run = TestRun {
        data: &[0; 64],
        ..TestRun::default()
    };
    loaded.unwrap().test_run(&run).unwrap().retval
}

fn keys(map: &Map, sort: bool) -> String {
    let shown = |(key, value): (Vec<u8>, Vec<u8>)| format!("{}:{}", hex(&key), hex(&value));
    let mut entries: Vec<String> = map.entries().unwrap().into_iter().map(shown).collect();
    if sort {
        entries.sort();
    }
    match entries.is_empty() {
        true => "-".into(),
        false => entries.join(","),
    }
}

fn done(result: Result<(), Errno>) -> String {
    result.map_or_else(|errno| errno.to_string(), |()| "ok".into())
}

fn shown(result: Result<Vec<u8>, Errno>) -> String {
    result.map_or_else(|errno| errno.to_string(), |bytes| hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex, or what else a word is; then it is not used.
fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .filter_map(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok())
        .collect()
}
