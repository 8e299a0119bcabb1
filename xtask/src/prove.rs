//! `cargo xtask prove`: machine-checked proofs of the verifier's scalar domain.
//!
//! A test of the verifier runs each operator on words that are formulas and writes
//! what is to be proved as SMT-LIB 2, a file for each lemma (`scalar/proofs` in
//! `crates/verifier`). Here each is given to solvers: a lemma is proved when one of
//! them says that its negation has no solution. A solution is a counterexample, and
//! is printed as a test. Lemmas of operators that are wrong on purpose must have
//! one.
//!
//! The solvers come from PyPI, into a virtual environment under `target/`.

mod counterexample;
mod lemma;
mod solver;
mod table;

use std::collections::VecDeque;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::error::Error;
use crate::files;
use lemma::Lemma;
use solver::{Answer, Attempt, Solver};

/// What is asked for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Operators to prove, by the beginnings of their names, instead of all
    operators: Vec<String>,
    /// How many solvers run at a time [default: one a processor]
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// Write docs/proofs.md
    #[arg(long, conflicts_with = "operators")]
    table: bool,
    /// Begin no lemma after so many seconds; those are named, and no failure
    #[arg(long, value_name = "SECONDS")]
    time: Option<u64>,
}

/// A lemma and what came of it.
struct Proof {
    lemma: Lemma,
    attempt: Attempt,
}

/// Proves the lemmas; fails if one is wrong, or nothing proves it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Error> {
    let python = solver::install()?;
    let lemmas = write_lemmas(&arguments.operators)?;
    if lemmas.is_empty() {
        return Err(Error::NoOperator(arguments.operators.join(", ")));
    }
    let jobs = arguments
        .jobs
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZero::get);
    let deadline = arguments
        .time
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));

    let total = lemmas.len();
    let queue = Arc::new(Mutex::new(VecDeque::from(lemmas)));
    let (sender, receiver) = channel();
    let workers: Vec<_> = (0..jobs)
        .map(|_| {
            let (python, queue, sender) = (python.clone(), Arc::clone(&queue), sender.clone());
            thread::spawn(move || work(&python, &queue, &sender, deadline))
        })
        .collect();
    drop(sender);
    let mut proofs = vec![];
    for proof in receiver {
        report(&proof);
        proofs.push(proof);
    }
    for worker in workers {
        worker.join().expect("a worker does not panic")?;
    }
    conclude(arguments, total, &proofs)
}

/// The files of the lemmas, written by the verifier's test.
fn write_lemmas(operators: &[String]) -> Result<Vec<Lemma>, Error> {
    let directory = files::root().join("target/prove/lemmas");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).map_err(Error::file(&directory))?;
    let test = "scalar::proofs::write_lemmas";
    let status = Command::new(env!("CARGO"))
        .current_dir(files::root())
        .args([
            "test",
            "--quiet",
            "--package",
            "ebpf-sim-verifier",
            "--lib",
            "--",
        ])
        .args(["--ignored", "--exact", test])
        .env("EBPF_SIM_LEMMAS", &directory)
        .env("EBPF_SIM_OPERATORS", operators.join(","))
        .stdout(std::process::Stdio::null())
        .status();
    Error::unless_ok("cargo test", test, status)?;
    let mut lemmas = vec![];
    for entry in fs::read_dir(&directory).map_err(Error::file(&directory))? {
        let path: PathBuf = entry.map_err(Error::file(&directory))?.path();
        let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
        lemmas.push(Lemma::parse(path, &text));
    }
    lemmas.sort_by(|a, b| (&a.operator, &a.name).cmp(&(&b.operator, &b.name)));
    Ok(lemmas)
}

/// Takes lemmas from the queue until there are no more.
fn work(
    python: &std::path::Path,
    queue: &Mutex<VecDeque<Lemma>>,
    sender: &Sender<Proof>,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    let mut solver = Solver::start(python)?;
    loop {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(());
        }
        let next = queue.lock().expect("no worker panics").pop_front();
        let Some(lemma) = next else { return Ok(()) };
        let attempt = solver.solve(&lemma)?;
        if sender.send(Proof { lemma, attempt }).is_err() {
            return Ok(());
        }
    }
}

impl Proof {
    fn is_as_expected(&self) -> bool {
        matches!(
            (&self.attempt.answer, self.lemma.is_wrong),
            (Answer::Proved, false) | (Answer::Refuted(_), true)
        )
    }
}

fn report(proof: &Proof) {
    let Proof { lemma, attempt } = proof;
    let answer = match (&attempt.answer, lemma.is_wrong) {
        (Answer::Proved, false) => "proved",
        (Answer::Refuted(_), true) => "refuted, as it should",
        (Answer::Refuted(_), false) => "WRONG",
        (Answer::Proved, true) => "PROVED, but is wrong on purpose",
        (Answer::Unknown, _) => "NOT PROVED in time",
    };
    println!(
        "{:<24} {:<28} {answer} ({}, {:.2} s)",
        lemma.operator, lemma.name, attempt.solver, attempt.seconds
    );
    if let (Answer::Refuted(values), false) = (&attempt.answer, lemma.is_wrong) {
        println!("{}", counterexample::test(lemma, values));
    }
}

fn conclude(arguments: &Arguments, total: usize, proofs: &[Proof]) -> Result<(), Error> {
    let seconds: f64 = proofs.iter().map(|proof| proof.attempt.seconds).sum();
    let as_expected = proofs.iter().filter(|proof| proof.is_as_expected());
    let failed = proofs.len() - as_expected.count();
    let injected = proofs.iter().filter(|proof| proof.lemma.is_wrong).count();
    println!(
        "{} lemmas, {injected} of wrong operators; {failed} not as they should be, {} not tried; \
         {seconds:.0} seconds of processor time",
        proofs.len(),
        total - proofs.len(),
    );
    if failed > 0 {
        return Err(Error::Unproved(failed));
    }
    if arguments.table {
        table::write(proofs)?;
    }
    Ok(())
}
