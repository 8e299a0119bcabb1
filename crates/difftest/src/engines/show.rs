//! A difference, with a program as small as possible.

use std::fmt;

use loader::raw::RawProgram;

use super::{Case, Way, compare};
use crate::generate;

/// A difference between the engines.
#[derive(Clone, Debug)]
pub struct Found {
    /// The case that shows it.
    pub case: Case,
    /// How its program was compiled.
    pub way: Way,
    /// The run in which it showed.
    pub run: usize,
    /// What differed.
    pub what: String,
}

impl Found {
    pub(super) fn new(case: &Case, way: &Way, run: usize, what: String) -> Box<Found> {
        Box::new(Found {
            case: case.clone(),
            way: *way,
            run,
            what,
        })
    }

    /// The same, or much the same, with fewer runs and a smaller program.
    pub fn reduced(&self) -> Found {
        let mut best = self.clone();
        let alone = Case {
            inputs: self
                .case
                .inputs
                .get(self.run..=self.run)
                .unwrap_or_default()
                .to_vec(),
            ..self.case.clone()
        };
        if let Err(found) = compare(&alone, &self.way) {
            best = *found;
        }
        let mut shows = |raw: &RawProgram| {
            let case = Case {
                raw: raw.clone(),
                ..best.case.clone()
            };
            compare(&case, &best.way).is_err()
        };
        let raw = generate::reduced(&best.case.raw, &mut shows);
        let case = Case {
            raw,
            ..best.case.clone()
        };
        match compare(&case, &best.way) {
            Err(found) => *found,
            Ok(_) => best,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found {
            case,
            way,
            run,
            what,
        } = self;
        writeln!(f, "{}, run {run} of {}", case.name, case.inputs.len())?;
        let proofs = if way.proofs { ", proven" } else { "" };
        writeln!(f, "{:?}{proofs}, budget {}", way.options, case.budget)?;
        write!(f, "{}", generate::text(&case.raw))?;
        if let Some(input) = case.inputs.get(*run) {
            writeln!(f, "r3, r4, r5: {:#x?}", input.numbers)?;
            writeln!(f, "memory: {:02x?}", input.memory)?;
            writeln!(f, "packet: {:02x?}", input.packet)?;
        }
        writeln!(f, "{what}")
    }
}
