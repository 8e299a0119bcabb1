//! Random programs that no verifier has seen, interpreted and compiled.
//!
//! ```text
//! cargo run -q --release -p ebpf-sim-difftest --example hostile -- [OPTIONS]
//! ```
//!
//! `--runs N` ends after as many runs (default a million); `--from N --count N`
//! takes the programs with these numbers instead; `--seed N`; `--mode hostile`,
//! `legal`, `typed` or `edge`; `--say` prints the number of each program first,
//! for finding one that brings the process down; `--way N` compiles all in the
//! same way; `--whole` shows a program as it is, not reduced.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what an example is for"
)]

use std::process::ExitCode;
use std::time::Instant;

use difftest::engines::{self, Case, Tally};
use difftest::families::{Seed, seeds};
use difftest::generate::{Dial, Mode};

struct Options {
    runs: u64,
    from: u64,
    count: u64,
    seed: Seed,
    mode: Mode<'static>,
    say: bool,
    way: Option<usize>,
    whole: bool,
}

impl Options {
    fn read() -> Options {
        let mut options = Options {
            runs: 1_000_000,
            from: 0,
            count: u64::MAX,
            seed: *seeds().last().expect("a seed"),
            mode: Mode::Hostile,
            say: false,
            way: None,
            whole: false,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || {
                let word = words.next().unwrap_or_default();
                match word.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16).unwrap_or_default(),
                    None => word.parse().unwrap_or_default(),
                }
            };
            match word.as_str() {
                "--runs" => options.runs = number(),
                "--from" => options.from = number(),
                "--count" => (options.count, options.runs) = (number(), u64::MAX),
                "--seed" => options.seed = Seed(number()),
                "--way" => options.way = Some(number() as usize),
                "--say" => options.say = true,
                "--whole" => options.whole = true,
                "--mode" => {
                    options.mode = match words.next().as_deref() {
                        Some("legal") => Mode::Legal,
                        Some("typed") => Mode::Typed(Dial::SOUND),
                        Some("edge") => Mode::Typed(Dial::EDGE),
                        _ => Mode::Hostile,
                    }
                }
                other => eprintln!("what is {other}?"),
            }
        }
        options
    }
}

fn main() -> ExitCode {
    let options = Options::read();
    let ways = engines::ways(None);
    let mut tally = Tally::default();
    let start = Instant::now();
    let last = options.from.saturating_add(options.count);
    for index in options.from..last {
        if tally.runs() >= options.runs {
            break;
        }
        // Other ways when a seed is run again would be other cases.
        let way = options.way.unwrap_or(index as usize % ways.len());
        if options.say {
            eprintln!("{index} {:?}", ways[way].options);
        }
        let case = Case::new(options.mode, options.seed, index);
        match engines::compare(&case, &ways[way]) {
            Ok(one) => tally.add(one),
            Err(found) if options.whole => {
                println!("{found}");
                return ExitCode::FAILURE;
            }
            Err(found) => {
                println!("{}\n  reduced from\n{}", found.reduced(), found.what);
                return ExitCode::FAILURE;
            }
        }
        if index % 100_000 == 99_999 {
            report(index + 1 - options.from, &tally, start);
        }
    }
    report(tally.programs, &tally, start);
    println!("{}", options.seed);
    ExitCode::SUCCESS
}

fn report(made: u64, tally: &Tally, start: Instant) {
    println!(
        "{made} programs, {} loaded; {} runs: {} equal ({} of them traps), {} ended; \
         {:.1} instructions a run; {:.0} s",
        tally.programs,
        tally.runs(),
        tally.equal,
        tally.traps,
        tally.ended,
        tally.instructions as f64 / tally.runs().max(1) as f64,
        start.elapsed().as_secs_f64()
    );
}
