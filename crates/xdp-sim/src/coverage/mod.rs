//! Which source lines ran, how often, and which way their branches went.
//!
//! What was run is counted by instruction ([`vm::Coverage`]); compilers say which
//! line each came from, and keep the line's text, so no source file is read. A line
//! counts as often as the most often run of its instructions: it may stand in the
//! code several times, by inlining or unrolling, and the sum would say that it ran
//! when only its copy elsewhere did. Several programs with the same line add up.
//!
//! The branches of a line are those of its instructions, which after optimisation
//! need not be those that the source shows.

mod lcov;
mod listing;

use std::collections::BTreeMap;

use abi::{LineInfo, Program};
use btf::{Btf, Type};
use vm::Counts;

/// A source file, as far as code was made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// By number, from 1.
    pub lines: BTreeMap<u32, Line>,
    /// Functions by name.
    pub functions: BTreeMap<String, Function>,
}

/// A source line that has instructions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its text, as the compiler kept it.
    pub text: String,
    /// How often it was run.
    pub runs: u64,
    /// Instructions that were run for it.
    pub instructions: u64,
    /// Its branches, by program and place.
    pub branches: Vec<Branch>,
}

/// An instruction that goes one of two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// How often it was run.
    pub runs: u64,
    /// How often it jumped.
    pub jumped: u64,
}

/// A function that is not inlined everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// The line at which its code begins.
    pub line: u32,
    /// How often it was entered.
    pub calls: u64,
}

/// Source files by name, as the compiler was given it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BySource(pub BTreeMap<String, Source>);

impl BySource {
    /// Adds what a program has run. One without types or lines has no sources.
    pub fn add(&mut self, program: &Program, counts: &Counts) {
        let Some(btf) = &program.btf else {
            return;
        };
        let ends = program.line_info.iter().skip(1).map(|info| info.pc.0);
        let len = program.code.len() as u32;
        let mut seen: BTreeMap<(&str, u32), Line> = BTreeMap::new();
        for (info, end) in program.line_info.iter().zip(ends.chain([len])) {
            let line = seen.entry((file(btf, info), info.line)).or_default();
            if line.text.is_empty() {
                line.text = btf.str(info.line_off).unwrap_or_default().to_owned();
            }
            line.take(counts, info.pc.0..end);
        }
        for ((file, number), line) in seen {
            let source = self.0.entry(file.to_owned()).or_default();
            source.lines.entry(number).or_default().join(line);
        }
        self.add_functions(program, btf, counts);
    }

    fn add_functions(&mut self, program: &Program, btf: &Btf, counts: &Counts) {
        for info in &program.func_info {
            let Some(Type::Func(function)) = btf.ty(info.type_id) else {
                continue;
            };
            let first = program.line_info.iter().find(|line| line.pc >= info.pc);
            let Some(line) = first else {
                continue;
            };
            let source = self.0.entry(file(btf, line).to_owned()).or_default();
            let known = source.functions.entry(function.name.to_owned());
            let known = known.or_default();
            known.line = line.line;
            known.calls += counts.runs.get(info.pc.index()).copied().unwrap_or(0);
        }
    }

    /// Lines that ran, and lines.
    pub fn lines(&self) -> (usize, usize) {
        sum(self.0.values().map(Source::lines))
    }

    /// Ways of branches that were taken, and ways.
    pub fn branches(&self) -> (usize, usize) {
        sum(self.0.values().map(Source::branches))
    }
}

impl Source {
    fn lines(&self) -> (usize, usize) {
        some(self.lines.values().map(|line| line.runs))
    }

    fn functions(&self) -> (usize, usize) {
        some(self.functions.values().map(|function| function.calls))
    }

    fn branches(&self) -> (usize, usize) {
        let branches = self.lines.values().flat_map(|line| &line.branches);
        some(branches.flat_map(|branch| branch.ways()))
    }
}

/// How many of the counts are not 0, and how many there are.
fn some(counts: impl Iterator<Item = u64>) -> (usize, usize) {
    sum(counts.map(|count| (usize::from(count > 0), 1)))
}

fn sum(pairs: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    pairs.fold((0, 0), |one, other| (one.0 + other.0, one.1 + other.1))
}

impl Line {
    fn take(&mut self, counts: &Counts, slots: std::ops::Range<u32>) {
        let runs = counts.runs.get(slots.start as usize..slots.end as usize);
        for runs in runs.unwrap_or_default() {
            self.runs = self.runs.max(*runs);
            self.instructions += runs;
        }
        let first = counts.branches.partition_point(|(pc, _)| *pc < slots.start);
        for (pc, jumped) in counts.branches.iter().skip(first) {
            if *pc >= slots.end {
                break;
            }
            self.branches.push(Branch {
                runs: counts.runs.get(*pc as usize).copied().unwrap_or(0),
                jumped: *jumped,
            });
        }
    }

    /// The same line in another program.
    fn join(&mut self, other: Line) {
        self.text = other.text;
        self.runs += other.runs;
        self.instructions += other.instructions;
        self.branches.extend(other.branches);
    }
}

impl Branch {
    /// How often it jumped, and how often it went on behind itself.
    pub fn ways(self) -> [u64; 2] {
        [self.jumped, self.runs.saturating_sub(self.jumped)]
    }
}

fn file<'b>(btf: &'b Btf, info: &LineInfo) -> &'b str {
    btf.str(info.file_name_off).unwrap_or_default()
}
