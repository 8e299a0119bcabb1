//! `verify --programs`: raw programs, a JSON object a line, a verdict a line.

use std::io::{BufRead, BufReader};
use std::path::Path;

use loader::raw::{Caps, RawProgram};
use serde::Serialize;
use verifier::{Config, Privileges};

use super::Session;
use super::row::Row;
use crate::error::Failure;
use crate::input;
use crate::output::Output;

/// The longest line that is read: a program of a million slots takes 20 MB.
const MAX_LINE: u64 = 64 << 20;

/// Flags of program load that change a verdict.
const STRICT_ALIGNMENT: u32 = 1;
const TEST_STATE_FREQ: u32 = 1 << 3;
const TEST_REG_INVARIANTS: u32 = 1 << 7;

/// A verdict, and the line that it is about.
#[derive(Serialize)]
struct Answer<'a> {
    line: u64,
    #[serde(flatten)]
    row: &'a Row,
}

/// A line that is no program.
#[derive(Serialize)]
struct BadLine {
    line: u64,
    verdict: &'static str,
    error: String,
}

impl Session<'_> {
    /// Verifies every line of a file. A bad one is reported, and the next goes on.
    pub(super) fn raw(&mut self, path: &Path, out: &mut Output) -> Result<(), Failure> {
        if self.config.kernel_btf.is_none() {
            self.config.kernel_btf = input::kernel_btf();
        }
        let mut reader = BufReader::new(input::open(path)?);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = (&mut reader).take_line(&mut line);
            match read.map_err(|e| Failure::read(path, e))? {
                Read::End => break,
                Read::TooLong => self.bad(number, "the line is longer than 64 MiB", out)?,
                Read::Line if line.trim_ascii().is_empty() => {}
                Read::Line => match std::str::from_utf8(&line) {
                    Ok(text) => self.line(path, number, text, out)?,
                    Err(e) => self.bad(number, e, out)?,
                },
            }
            // Whoever asks over a pipe waits for the answer.
            if path == Path::new("-") {
                out.flush()?;
            }
        }
        Ok(())
    }

    fn line(
        &mut self,
        path: &Path,
        number: u64,
        text: &str,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let raw = match RawProgram::parse(text, self.config.kernel_btf.as_deref()) {
            Ok(raw) => raw,
            Err(error) => return self.bad(number, error, out),
        };
        let config = self.config_of(&raw);
        let file = super::file_name(path);
        let (row, _) = self.judge(&file, &raw.program, &config);
        if self.filters.keeps(&row) {
            out.json(&Answer {
                line: number,
                row: &row,
            })?;
            self.count(row.verdict);
        }
        Ok(())
    }

    /// What the line says about its load, over what the command line says.
    fn config_of(&self, raw: &RawProgram) -> Config {
        let set = |bit| raw.flags & bit != 0;
        let mut config = self.config.clone();
        config.strict_alignment |= set(STRICT_ALIGNMENT);
        config.test_state_freq |= set(TEST_STATE_FREQ);
        config.test_reg_invariants |= set(TEST_REG_INVARIANTS);
        if raw.caps != Caps::ROOT && !raw.caps.perfmon {
            config.privileges = Privileges::BpfOnly;
        }
        config
    }

    fn bad(&mut self, line: u64, error: impl ToString, out: &mut Output) -> Result<(), Failure> {
        self.unreadable = true;
        out.json(&BadLine {
            line,
            verdict: "unreadable",
            error: error.to_string(),
        })
    }
}

enum Read {
    Line,
    TooLong,
    End,
}

trait TakeLine {
    fn take_line(self, line: &mut Vec<u8>) -> std::io::Result<Read>;
}

impl<R: BufRead> TakeLine for &mut R {
    /// Reads a line up to the limit; the rest of a longer one is passed over.
    fn take_line(self, line: &mut Vec<u8>) -> std::io::Result<Read> {
        use std::io::Read as _;
        let taken = self.take(MAX_LINE).read_until(b'\n', line)?;
        if taken == 0 {
            return Ok(Read::End);
        }
        if taken as u64 == MAX_LINE && !line.ends_with(b"\n") {
            self.skip_until(b'\n')?;
            return Ok(Read::TooLong);
        }
        Ok(Read::Line)
    }
}
