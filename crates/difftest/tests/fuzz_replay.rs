//! What fuzzing found once is not found again: all inputs of `corpus/fuzz/`, and the
//! beginning of what fuzzing begins with.

use std::fs;

use difftest::fuzz::bytes::{TARGETS, Target};
use kernel::testing::corpus;

#[test]
fn found_before() {
    let folders = fs::read_dir(corpus("fuzz")).expect("a folder");
    for folder in folders.map(|entry| entry.expect("readable").path()) {
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().expect("a name").to_string_lossy();
        let target = Target::named(&name).unwrap_or_else(|| panic!("no target is called {name}"));
        for file in fs::read_dir(&folder).expect("a folder") {
            let file = file.expect("readable").path();
            println!("{}", file.display());
            (target.run)(&fs::read(&file).expect("readable"));
        }
    }
}

/// Every target has seeds, takes them, and takes what its mutation makes of them.
#[test]
fn seeds_and_their_mutations() {
    for target in TARGETS {
        let seeds = (target.seeds)(&corpus("")).expect("a corpus");
        assert!(seeds.len() >= 8, "{}: {} seeds", target.name, seeds.len());
        for (number, seed) in seeds.iter().enumerate().step_by(seeds.len() / 8) {
            println!("{}, seed {number}", target.name);
            (target.run)(seed);
            let Some(mutate) = target.mutate else {
                continue;
            };
            let max = seed.len() + 64;
            let mut changed = 0;
            for bits in 0..20 {
                let mut bytes = seed.clone();
                // Stands for the fuzzer's own mutation.
                mutate(&mut bytes, max, bits, &mut |bytes, _| {
                    bytes.last_mut().into_iter().for_each(|last| *last ^= 1);
                });
                assert!(bytes.len() <= max, "{}: {bits}", target.name);
                changed += u32::from(bytes != *seed);
                println!("{}, seed {number}, {bits}", target.name);
                (target.run)(&bytes);
            }
            assert!(changed > 5, "{}: {changed} of 20 changed", target.name);
        }
    }
}
