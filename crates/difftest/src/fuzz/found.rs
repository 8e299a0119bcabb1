//! A finding with the program that shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Case, Finding};
use crate::families::Seed;

/// A finding with the program that shows it, made as small as could be.
#[derive(Clone, Debug)]
pub struct Found {
    /// Of which seed.
    pub seed: Seed,
    /// Index of the program that it was made from.
    pub index: u64,
    /// Slots which that had.
    pub slots_before: usize,
    /// The program, with its inputs.
    pub case: Case,
    /// What is wrong.
    pub finding: Finding,
}

impl Found {
    /// Tells apart what was found: the same for the same program and class, on
    /// every machine.
    pub fn hash(&self) -> u64 {
        let program = &self.case.raw.program;
        let slots = program.code.iter().flat_map(|slot| slot.to_bytes());
        let words = [self.case.raw.flags, program.prog_type as u32];
        let bytes = self
            .class()
            .into_bytes()
            .into_iter()
            .chain(words.into_iter().flat_map(u32::to_le_bytes))
            .chain(slots);
        // FNV-1a: it is the same everywhere and for ever, and need be no better.
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// Who says so and of what sort it is.
    pub fn class(&self) -> String {
        self.finding.full_class()
    }

    /// What ledgers and the command's output say of it.
    pub fn record(&self) -> Record {
        Record {
            hash: format!("{:016x}", self.hash()),
            oracle: self.finding.oracle.name().to_owned(),
            class: self.finding.class.clone(),
            what: self.finding.what.clone(),
            seed: format!("{:#x}", self.seed.0),
            index: self.index,
            pc: self.finding.pc,
            slots: self.case.raw.program.code.len(),
            slots_before: self.slots_before,
            program: super::reproduce::line(self),
        }
    }
}

/// A finding as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`Found::hash`], in hexadecimal.
    pub hash: String,
    /// Who says so.
    pub oracle: String,
    /// Of what sort it is.
    pub class: String,
    /// What is wrong.
    pub what: String,
    /// The campaign's seed.
    pub seed: String,
    /// Index of the program that it was made from.
    pub index: u64,
    /// The instruction, where there is one.
    pub pc: Option<u32>,
    /// Slots of the program.
    pub slots: usize,
    /// Slots of the program that it was made from.
    pub slots_before: usize,
    /// The program as a line of `docs/verify.md`, with its inputs.
    pub program: serde_json::Value,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.oracle, self.class, self.what)
    }
}
