//! Engines side by side on the programs of `corpus/bench`: ours, those of others,
//! the running kernel's JIT, and the same source compiled natively.
//!
//! A time counts only where answer, packet and counters are those of our
//! interpreter after the first run. Rounds of all engines alternate; a figure is
//! the median over rounds, averaged over the places where the code was put (where
//! it stands alone moves the kernel's code by up to 2.7 times).
//!
//! `cargo bench --bench jit` prints the tables of `README.md`; a name after `--`
//! chooses programs.
#![expect(clippy::print_stdout, reason = "tables for people")]

mod case;
mod clang;
mod compile_time;
mod engine;
mod foreign;
mod linux;
mod memory;
mod native;
mod ours;
mod peers;
mod report;

use jit::Mode;
use kernel::Kernel;

use case::{Case, Group, cases};
use engine::{Answer, Engine};
use ours::By;

/// Whoever is measured; a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Native,
    /// The kernel's machine code in this process.
    KernelCopied,
    /// The kernel, by PROG_TEST_RUN.
    Kernel,
    Interpreter,
    Checked,
    Sandboxed,
    Trusted,
    Rbpf,
    RbpfInterpreter,
    Sbpf,
}

impl Who {
    pub(crate) const ALL: [Who; 10] = [
        Who::Native,
        Who::KernelCopied,
        Who::Kernel,
        Who::Interpreter,
        Who::Checked,
        Who::Sandboxed,
        Who::Trusted,
        Who::Rbpf,
        Who::RbpfInterpreter,
        Who::Sbpf,
    ];

    /// The head of its column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Who::Native => "native",
            Who::KernelCopied => "kernel JIT",
            Who::Kernel => "kernel test run",
            Who::Interpreter => "interpreter",
            Who::Checked => "checked",
            Who::Sandboxed => "sandboxed",
            Who::Trusted => "trusted",
            Who::Rbpf => "rbpf JIT",
            Who::RbpfInterpreter => "rbpf interpreter",
            Who::Sbpf => "sbpf JIT",
        }
    }

    fn open<'a>(
        self,
        case: &'a Case,
        linux: Option<&Kernel>,
    ) -> Result<Box<dyn Engine + 'a>, String> {
        let linux = linux.ok_or("Linux cannot be asked".to_owned());
        match self {
            Who::Native => native::open(case).map(|engine| engine as _),
            Who::KernelCopied => linux::copied(linux?, case).map(|engine| engine as _),
            Who::Kernel => linux::test_runs(linux?, case),
            Who::Interpreter => ours::open(case, By::Interpreter).map(|engine| engine as _),
            Who::Checked => ours::open(case, By::Jit(Mode::Checked)).map(|engine| engine as _),
            Who::Sandboxed => ours::open(case, By::Jit(Mode::Sandboxed)).map(|engine| engine as _),
            Who::Trusted => ours::open(case, By::Jit(Mode::Trusted)).map(|engine| engine as _),
            Who::Rbpf => peers::rbpf(case, true).map(|engine| engine as _),
            Who::RbpfInterpreter => peers::rbpf(case, false).map(|engine| engine as _),
            Who::Sbpf => peers::sbpf(case).map(|engine| engine as _),
        }
    }

    /// Nanoseconds that a sample should take: much longer than reading the clock,
    /// and for the kernel than a system call.
    fn sample(self) -> f64 {
        match self {
            Who::Kernel => 2_000_000.0,
            Who::KernelCopied => 50_000.0,
            _ => 200_000.0,
        }
    }
}

/// What a program took.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    /// Instructions that a run takes.
    pub(crate) executed: u64,
    /// Nanoseconds by engine, or why there is no figure.
    pub(crate) times: Vec<(Who, Result<f64, String>)>,
    /// Nanoseconds of the empty program in the same rounds: what a machine that
    /// others use makes faster or slower meanwhile, it does to both.
    pub(crate) calls: Vec<(Who, Option<f64>)>,
}

impl Row {
    pub(crate) fn time(&self, who: Who) -> Option<f64> {
        let mut times = self.times.iter();
        times.find_map(|(known, time)| (*known == who).then_some(*time.as_ref().ok()?))
    }

