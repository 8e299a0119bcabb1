//! `cargo xtask fuzz`: coverage-guided fuzzing, by libFuzzer.
//!
//! What is fuzzed is `difftest::fuzz::bytes`; the binaries of `fuzz/` are the way
//! there. All code is instrumented for coverage, and with `AddressSanitizer`, whose flag
//! stable compilers take only with `RUSTC_BOOTSTRAP=1`; hence that variable here, and
//! nowhere else.
//!
//! Inputs that brought new coverage are kept in `target/fuzz/corpus/TARGET` from run
//! to run; what brings a target down is written to `target/fuzz/findings/TARGET`.
//! What was found belongs into `corpus/fuzz/TARGET`, where an ordinary test reads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::files;

/// What instruments: counters of edges, and operands of comparisons.
#[rustfmt::skip]
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
    // For the stacks that a report shows.
    "-Cforce-frame-pointers=yes",
];
/// With `--target`, build scripts and macros are not instrumented.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// Limits of one input, and of the process. The verifier follows up to a million
/// instructions of a program, which takes seconds when instrumented.
const TIMEOUT_S: u32 = 60;
const MEMORY_MB: u32 = 2048;
/// The most memory that one allocation may ask for.
const ALLOCATION_MB: u32 = 512;

/// What is wanted.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A target, a file in fuzz/targets [default: all, one after another]
    targets: Vec<String>,
    /// How long each is fuzzed: seconds, or with s, m or h
    #[arg(long, default_value = "60s", value_parser = seconds)]
    time: u64,
    /// Processes at once
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// Fuzz nothing: put these inputs to the target
    #[arg(long, value_name = "FILE")]
    replay: Vec<PathBuf>,
    /// Make each FILE of --replay smaller while it brings the target down
    #[arg(long, requires = "replay")]
    minimise: bool,
}

fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| "expected as in 90s or 30m")?;
    number
        .checked_mul(unit)
        .ok_or_else(|| "too long".to_owned())
}

/// Builds the targets and runs them.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    let all = targets()?;
    let chosen = match arguments.targets.is_empty() {
        true => &all,
        false => &arguments.targets,
    };
    if let Some(unknown) = chosen.iter().find(|name| !all.contains(name)) {
        return Err(Error::NoTarget {
            name: unknown.clone(),
            names: all,
        });
    }
    build(chosen)?;
    seed(chosen)?;
    let mut failed = Vec::new();
    for name in chosen {
        println!("== {name}");
        let status = fuzz(name, arguments)?;
        if !status {
            failed.push(name.clone());
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::Found { targets: failed }),
    }
}

fn targets() -> Result<Vec<String>, Error> {
    let files = files::with_suffix(Path::new("fuzz/targets"), ".rs")?;
    let stems = files.iter().filter_map(|file| file.file_stem());
    Ok(stems
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect())
}

/// Where everything is that is not committed.
fn folder() -> PathBuf {
    files::root().join("target/fuzz")
}

fn build(names: &[String]) -> Result<(), Error> {
    let mut command = Command::new("cargo");
    command
        .current_dir(files::root().join("fuzz"))
        .args(["build", "--release", "--target", TRIPLE, "--target-dir"])
        .arg(folder())
        .args(names.iter().flat_map(|name| ["--bin", name]))
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env("RUSTC_BOOTSTRAP", "1");
    Error::unless_ok("cargo", "fuzz/Cargo.toml", command.status())
}

/// Writes what fuzzing begins with, and dictionaries.
fn seed(names: &[String]) -> Result<(), Error> {
    let mut command = Command::new("cargo");
    command
        .current_dir(files::root())
        .args(["run", "--quiet", "--package", "ebpf-sim-difftest"])
        .args(["--example", "fuzz_seeds", "--"])
        .arg(folder())
        .args(names);
    Error::unless_ok("cargo", "fuzz_seeds", command.status())
}

/// Whether nothing was found.
fn fuzz(name: &str, arguments: &Arguments) -> Result<bool, Error> {
    let folder = folder();
    let findings = folder.join("findings").join(name);
    fs::create_dir_all(&findings).map_err(Error::file(&findings))?;
    let kept = files::root().join("corpus/fuzz").join(name);
    let mut command = Command::new(folder.join(TRIPLE).join("release").join(name));
    command
        .current_dir(&findings)
        .arg(format!("-timeout={TIMEOUT_S}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"))
        .arg(format!("-malloc_limit_mb={ALLOCATION_MB}"))
        .arg(format!("-artifact_prefix={}/", findings.display()));
    if arguments.minimise {
        command.args(["-minimize_crash=1", "-runs=100000"]);
        command.arg(format!("-max_total_time={}", arguments.time));
    } else if arguments.replay.is_empty() {
        command
            .arg(format!("-max_total_time={}", arguments.time))
            .arg(format!(
                "-dict={}",
                folder.join("words").join(name).display()
            ))
            .args(["-print_final_stats=1", "-use_value_profile=1"]);
        if arguments.jobs > 1 {
            command.arg(format!("-fork={}", arguments.jobs));
        }
        command.arg(folder.join("corpus").join(name));
        command.arg(folder.join("seeds").join(name));
        command.args(kept.is_dir().then_some(kept));
    }
    for file in &arguments.replay {
        command.arg(fs::canonicalize(file).map_err(Error::file(file))?);
    }
    let status = command.status();
    match status {
        Ok(status) => Ok(status.success()),
        Err(error) => Err(Error::tool("the fuzzer", name, &error)),
    }
}
