//! How long a verdict takes, here and in the running kernel.
//!
//! Every program of the corpus that Linux loads, and worst cases made for the
//! purpose. A time counts only when verdict, instructions followed and states
//! are equal. The kernel's time is its own, the `verification time` of log level
//! 4, so that creating maps and compiling are not in it; ours is the whole call.
//! Rounds of the two alternate; the figures are medians.
#![expect(clippy::print_stdout, reason = "a table for people")]

#[path = "support/worst.rs"]
mod worst;

use std::path::Path;
use std::time::Instant;

use abi::{MapDef, Program};
use kernel::{Kernel, LoadOptions, LogWanted};
use verifier::{Config, Verdict};

/// That of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds, unless one takes long.
const ROUNDS: usize = 9;
/// Rounds of a program that takes the kernel longer than [`LONG`].
const FEW_ROUNDS: usize = 3;
const LONG: f64 = 200_000.0;
/// Instructions followed by what is more than a stub for its section.
const LONGER: u64 = 20;

/// One program with its maps.
struct Case {
    name: String,
    maps: Vec<MapDef>,
    program: Program,
}

/// How many times faster ours is.
#[derive(Clone, Copy)]
struct Compared {
    processed: u64,
    ratio: f64,
}

/// What both said and how long it took them, in microseconds.
struct Times {
    ours: f64,
    linux: f64,
    processed: u64,
    states: u64,
    /// Peak of resident memory over what was there before, in kB.
    memory: u64,
}

fn main() {
    let Ok(linux) = Kernel::open() else {
        println!(
            "Linux cannot be asked: root or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are needed"
        );
        return;
    };
    let config = Config {
        cpus: linux.cpus(),
        kernel_btf: linux.btf().cloned(),
        ..Config::default()
    };
    let corpus = table("The corpus", corpus(), &linux, &config);
    let worst = table("Worst cases", worst_cases(), &linux, &config);
    let longer = |c: &Compared| c.processed >= LONGER;
    let longer: Vec<_> = corpus.iter().copied().filter(longer).collect();
    let together = [corpus.as_slice(), &worst].concat();
    println!("\n| | programs | times faster, geometric mean | least |");
    println!("|---|---:|---:|---:|");
    for (name, compared) in [
        ("corpus", corpus),
        ("of it those that follow 20 instructions or more", longer),
        ("worst cases", worst),
        ("corpus and worst cases", together),
    ] {
        let ratios = || compared.iter().map(|c| c.ratio);
        let mean = (ratios().map(f64::ln).sum::<f64>() / compared.len() as f64).exp();
        let least = ratios().fold(f64::INFINITY, f64::min);
        println!("| {name} | {} | {mean:.2} | {least:.2} |", compared.len());
    }
}

/// Prints a row for each case.
fn table(title: &str, cases: Vec<Case>, linux: &Kernel, config: &Config) -> Vec<Compared> {
    println!("\n{title}\n");
    println!(
        "| program | instructions followed | states | Linux us | ebpf-sim us | times faster | kB |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut compared = Vec::new();
    for case in cases {
        match measure(&case, linux, config) {
            Ok(times) => {
                let ratio = times.linux / times.ours;
                println!(
                    "| {} | {} | {} | {:.0} | {:.1} | {ratio:.1} | {} |",
                    case.name, times.processed, times.states, times.linux, times.ours, times.memory
                );
                let processed = times.processed;
                compared.push(Compared { processed, ratio });
            }
            Err(why) => println!("| {} | {why} | | | | | |", case.name),
        }
    }
    compared
}

fn measure(case: &Case, linux: &Kernel, config: &Config) -> Result<Times, String> {
    let said = ask(case, linux)?;
    let before = reset_peak();
    let verdict = verifier::verify(&case.program, config, None);
    let memory = peak().saturating_sub(before);
    let stats = verdict.stats().clone();
    agree(&said, &verdict)?;
    let rounds = if said.microseconds > LONG {
        FEW_ROUNDS
    } else {
        ROUNDS
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(ask(case, linux)?.microseconds);
        ours.push(time(&case.program, config, said.microseconds));
    }
    Ok(Times {
        ours: median(ours),
        // Below a microsecond Linux says 0.
        linux: median(theirs).max(0.5),
        processed: stats.processed,
        states: stats.total_states,
        memory,
    })
}

/// Microseconds of one call; short ones are repeated for the clock's sake.
fn time(program: &Program, config: &Config, about: f64) -> f64 {
    let calls = ((1000.0 / about.max(1.0)) as u32).clamp(1, 200);
    let begin = Instant::now();
    for _ in 0..calls {
        std::hint::black_box(verifier::verify(program, config, None));
    }
    begin.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

/// What Linux said.
struct Said {
    accepted: bool,
    processed: u64,
    states: u64,
    microseconds: f64,
}

fn ask(case: &Case, linux: &Kernel) -> Result<Said, String> {
    let options = LoadOptions {
        log: LogWanted::Level(4),
        ..LoadOptions::default()
    };
    let instance = linux
        .instantiate_with(&case.maps, std::slice::from_ref(&case.program), &options)
        .map_err(|e| e.to_string())?;
    let (accepted, log) = match &instance.programs[0] {
        Ok(loaded) => (true, loaded.log().to_owned()),
        Err(kernel::LoadError::Refused(refusal)) => (false, refusal.log.clone()),
        Err(other) => return Err(other.to_string()),
    };
    let number = |after: &str| -> Option<u64> {
        let rest = log.split_once(after)?.1.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    let missing = || format!("no figures in the log: {log}");
    Ok(Said {
        accepted,
        processed: number("processed ").ok_or_else(missing)?,
        states: number("total_states ").ok_or_else(missing)?,
        microseconds: number("verification time ").ok_or_else(missing)? as f64,
    })
}

fn agree(said: &Said, verdict: &Verdict<'_>) -> Result<(), String> {
    let stats = verdict.stats();
    match verdict {
        Verdict::Unsupported(undecided) => Err(undecided.unsupported.to_string()),
        _ if verdict.is_accepted() != said.accepted => Err("another verdict".to_owned()),
        _ if (stats.processed, stats.total_states) != (said.processed, said.states) => {
            Err(format!(
                "Linux followed {} instructions and kept {} states, ours {} and {}",
                said.processed, said.states, stats.processed, stats.total_states
            ))
        }
        _ => Ok(()),
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Forgets the peak of resident memory and tells what is resident now, in kB.
fn reset_peak() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak()
}

/// The peak of resident memory, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The programs of all objects in the corpus.
fn corpus() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/objects");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "o"))
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path).expect("readable");
        let Ok(object) = loader::Object::parse(&bytes, &loader::Options::default()) else {
            continue;
        };
        let stem = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = stem.trim_end_matches(".bpf.o");
        for entry in object.entries() {
            let Ok(program) = object.program(&entry.name) else {
                continue;
            };
            cases.push(Case {
                name: format!("{stem}/{}", program.name),
                maps: program.maps.to_vec(),
                program,
            });
        }
    }
    cases
}

fn worst_cases() -> Vec<Case> {
    let cases = worst::programs().into_iter();
    let case = |(name, program): (&str, Program)| Case {
        name: name.to_owned(),
        maps: Vec::new(),
        program,
    };
    cases.map(case).collect()
}
