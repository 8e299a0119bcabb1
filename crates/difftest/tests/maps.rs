//! Random operations on maps, from both sides: the simulator and the kernel give
//! the same answers.
#![cfg(target_os = "linux")]

mod support;

use abi::MapType;
use difftest::families::{maps, seeds};
use difftest::{Comparison, Interpreter, KnownDifferences, MapOp, Question, Subject, Verdict, map};
use support::agreed;

/// Questions for each type of map and seed.
const QUESTIONS: usize = 100_000;

fn compare(map_type: MapType) {
    let Some(mut linux) = support::linux() else {
        return;
    };
    let cpus = linux.cpus();
    for seed in seeds() {
        let mut count = 0;
        for case in maps::cases(map_type, cpus, QUESTIONS, seed) {
            match case.run(&mut Interpreter, &mut linux) {
                Ok(None) => count += case.operations(),
                Ok(Some(mismatch)) => {
                    let text = case.reproducer(&mismatch, &mut Interpreter, &mut linux);
                    panic!("{seed}: {text}");
                }
                Err(error) => panic!("{seed}: {}: {error}", case.name()),
            }
        }
        agreed(map_type.name(), seed, &[(count, "operations")]);
    }
}

/// What the generator leaves out, because the answers differ and will.
#[test]
fn known_differences() {
    let Some(mut linux) = support::linux() else {
        return;
    };
    let list = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../corpus/known-differences.toml"
    );
    let list = std::fs::read_to_string(list).expect("the corpus is there");
    let known = KnownDifferences::parse(&list, "maps").expect("the list is well formed");
    let maps = vec![map("devices", MapType::Devmap, 4, 4, 4)];
    let subject = Subject::maps_only("devices", maps);
    let comparison = Comparison::open(subject, &mut Interpreter, &mut linux);
    let mut comparison = comparison.expect("a map");
    let op = MapOp::Update {
        key: vec![0; 4].into(),
        value: 77_777u32.to_le_bytes().to_vec().into(),
        flags: 0,
    };
    let verdict = comparison.ask(Question::Map { map: 0, op });
    if let Ok(Verdict::Differs(disagreement)) = &verdict {
        assert!(
            known.covers(comparison.subject(), disagreement),
            "{verdict:?}"
        );
    }
    assert!(
        known.stale().is_empty(),
        "no longer so: {:?}",
        known.stale()
    );
}

macro_rules! tests {
    ($($name:ident: $map_type:ident,)*) => {
        $(#[test]
        fn $name() {
            compare(MapType::$map_type);
        })*
    };
}

tests! {
    array: Array,
    percpu_array: PercpuArray,
    hash: Hash,
    percpu_hash: PercpuHash,
    lru_hash: LruHash,
    lru_percpu_hash: LruPercpuHash,
    lpm_trie: LpmTrie,
    queue: Queue,
    stack: Stack,
    bloom_filter: BloomFilter,
    prog_array: ProgArray,
    array_of_maps: ArrayOfMaps,
    hash_of_maps: HashOfMaps,
    devmap: Devmap,
    devmap_hash: DevmapHash,
    cpumap: Cpumap,
    xskmap: Xskmap,
    ringbuf: Ringbuf,
}
