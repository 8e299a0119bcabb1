//! How long compilers take for the programs of the benches: nanoseconds for each
//! instruction.

use std::time::Instant;

use abi::Program;
use jit::{Mode, Proof};
use kernel::{Kernel, LoadOptions, LogWanted};

use crate::case::{self, Case};
use crate::clang;
use crate::engine::now;
use crate::foreign::compile;
use crate::median;
use crate::memory::Memory;
use crate::{ours, peers};

/// Who compiles.
pub(crate) const COMPILERS: [&str; 6] = [
    "checked",
    "sandboxed",
    "rbpf",
    "solana-sbpf",
    "PROG_LOAD less verification",
    "PROG_LOAD",
];

/// What a program took, by compiler.
#[derive(Debug)]
pub(crate) struct CompileTimes {
    pub(crate) name: String,
    /// Instructions in it.
    pub(crate) insns: usize,
    /// Nanoseconds in all, in the order of [`COMPILERS`].
    pub(crate) times: [Option<f64>; COMPILERS.len()],
}

const ROUNDS: usize = 15;

/// What everybody takes for each program, and for a long one.
pub(crate) fn all(cases: &[Case], linux: Option<&Kernel>) -> Vec<CompileTimes> {
    let long = case::long();
    let mut times: Vec<CompileTimes> = Vec::new();
    for case in cases.iter().chain([&long]) {
        if times.iter().all(|known| known.name != case.program.name) {
            times.push(measure(case, linux));
        }
    }
    times
}

fn measure(case: &Case, linux: Option<&Kernel>) -> CompileTimes {
    let plain = clang::bpf_without_alu32(&case.program.name);
    let plain = plain.unwrap_or_else(|_| case.program.clone());
    let mut samples: [Vec<f64>; COMPILERS.len()] = Default::default();
    for _ in 0..ROUNDS {
        let loaded = linux.and_then(|linux| loaded(linux, case));
        let times = [
            compiled(case, Mode::Checked),
            compiled(case, Mode::Sandboxed),
            rbpf(case),
            sbpf(case, &plain),
            loaded.map(|times| times.0),
            loaded.map(|times| times.1),
        ];
        for (samples, time) in samples.iter_mut().zip(times) {
            samples.extend(time);
        }
    }
    CompileTimes {
        name: case.program.name.clone(),
        insns: case.program.code.len(),
        times: samples.map(|samples| (!samples.is_empty()).then(|| median(samples))),
    }
}

fn clock<T>(work: impl FnOnce() -> Option<T>) -> Option<f64> {
    let begin = now();
    let done = work();
    let taken = now() - begin;
    done.map(|_| taken)
}

/// Code for programs that nobody verified, and for those that were.
fn compiled(case: &Case, mode: Mode) -> Option<f64> {
    let (mut machine, program, maps) = ours::machine(case).ok()?;
    let proven = ours::proven(case).ok()?;
    let proof = [Proof {
        program,
        proven: &proven,
        maps: &maps,
    }];
    let proofs = match mode {
        Mode::Checked => &[][..],
        _ => &proof[..],
    };
    clock(|| compile(&mut machine, &ours::options(mode), proofs).ok())
}

/// Instructions that `rbpf` has room for; it panics when there are more.
const RBPF_ROOM: usize = 1000;

fn rbpf(case: &Case) -> Option<f64> {
    if case.program.code.len() > RBPF_ROOM {
        return None;
    }
    let memory = Memory::new(&case.program, &case.packet);
    let mut machine = peers::rbpf_machine(memory.link(&case.program)?).ok()?;
    clock(|| machine.jit_compile().ok())
}

fn sbpf(case: &Case, program: &Program) -> Option<f64> {
    let memory = Memory::new(program, &case.packet);
    let executable = peers::sbpf_executable(memory.link(program)?).ok()?;
    // Its program may be another one; what counts is the time of an instruction.
    let scale = case.program.code.len() as f64 / program.code.len() as f64;
    clock(|| executable.jit_compile().ok()).map(|time| time * scale)
}

/// PROG_LOAD less what the verifier says that it took, and all of it. The verifier
/// goes by the clock, so this does too.
fn loaded(linux: &Kernel, case: &Case) -> Option<(f64, f64)> {
    let instance = linux.instantiate(&case.program.maps, &[]).ok()?;
    let options = LoadOptions {
        log: LogWanted::Level(4),
        without_btf: true,
        ..LoadOptions::default()
    };
    let begin = Instant::now();
    let loaded = linux.load(&case.program, &instance.maps, &options).ok()?;
    let taken = begin.elapsed().as_nanos() as f64;
    let (_, rest) = loaded.log().split_once("verification time ")?;
    let verification: f64 = rest.split_whitespace().next()?.parse().ok()?;
    Some(((taken - verification * 1000.0).max(0.0), taken))
}
