//! `--coverage`, `--annotate`, `--hottest`: what of the programs was run.

use std::collections::BTreeMap;
use std::path::Path;

use abi::Program;
use isa::{Code, Pc};
use vm::{Counts, Coverage};
use xdp_sim::Simulator;
use xdp_sim::coverage::BySource;

use crate::args::{Engine, RunArgs};
use crate::choose::Choice;
use crate::disasm;
use crate::error::Failure;
use crate::layout::{counted, grouped};
use crate::output::{self, Output};

/// The name of the test in the trace file.
const TEST: &str = "ebpf_sim";

/// Programs whose instructions are counted.
pub(super) struct Counted {
    coverage: Coverage,
    programs: Vec<Program>,
}

impl Counted {
    /// Begins to count, if one of the options asks for it.
    pub(super) fn begin(
        args: &RunArgs,
        simulator: &mut Simulator,
        choice: &Choice,
    ) -> Result<Option<Counted>, Failure> {
        if args.coverage.is_none() && args.annotate.is_none() && args.hottest.is_none() {
            return Ok(None);
        }
        if args.engine == Engine::Jit {
            let why = "instructions are counted in the interpreter: leave --engine jit out";
            return Err(Failure::input("--coverage", why));
        }
        if args.json && args.annotate.as_deref() == Some(Path::new("-")) {
            let why = "the listing would stand among JSON lines: name a file, --annotate=FILE";
            return Err(Failure::input("--annotate", why));
        }
        if args.json && args.hottest.is_some() {
            let why = "shown in the text report: leave --json out";
            return Err(Failure::input("--hottest", why));
        }
        Ok(Some(Counted {
            coverage: Coverage::of(simulator.machine_mut()),
            programs: choice.programs.clone(),
        }))
    }

    /// Writes and shows what was asked for.
    pub(super) fn finish(
        &self,
        args: &RunArgs,
        simulator: &Simulator,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let counts: BTreeMap<&str, Counts> = simulator
            .programs()
            .filter_map(|(id, name)| Some((name, self.coverage.counts(id)?)))
            .collect();
        let mut sources = BySource::default();
        let known = self.programs.iter();
        let known = known.filter_map(|program| Some((program, counts.get(&*program.name)?)));
        let known: Vec<(&Program, &Counts)> = known.collect();
        for (program, counts) in &known {
            sources.add(program, counts);
        }
        if (args.coverage.is_some() || args.annotate.is_some()) && sources.0.is_empty() {
            let why = "the object says nothing of source lines: compile it with -g";
            return Err(Failure::input(args.object.object.display(), why));
        }
        if let Some(path) = &args.coverage {
            output::file(path, |out| sources.write_lcov(TEST, out))?;
        }
        if !args.json {
            said(&sources, out)?;
        }
        match args.annotate.as_deref() {
            Some(path) if path == Path::new("-") => {
                out.line("")?;
                sources.write_listing(out).map_err(Failure::output)?;
            }
            Some(path) => output::file(path, |out| sources.write_listing(out))?,
            None => {}
        }
        match args.hottest {
            Some(most) => hottest(&known, most, out),
            None => Ok(()),
        }
    }
}

fn said(sources: &BySource, out: &mut Output) -> Result<(), Failure> {
    if sources.0.is_empty() {
        return Ok(());
    }
    let percent = |(part, all): (usize, usize)| match all {
        0 => String::from("none"),
        all => format!(
            "{part} of {all} ({:.1} %)",
            100.0 * part as f64 / all as f64
        ),
    };
    out.line(format_args!(
        "\ncoverage      lines {}, ways of branches {}",
        percent(sources.lines()),
        percent(sources.branches()),
    ))
}

/// The instructions that ran most often.
fn hottest(programs: &[(&Program, &Counts)], most: usize, out: &mut Output) -> Result<(), Failure> {
    let mut all = Vec::new();
    for (program, counts) in programs {
        for (pc, insn) in Code::new(program.code.clone()).iter() {
            let runs = counts.runs.get(pc.index()).copied().unwrap_or(0);
            if runs > 0 {
                all.push((runs, *program, pc, insn));
            }
        }
    }
    let total: u64 = all.iter().map(|(runs, ..)| runs).sum();
    // Stable: equals stay in the order of the code.
    all.sort_by_key(|(runs, ..)| std::cmp::Reverse(*runs));
    out.line(format_args!(
        "\nhottest of {}",
        counted(
            all.len() as u64,
            "instruction that ran",
            "instructions that ran"
        )
    ))?;
    for (runs, program, pc, insn) in all.into_iter().take(most) {
        out.line(format_args!(
            "{:>12} {:>5.1} %  {} {:>4}: {}{}",
            grouped(runs),
            100.0 * runs as f64 / total.max(1) as f64,
            program.name,
            pc.0,
            disasm::text(program, pc, insn),
            place(program, pc),
        ))?;
    }
    Ok(())
}

/// File and line of an instruction, as a remark behind it.
fn place(program: &Program, pc: Pc) -> String {
    let (Some(info), Some(btf)) = (program.line_at(pc), &program.btf) else {
        return String::new();
    };
    let file = btf.str(info.file_name_off).unwrap_or_default();
    let name = Path::new(file).file_name().unwrap_or_default();
    format!("  ; {}:{}", name.display(), info.line)
}
