//! How long compilers take for the programs of the benches: nanoseconds for each
//! instruction.

use abi::Program;
use jit::Mode;
use kernel::{Kernel, LoadOptions, LogWanted};

use crate::case::Case;
use crate::clang;
use crate::engine::now;
use crate::foreign::compile;
use crate::median;
use crate::memory::Memory;
use crate::{ours, peers};

/// Who compiles.
pub(crate) const COMPILERS: [&str; 5] = [
    "checked",
    "sandboxed",
    "rbpf",
    "solana-sbpf",
    "kernel, verification left out",
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

/// Compiles a program by everybody, in turn.
pub(crate) fn measure(case: &Case, linux: Option<&Kernel>) -> CompileTimes {
    let plain = clang::bpf_without_alu32(&case.program.name).ok();
    let mut samples: [Vec<f64>; COMPILERS.len()] = Default::default();
    for _ in 0..ROUNDS {
        let times = [
            compiled(case, Mode::Checked),
            compiled(case, Mode::Sandboxed),
            rbpf(case),
            plain.as_ref().and_then(|plain| sbpf(case, plain)),
            linux.and_then(|linux| loaded(linux, case)),
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

fn compiled(case: &Case, mode: Mode) -> Option<f64> {
    let mut machine = ours::machine(case).ok()?.0;
    clock(|| compile(&mut machine, &ours::options(mode), &[]).ok())
}

fn rbpf(case: &Case) -> Option<f64> {
    let memory = Memory::new(&case.program, &case.packet);
    let mut machine = peers::rbpf_machine(memory.link(&case.program)?).ok()?;
    clock(|| machine.jit_compile().ok())
}

fn sbpf(case: &Case, program: &Program) -> Option<f64> {
    let memory = Memory::new(program, &case.packet);
    let executable = peers::sbpf_executable(memory.link(program)?).ok()?;
    // Its program is another one; what counts is the time of an instruction.
    let scale = case.program.code.len() as f64 / program.code.len() as f64;
    clock(|| executable.jit_compile().ok()).map(|time| time * scale)
}

/// PROG_LOAD less what the verifier says that it took.
fn loaded(linux: &Kernel, case: &Case) -> Option<f64> {
    let instance = linux.instantiate(&case.program.maps, &[]).ok()?;
    let options = LoadOptions {
        log: LogWanted::Level(4),
        without_btf: true,
        ..LoadOptions::default()
    };
    let begin = now();
    let loaded = linux.load(&case.program, &instance.maps, &options).ok()?;
    let taken = now() - begin;
    let (_, rest) = loaded.log().split_once("verification time ")?;
    let verification: f64 = rest.split_whitespace().next()?.parse().ok()?;
    Some((taken - verification * 1000.0).max(0.0))
}
