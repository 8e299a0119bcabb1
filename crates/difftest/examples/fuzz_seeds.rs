//! Writes what coverage-guided fuzzing begins with.
//!
//! ```text
//! cargo run -q -p ebpf-sim-difftest --example fuzz_seeds -- FOLDER [TARGET]...
//! ```
//!
//! For each target: `FOLDER/seeds/TARGET/*`, `FOLDER/words/TARGET` (a dictionary in
//! libFuzzer's form), and `FOLDER/corpus/TARGET`, for what is found.
#![allow(clippy::print_stderr, reason = "what an example is for")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, error, fs};

use difftest::fuzz::bytes::{TARGETS, Target};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("expected a folder");
        return ExitCode::FAILURE;
    };
    let names: Vec<_> = arguments.collect();
    let chosen = |target: &&Target| names.is_empty() || names.iter().any(|n| n == target.name);
    for target in TARGETS.iter().filter(chosen) {
        if let Err(error) = write(&folder, target) {
            eprintln!("{}: {error}", target.name);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn write(folder: &Path, target: &Target) -> Result<(), Box<dyn error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let seeds = folder.join("seeds").join(target.name);
    for folder in [&seeds, &folder.join("corpus").join(target.name)] {
        fs::create_dir_all(folder)?;
    }
    for (number, seed) in (target.seeds)(&corpus)?.iter().enumerate() {
        fs::write(seeds.join(format!("{number:04}")), seed)?;
    }
    let mut words = String::new();
    for word in (target.words)() {
        let escaped: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        writeln!(words, "\"{escaped}\"")?;
    }
    fs::create_dir_all(folder.join("words"))?;
    if words.is_empty() {
        // libFuzzer takes no dictionary without words.
        words.push_str("\"\\x00\"\n");
    }
    fs::write(folder.join("words").join(target.name), words)?;
    Ok(())
}
