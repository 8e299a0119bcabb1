//! Developer tasks: what is needed to work on the project, but not to use it.
//!
//! - `cargo xtask corpus [--check]`: compile the BPF programs of the corpus and the tests
//! - `cargo xtask facts [--check] [--only NAME]`: measure the running kernel's tables (Linux, privilege)
//! - `cargo xtask fuzz [TARGET] [--time 30m] [--jobs N]`: coverage-guided fuzzing of `fuzz/`
//! - `cargo xtask pcaps [--check]`: write the captures of `corpus/pcaps/`
//! - `cargo xtask prove`: prove the verifier's scalar domain (Python; the solvers are installed)
//! - `cargo xtask million`: write the large capture that speed is measured on
//!
//! With `--check` nothing is written: a committed file that differs from what
//! the task would write is named, and the exit code is 1.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer task talks to its developer"
)]

mod corpus;
mod error;
#[cfg(target_os = "linux")]
mod facts;
mod files;
mod fuzz;
mod pcaps;
mod prove;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of ebpf-sim")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compile the BPF programs of the corpus and the tests with clang-19
    Corpus {
        /// Write nothing; fail when a committed object is out of date
        #[arg(long)]
        check: bool,
    },
    /// Measure the running kernel's tables into corpus/facts
    #[cfg(target_os = "linux")]
    Facts {
        /// Write nothing; fail when a committed table is not what the kernel says
        #[arg(long)]
        check: bool,
        /// A table to measure, instead of all
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Fuzz with AddressSanitizer, guided by coverage
    Fuzz(fuzz::Arguments),
    /// Write the captures of corpus/pcaps
    Pcaps {
        /// Write nothing; fail when a committed capture is out of date
        #[arg(long)]
        check: bool,
    },
    /// Prove the operators of the verifier's scalar domain, with SMT solvers from PyPI
    Prove(prove::Arguments),
    /// Write the large capture that speed is measured on
    Million {
        /// The file [default: target/million.pcap]
        file: Option<PathBuf>,
        /// How many packets
        #[arg(long, default_value_t = 1_000_000)]
        packets: u64,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Corpus { check } => corpus::run(check),
        #[cfg(target_os = "linux")]
        Task::Facts { check, only } => facts::run(check, &only),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Pcaps { check } => pcaps::run(check),
        Task::Prove(arguments) => prove::run(&arguments),
        Task::Million { file, packets } => pcaps::million::run(file, packets),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
