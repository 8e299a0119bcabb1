//! A finding as a line of output, and in files.

use std::path::{Path, PathBuf};

use difftest::fuzz::{Found, Record, reproduce};
use serde::Serialize;

use crate::args::FuzzArgs;
use crate::error::Failure;
use crate::output::Output;

/// Tells findings.
pub(super) struct Told<'t> {
    args: &'t FuzzArgs,
    out: &'t mut Output,
}

/// A finding.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    record: &'a Record,
    /// The command that finds it again.
    replay: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Files>,
}

#[derive(Serialize)]
struct Files {
    test: PathBuf,
    line: PathBuf,
    c: PathBuf,
}

impl<'t> Told<'t> {
    pub(super) fn new(args: &'t FuzzArgs, out: &'t mut Output) -> Told<'t> {
        Told { args, out }
    }

    /// Writes files first, so that whoever reads the line finds them.
    pub(super) fn found(&mut self, found: &Found) -> Result<(), Failure> {
        let files = match &self.args.out {
            Some(directory) => Some(write(found, directory)?),
            None => None,
        };
        let file = files.as_ref().map(|files| &files.line);
        let replay = match file.or(self.args.replay.as_ref()) {
            Some(file) => format!("--replay {}", word(&file.display().to_string())),
            None => {
                let mix = self.args.mix.map(|mix| format!(" --mix {mix}"));
                let mix = mix.unwrap_or_default();
                format!("--seed {:#x} --only {}{mix}", found.seed.0, found.index)
            }
        };
        let record = found.record();
        self.out.json(&Line {
            kind: "finding",
            record: &record,
            replay: format!("ebpf-sim fuzz {replay}{}", self.oracles()),
            files,
        })?;
        self.out.flush()
    }

    /// The options that say who looks.
    fn oracles(&self) -> String {
        let names = self.args.oracle.iter().filter_map(|oracle| {
            use clap::ValueEnum;
            Some(oracle.to_possible_value()?.get_name().to_owned())
        });
        let names: Vec<String> = names.collect();
        let (names, against) = (names.join(","), word(&self.args.against));
        format!(" --oracle {names} --against {against}")
    }
}

fn write(found: &Found, directory: &Path) -> Result<Files, Failure> {
    let files = reproduce::write(found, directory);
    let files = files.map_err(|(path, error)| Failure::write(&path, error))?;
    Ok(Files {
        test: files.test,
        line: files.line,
        c: files.c,
    })
}

/// A word as a shell takes it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+,:@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
