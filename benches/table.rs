//! The table of `README.md`: nanoseconds per instruction of the interpreter and
//! of `rbpf`'s, from the fastest of many runs, which other work on the machine
//! disturbs least.
#![expect(clippy::print_stdout, reason = "a table for people")]

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use support::{both, cases};

/// Runs that are timed.
const SAMPLES: usize = 400;
/// How long a sample should take at least: much longer than reading the clock.
const SAMPLE: Duration = Duration::from_micros(200);

fn main() {
    println!("| program | instructions | ebpf-sim ns | rbpf ns | times faster |");
    println!("|---|---:|---:|---:|---:|");
    for case in cases() {
        let (mut ours, theirs) = both(&case);
        let count = ours.machine.executed();
        let peer = theirs.machine();
        let mine = fastest(|| ours.run()) / count as f64;
        let other = fastest(|| theirs.run(&peer)) / count as f64;
        let (name, ratio) = (case.name, other / mine);
        println!("| {name} | {count} | {mine:.2} | {other:.2} | {ratio:.1} |");
    }
}

/// Nanoseconds of the fastest run.
fn fastest(mut run: impl FnMut() -> u64) -> f64 {
    let start = Instant::now();
    black_box(run());
    let once = start.elapsed().as_nanos().max(1);
    let runs = SAMPLE.as_nanos().div_ceil(once) as u32;
    let sample = || {
        let start = Instant::now();
        for _ in 0..runs {
            black_box(run());
        }
        start.elapsed().as_nanos() as f64 / f64::from(runs)
    };
    std::iter::repeat_with(sample)
        .take(SAMPLES)
        .fold(f64::INFINITY, f64::min)
}