    /// What the call takes of that time.
    pub(crate) fn call(&self, who: Who) -> Option<f64> {
        let mut calls = self.calls.iter();
        calls.find_map(|(known, time)| (*known == who).then_some((*time)?))
    }
}

/// How often each engine gets its turn.
const ROUNDS: usize = 15;

fn main() {
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let wanted = |case: &Case| {
        let name = filter.as_deref().unwrap_or_default();
        case.group == Group::Call || case.name.contains(name)
    };
    let linux = Kernel::open();
    if let Err(why) = &linux {
        println!("Without the kernel: {why}\n");
    }
    let linux = linux.ok();
    let _pinned = linux.as_ref().and_then(|linux| linux.on_cpu(0).ok());
    let cases: Vec<_> = cases().into_iter().filter(wanted).collect();
    let empty = cases.iter().find(|case| case.group == Group::Call);
    let empty = empty.expect("the empty program is always measured");
    let rows: Vec<_> = cases
        .iter()
        .map(|case| measure(case, empty, linux.as_ref()))
        .collect();
    report::print(&rows);
    report::print_compile_times(&compile_time::all(&cases, linux.as_ref()));
}

/// Everybody with a program, ready to be timed.
type Engines<'a> = Vec<(Who, Result<Turn<'a>, String>)>;

fn engines<'a>(case: &'a Case, linux: Option<&Kernel>) -> Engines<'a> {
    let mut reference = ours::open(case, By::Interpreter).expect("our interpreter has it");
    let expected = Answer::of(&mut *reference);
    let all = Who::ALL.into_iter();
    all.map(|who| (who, open(who, case, linux, &expected)))
        .collect()
}

fn measure(case: &Case, empty: &Case, linux: Option<&Kernel>) -> Row {
    let mut programs = engines(case, linux);
    let mut calls = engines(empty, linux);
    for _ in 0..ROUNDS {
        for (program, call) in programs.iter_mut().zip(&mut calls) {
            for (_, turn) in [program, call] {
                if let Ok(turn) = turn {
                    turn.take();
                }
            }
        }
    }
    let (times, calls) = (programs.into_iter(), calls.into_iter());
    Row {
        name: case.name,
        group: case.group,
        executed: ours::executed(case),
        times: times
            .map(|(who, turn)| (who, turn.map(Turn::figure)))
            .collect(),
        calls: calls
            .map(|(who, turn)| (who, turn.ok().map(Turn::figure)))
            .collect(),
    }
}

/// An engine with the times that it took so far.
struct Turn<'a> {
    engine: Box<dyn Engine + 'a>,
    runs: u32,
    /// By place.
    samples: Vec<Vec<f64>>,
}

fn open<'a>(
    who: Who,
    case: &'a Case,
    linux: Option<&Kernel>,
    expected: &Answer,
) -> Result<Turn<'a>, String> {
    let mut engine = who.open(case, linux)?;
    let answer = Answer::of(&mut *engine);
    if answer != *expected {
        return Err(format!("answers {answer:?}, not {expected:?}"));
    }
    Ok(Turn {
        samples: vec![Vec::new(); engine.places()],
        runs: runs_for(&mut *engine, who.sample()),
        engine,
    })
}

/// How many runs take so many nanoseconds. By the shortest of three times: who is
/// interrupted once would be given a single run, which measures nothing.
fn runs_for(engine: &mut dyn Engine, sample: f64) -> u32 {
    let mut runs = 1;
    loop {
        let times = [(); 3].map(|()| engine.time(0, runs));
        let taken = times.into_iter().fold(f64::INFINITY, f64::min) * f64::from(runs);
        if taken * 2.0 > sample || runs > 1 << 30 {
            return (f64::from(runs) * sample / taken).ceil() as u32;
        }
        runs *= 2;
    }
}

impl Turn<'_> {
    fn take(&mut self) {
        for (place, samples) in self.samples.iter_mut().enumerate() {
            samples.push(self.engine.time(place, self.runs));
        }
    }

    /// Nanoseconds: the mean over places of the median over rounds.
    fn figure(self) -> f64 {
        let places = self.samples.len() as f64;
        self.samples.into_iter().map(median).sum::<f64>() / places
    }
}

pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
