//! Samples: raw programs with what Linux said of them.
//!
//! A line of `corpus/verify/linux-RELEASE/*.jsonl.gz` is a raw program
//! ([`RawProgram`]) with `ret`, `errno`, `last_message`, and what was measured
//! beyond: logs by level, counts.

use std::collections::BTreeMap;

use abi::Errno;
use btf::Btf;
use kernel::log::{Counts, Log};
use loader::raw::{RawError, RawProgram};
use serde::Deserialize;

use super::opinion::sentence;
use super::{Opinion, Said};

/// A program with what Linux said of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// What it is about: the name's first word.
    pub topic: String,
    /// The program.
    pub raw: RawProgram,
    /// Linux's verdict.
    pub said: Said,
    /// Linux's last line; empty for an accepted program.
    pub message: String,
    /// What Linux counted, as far as it was measured.
    pub counts: Counts,
    /// Linux's logs by level, as far as they were kept.
    pub logs: BTreeMap<u32, String>,
    /// The program as text, where it was written so.
    pub asm: Vec<String>,
}

/// Why a line is no sample.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// Not of the form.
    #[error("line {line}: {source}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// No raw program.
    #[error("line {line}: {source}")]
    Raw {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        source: RawError,
    },
}

#[derive(Deserialize)]
struct Measured {
    name: String,
    ret: i32,
    #[serde(default)]
    last_message: String,
    #[serde(default)]
    logs: BTreeMap<u32, String>,
    #[serde(default)]
    asm: Vec<String>,
    processed: Option<u32>,
    max_states_per_insn: Option<u32>,
    total_states: Option<u32>,
    peak_states: Option<u32>,
    stack_depth: Option<String>,
}

/// Reads samples, one a line.
///
/// # Errors
///
/// The first line that is none.
pub fn read(text: &str, kernel_btf: Option<&Btf>) -> Result<Vec<Sample>, SampleError> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    let sample = |(line, text)| -> Result<Sample, SampleError> {
        let form = |source| SampleError::Form { line, source };
        let measured: Measured = serde_json::from_str(text).map_err(form)?;
        let raw = RawProgram::parse(text, kernel_btf);
        let raw = raw.map_err(|source| SampleError::Raw { line, source })?;
        Ok(measured.sample(raw))
    };
    lines.map(sample).collect()
}

impl Measured {
    fn sample(self, raw: RawProgram) -> Sample {
        let topic = self.name.split('_').next().unwrap_or_default();
        let errno = u16::try_from(self.ret.unsigned_abs()).unwrap_or(u16::MAX);
        Sample {
            topic: topic.to_owned(),
            counts: self.counts(),
            said: match self.ret {
                0 => Said::Accepted,
                _ => Said::Refused(Errno(errno)),
            },
            name: self.name,
            raw,
            message: sentence(&self.last_message).to_owned(),
            logs: self.logs,
            asm: self.asm,
        }
    }

    /// The counts of the line, or those of the log of the highest level.
    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for log in self.logs.values() {
            let read = Log::parse(log).counts;
            counts = Counts {
                stack_depth: read.stack_depth.or(counts.stack_depth),
                ..read
            };
        }
        let depths = self.stack_depth.as_ref();
        let depths = depths.and_then(|text| text.split('+').map(|d| d.parse().ok()).collect());
        Counts {
            processed: self.processed.or(counts.processed),
            max_states_per_insn: self.max_states_per_insn.or(counts.max_states_per_insn),
            total_states: self.total_states.or(counts.total_states),
            peak_states: self.peak_states.or(counts.peak_states),
            stack_depth: depths.or(counts.stack_depth),
            ..counts
        }
    }
}

impl Sample {
    /// What Linux said, with the log of a level where it was kept.
    pub fn opinion(&self, level: u32) -> Opinion {
        Opinion {
            said: self.said.clone(),
            message: self.message.clone(),
            log: self.logs.get(&level).cloned().unwrap_or_default(),
            counts: self.counts.clone(),
        }
    }
}
