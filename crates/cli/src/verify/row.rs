//! A verdict and its figures: a row of every kind of report.

use std::time::Duration;

use abi::Program;
use serde::Serialize;
use verifier::{Stats, Verdict};

/// A verdict and its figures.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) file: String,
    pub(super) program: String,
    #[serde(rename = "type")]
    pub(super) prog_type: String,
    pub(super) attach_type: Option<String>,
    pub(super) verdict: Outcome,
    /// Linux's number for a refusal, such as `EACCES`.
    pub(super) errno: Option<String>,
    /// The last line that Linux would write; for what is not supported, its name.
    pub(super) message: Option<String>,
    /// What `ebpf-sim explain` takes.
    pub(super) code: Option<String>,
    pub(super) pc: Option<u32>,
    #[serde(flatten)]
    pub(super) figures: Figures,
    /// A refusal explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explanation: Option<super::explain::Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<String>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Success,
    Failure,
    Unsupported,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Unsupported => "unsupported",
        }
    }
}

/// What the analysis cost.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) processed: u64,
    pub(super) max_states_per_insn: u64,
    pub(super) total_states: u64,
    pub(super) peak_states: u64,
    /// Bytes, by function.
    pub(super) stack_depth: Vec<u32>,
    pub(super) prog_size: usize,
    pub(super) microseconds: u64,
}

impl Row {
    pub(super) fn new(
        file: &str,
        program: &Program,
        verdict: &Verdict<'_>,
        took: Duration,
        log: Option<String>,
    ) -> Row {
        let mut row = Row {
            file: file.to_owned(),
            program: program.name.clone(),
            prog_type: program.prog_type.name().to_owned(),
            attach_type: program.attach_type.map(|t| t.name().to_owned()),
            verdict: Outcome::Success,
            errno: None,
            message: None,
            code: None,
            pc: None,
            figures: figures(program, verdict.stats(), took),
            explanation: None,
            log,
        };
        match verdict {
            Verdict::Accepted(_) => {}
            Verdict::Refused(rejection) => {
                row.verdict = Outcome::Failure;
                row.errno = Some(rejection.reason.errno().to_string());
                row.message = last_line(&rejection.reason.to_string());
                row.code = Some(rejection.reason.code().to_owned());
                row.pc = rejection.pc.map(|pc| pc.0);
            }
            Verdict::Unsupported(undecided) => {
                row.verdict = Outcome::Unsupported;
                row.message = Some(undecided.unsupported.feature.clone());
                row.pc = Some(undecided.unsupported.pc.0);
            }
        }
        row
    }

    /// `FILE/PROG`, as filters name it.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.file, self.program)
    }
}

fn figures(program: &Program, stats: &Stats, took: Duration) -> Figures {
    Figures {
        processed: stats.processed,
        max_states_per_insn: stats.max_states_per_insn,
        total_states: stats.total_states,
        peak_states: stats.peak_states,
        stack_depth: stats.stack_depths.clone(),
        prog_size: program.code.len(),
        microseconds: took.as_micros() as u64,
    }
}

fn last_line(text: &str) -> Option<String> {
    text.lines().next_back().map(str::to_owned)
}
