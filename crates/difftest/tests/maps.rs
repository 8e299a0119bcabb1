//! Random operations on maps, from both sides: the simulator and the kernel give
//! the same answers.

mod support;

use abi::MapType;
use difftest::Interpreter;
use difftest::families::{maps, seeds};
use support::agreed;

/// Questions for each type of map and seed.
const QUESTIONS: usize = 60_000;

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
