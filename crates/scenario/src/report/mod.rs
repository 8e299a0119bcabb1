//! What came of a scenario, as data; and as text, TAP and JUnit.

mod junit;
mod tap;
mod text;

use std::path::PathBuf;

pub use junit::junit;
pub use tap::tap;
pub use text::text;

use crate::Scenario;
use crate::file::{Place, Seg};

/// What came of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: Option<PathBuf>,
    /// What was checked, step by step.
    pub checks: Vec<Check>,
    /// Packets that came.
    pub packets: u64,
    /// What a person should know beside the result.
    pub notes: Vec<String>,
    /// Why it was not run at all: it neither failed nor says anything.
    pub skipped: Option<String>,
}

/// What was checked in one step.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// What the step is called.
    pub name: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// Packets that came.
    pub packets: u64,
    /// How many expectations there were.
    pub expectations: u64,
    /// Those that were missed.
    pub misses: Vec<Miss>,
    /// What the file would say if it expected what happened.
    pub fixes: Vec<Fix>,
}

/// An expectation that was missed.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// Where it stands.
    pub place: Option<Place>,
    /// What it is about.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What happened.
    pub got: String,
    /// More to it, in lines: packets side by side.
    pub detail: String,
}

/// A value that a file would have if it expected what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// The way to it.
    pub path: Vec<Seg>,
    /// The value, as TOML.
    pub value: String,
}

impl Report {
    /// A scenario that is not run.
    pub fn skipped(scenario: &Scenario, why: impl std::fmt::Display) -> Report {
        Report {
            name: scenario.name.clone(),
            path: scenario.source.as_ref().map(|source| source.path.clone()),
            skipped: Some(why.to_string()),
            ..Report::default()
        }
    }

    /// Whether everything was as expected.
    pub fn is_ok(&self) -> bool {
        self.checks.iter().all(Check::is_ok)
    }

    /// All expectations that were missed.
    pub fn misses(&self) -> impl Iterator<Item = &Miss> {
        self.checks.iter().flat_map(|check| &check.misses)
    }

    /// That everything was as expected: for tests in Rust.
    ///
    /// # Panics
    ///
    /// When it was not, with the report.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_ok(), "\n{}", text(self));
    }
}

impl Check {
    /// Whether everything was as expected.
    pub fn is_ok(&self) -> bool {
        self.misses.is_empty()
    }
}
