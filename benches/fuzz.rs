//! How many programs a second one core puts to oracles 1 and 2 of `ebpf-sim fuzz`.
//!
//! A program is generated, verified while its states are recorded, and run on eight
//! inputs, each of which is held against the states. A row is one kind of program.
//! All times are of the processor, not of the clock, so that company on the machine
//! disturbs little.
//!
//! Where the time goes is measured by doing the parts alone: generating, a verdict
//! that nobody observes, the same with its states recorded, the runs without anybody
//! watching. The rest is holding runs against states.
//!
//!     cargo bench -p benches --bench fuzz               # all kinds
//!     cargo bench -p benches --bench fuzz -- scalar xdp 500   # 500 programs a round
#![expect(clippy::print_stdout, reason = "a table for people")]

use std::ops::Range;

use difftest::families::Seed;
use difftest::fuzz::{Case, Kind, Mix, Oracle, Tally, WithinStates};
use rustix::time::{ClockId, clock_gettime};

/// That of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Programs of a round, unless a number is given.
const PROGRAMS: u64 = 2_000;
/// Rounds over programs of their own; the fastest half of them count.
const ROUNDS: u64 = 6;

/// Seconds of the processor for the programs of a round.
#[derive(Clone, Debug, Default)]
struct Times {
    /// All, one program after the other as a campaign does it.
    all: f64,
    generate: f64,
    verify: f64,
    record: f64,
    play: f64,
    check: f64,
    tally: Tally,
    slots: u64,
}

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let (numbers, kinds): (Vec<&String>, Vec<&String>) =
        wanted.iter().partition(|word| word.parse::<u64>().is_ok());
    let programs = numbers.first().and_then(|word| word.parse().ok());
    let programs = programs.unwrap_or(PROGRAMS).max(1);
    println!(
        "| kind | programs/s | us | generate | verify | record | run | check | accepted | slots | instructions run | states |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for kind in Kind::ALL {
        if kinds.is_empty() || kinds.iter().any(|word| *word == kind.name()) {
            row(kind, programs);
        }
    }
}

fn row(kind: Kind, programs: u64) {
    let rounds = (0..ROUNDS).map(|round| measure(kind, round * programs..(round + 1) * programs));
    let mut rounds: Vec<Times> = rounds.collect();
    rounds.sort_by(|one, other| one.all.total_cmp(&other.all));
    let rounds = &rounds[..rounds.len().div_ceil(2)];
    let programs = programs as f64 * rounds.len() as f64;
    let sum = |part: fn(&Times) -> f64| rounds.iter().map(part).sum::<f64>();
    let us = |seconds: f64| seconds * 1e6 / programs;
    let each = |part: fn(&Times) -> u64| {
        let sum: u64 = rounds.iter().map(part).sum();
        sum as f64 / programs
    };
    println!(
        "| {} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} % | {:.0} | {:.0} | {:.0} |",
        kind.name(),
        programs / sum(|t| t.all),
        us(sum(|t| t.all)),
        us(sum(|t| t.generate)),
        us(sum(|t| t.verify)),
        us(sum(|t| t.record - t.verify)),
        us(sum(|t| t.play)),
        us(sum(|t| t.check - t.record - t.play)),
        100.0 * each(|t| t.tally.accepted),
        each(|t| t.slots),
        each(|t| t.tally.instructions),
        each(|t| t.tally.states),
    );
}

fn measure(kind: Kind, indices: Range<u64>) -> Times {
    let mix = Mix::only(kind);
    let case = |index| Case::new(&mix, Seed(1), index);
    let mut oracle = WithinStates::new().expect("memory for a machine");
    let mut times = Times::default();

    let begin = now();
    for index in indices.clone() {
        look(&mut oracle, &case(index), &mut times.tally);
    }
    times.all = now() - begin;

    let begin = now();
    let cases: Vec<Case> = indices.map(case).collect();
    times.generate = now() - begin;
    times.slots = cases.iter().map(|c| c.raw.program.code.len() as u64).sum();

    let begin = now();
    for case in &cases {
        std::hint::black_box(oracle.verdict(case, false));
    }
    times.verify = now() - begin;
    let begin = now();
    for case in &cases {
        std::hint::black_box(oracle.verdict(case, true));
    }
    times.record = now() - begin;
    // What is refused is not run.
    let accepted: Vec<&Case> = cases
        .iter()
        .filter(|case| oracle.verdict(case, false).is_accepted())
        .collect();
    let begin = now();
    for case in accepted {
        std::hint::black_box(oracle.play(case));
    }
    times.play = now() - begin;
    let begin = now();
    for case in &cases {
        look(&mut oracle, case, &mut Tally::default());
    }
    times.check = now() - begin;
    times
}

fn look(oracle: &mut WithinStates, case: &Case, tally: &mut Tally) {
    tally.begin();
    let said = oracle.check(case, tally);
    assert_eq!(said.map_err(|why| why.to_string()), Ok(None));
}

/// Seconds that this thread has had a processor.
fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
