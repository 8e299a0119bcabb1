//! Oracle 5: the interpreter and compiled code come to the same.
//!
//! An accepted program is run on all its inputs by the interpreter and by compiled
//! code in each of three ways: checked, sandboxed, and sandboxed knowing what the
//! verifier proved. Everything that can be seen is compared ([`engines`]): `r0` or
//! the trap with its instruction, the number of instructions, packet, maps and
//! all other memory.
//!
//! # Deliberately absent
//!
//! Trusted code, which may leave the machine where the verifier was wrong; Linux's
//! results; and the entries that a case puts into maps.

use abi::ProgType;

use super::oracle::config;
use super::stage::BUDGET;
use super::{Case, Finding, Oracle, OracleKind, Tally};
use crate::CannotAsk;
use crate::engines::{self, Way, ways};
use crate::generate::{self, hostile};

/// Compiled code against the interpreter.
#[derive(Debug)]
pub struct SameResults {
    ways: Vec<Way>,
}

impl Default for SameResults {
    fn default() -> SameResults {
        SameResults::new()
    }
}

impl SameResults {
    /// In the ways in which code is compiled.
    pub fn new() -> SameResults {
        let wanted =
            |way: &Way| way.options.meter && !way.options.blind && way.options.gs == Some(true);
        SameResults {
            ways: ways(None).into_iter().filter(wanted).collect(),
        }
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
        let mut raw = case.raw.clone();
        generate::trim(&mut raw.program);
        let input = |input: &super::Input| engines::Input {
            packet: input.packet.clone(),
            memory: vec![0; hostile::MEMORY as usize],
            numbers: [0; 3],
        };
        let same = engines::Case {
            name: String::new(),
            budget: BUDGET * program.code.len() as u64,
            raw,
            inputs: case.inputs.iter().map(input).collect(),
        };
        for way in &self.ways {
            match engines::compare(&same, way) {
                Ok(compared) => {
                    tally.runs += compared.runs();
                    tally.instructions += compared.instructions;
                }
                Err(found) => {
                    let class = format!("{:?} code differs", way.options.mode);
                    return Ok(Some(Finding::new(
                        OracleKind::Result,
                        class,
                        format!("run {}: {}", found.run, found.what),
                    )));
                }
            }
        }
        Ok(None)
    }
}
