//! Oracle 5: the interpreter, compiled code and Linux come to the same.
//!
//! An accepted program is run on all its inputs by the interpreter and by compiled
//! code: checked, sandboxed, sandboxed knowing what the verifier proved, and, where
//! the interpreter stayed in bounds, trusted, without that and with it. Everything
//! that can be seen is compared ([`engines`]): `r0` or the trap with its
//! instruction, the number of instructions, packet, maps and all other memory.
//!
//! Against the kernel, the same program with the same packets and the same first
//! entries is run there too, in `linux`, by PROG_TEST_RUN.
//!
//! # Deliberately absent
//!
//! Programs that are not of XDP, whose contexts the machine does not have. At which
//! of several `exit`s a run ended, where number of instructions and result are equal.

#[cfg(target_os = "linux")]
mod linux;

use abi::{ProgType, Program};

use super::inputs::{Input, maps_of};
use super::oracle::config;
use super::stage::BUDGET;
use super::{Case, Finding, Oracle, OracleKind, Tally};
use crate::engines::{self, Way, trusted, ways};
use crate::generate::{self, hostile};
use crate::{CannotAsk, Content};

/// Compiled code, and the kernel if it is asked, against the interpreter.
#[derive(Debug)]
pub struct SameResults {
    ways: Vec<Way>,
    #[cfg(target_os = "linux")]
    linux: Option<linux::AgainstLinux>,
}

impl Default for SameResults {
    fn default() -> SameResults {
        SameResults::new()
    }
}

impl SameResults {
    /// In the ways in which code is compiled.
    pub fn new() -> SameResults {
        // Where budgets are not counted, what was proven is made use of.
        let wanted = |way: &Way| {
            let Way {
                options, proofs, ..
            } = way;
            !options.blind && options.gs == Some(true) && (options.meter || *proofs)
        };
        SameResults {
            ways: ways(Some(trusted)).into_iter().filter(wanted).collect(),
            #[cfg(target_os = "linux")]
            linux: None,
        }
    }

    /// The same, and against the running kernel. The thread stays on CPU 0 and in a
    /// network namespace of its own while this lives.
    ///
    /// # Errors
    ///
    /// When the kernel cannot be asked.
    #[cfg(target_os = "linux")]
    pub fn against_linux() -> Result<SameResults, CannotAsk> {
        Ok(SameResults {
            linux: Some(linux::AgainstLinux::new()?),
            ..SameResults::new()
        })
    }

    /// What the engines come to; whether all runs ended by themselves.
    fn engines(&self, case: &engines::Case, tally: &mut Tally) -> Result<bool, Finding> {
        let mut ended = true;
        for way in &self.ways {
            match engines::compare(case, way) {
                Ok(compared) => {
                    tally.runs += compared.runs();
                    tally.instructions += compared.instructions;
                    ended &= compared.traps == 0 && compared.runs() == case.inputs.len() as u64;
                }
                Err(found) => {
                    let class = format!("{:?} code differs", way.options.mode);
                    let what = format!("run {}: {}", found.run, found.what);
                    return Err(Finding::new(OracleKind::Result, class, what));
                }
            }
        }
        Ok(ended)
    }
}

impl Oracle for SameResults {
    fn kind(&self) -> OracleKind {
        OracleKind::Result
    }

    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        let program = &case.raw.program;
        let verdict = verifier::verify(program, &config(&case.raw), None);
        tally.ours(&verdict);
        if !verdict.is_accepted() || program.prog_type != ProgType::Xdp {
            return Ok(None);
        }
        let trimmed = trimmed(case);
        let ended = match self.engines(&trimmed, tally) {
            Ok(ended) => ended,
            Err(finding) => return Ok(Some(finding)),
        };
        #[cfg(target_os = "linux")]
        if let Some(linux) = self.linux.as_mut().filter(|_| ended) {
            return Ok(linux.check(&trimmed, tally));
        }
        let _ = ended;
        Ok(None)
    }
}

/// The case with no more maps than it names, as engines take it.
fn trimmed(case: &Case) -> engines::Case {
    let mut raw = case.raw.clone();
    generate::trim(&mut raw.program);
    let inputs = case.inputs.iter();
    engines::Case {
        name: String::new(),
        budget: BUDGET * raw.program.code.len() as u64,
        raw,
        inputs: inputs.map(|i| input(i, &case.raw.program)).collect(),
    }
}

fn input(input: &Input, program: &Program) -> engines::Input {
    // Maps are left in the order in which they are named.
    let named = maps_of(program);
    let content = |entry: &super::Entry| {
        Some(Content {
            map: named.iter().position(|(map, _)| *map == entry.map)?,
            key: entry.key.clone(),
            value: entry.value.clone(),
        })
    };
    engines::Input {
        packet: input.packet.clone(),
        meta: input.meta.clone(),
        entries: input.entries.iter().filter_map(content).collect(),
        memory: vec![0; hostile::MEMORY as usize],
        ..engines::Input::default()
    }
}
