//! Random programs that no verifier has seen, interpreted and compiled: equal in
//! everything that shows.
//!
//! `EBPF_SIM_SEED` gives the seed of a run. A program on which the two differ is
//! reduced and printed. The example `hostile` does the same for longer.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod support;

use difftest::engines::{self, Case, Tally};
use difftest::families::{Seed, seeds};
use difftest::generate::{Dial, Mode};

/// How many programs of each kind, each in one of the ways to compile.
const KINDS: [(Mode<'static>, u64); 4] = [
    (Mode::Hostile, 6_000),
    (Mode::Legal, 1_500),
    (Mode::Typed(Dial::SOUND), 500),
    (Mode::Typed(Dial::EDGE), 500),
];

/// Threads that try at once.
const THREADS: u64 = 2;

#[test]
fn programs_that_nobody_has_seen() {
    for seed in seeds() {
        let threads = (0..THREADS).map(|thread| std::thread::spawn(move || part(thread, seed)));
        let threads: Vec<_> = threads.collect();
        let mut tally = Tally::default();
        for thread in threads {
            tally.add(thread.join().expect("no difference"));
        }
        kernel::testing::note(&format!(
            "hostile programs, {seed}: {} programs, {} runs equal, {} of them traps, {} ended",
            tally.programs, tally.equal, tally.traps, tally.ended
        ));
        assert!(tally.runs() > 20_000, "only {} runs", tally.runs());
        assert!(tally.traps * 10 > tally.equal, "hardly any traps");
        assert!(
            tally.traps * 10 < tally.equal * 8,
            "hardly anything but traps"
        );
    }
}

fn part(thread: u64, seed: Seed) -> Tally {
    let ways = support::trusted::ways();
    let mut tally = Tally::default();
    for (mode, count) in KINDS {
        for index in (0..count).filter(|index| index % THREADS == thread) {
            let case = Case::new(mode, seed, index);
            let way = (index / THREADS) as usize % ways.len();
            match engines::compare(&case, &ways[way]) {
                Ok(one) => tally.add(one),
                Err(found) => panic!("{}\n  reduced from\n{found}", found.reduced()),
            }
        }
    }
    tally
}
