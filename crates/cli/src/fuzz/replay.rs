//! `ebpf-sim fuzz --replay`: programs from a file, put to the oracles.

use std::path::Path;
use std::process::ExitCode;

use difftest::fuzz::{self, Plan, reproduce};

use super::told::Told;
use super::{cannot, report};
use crate::args::FuzzArgs;
use crate::error::{self, Failure};
use crate::input;
use crate::output::Output;

pub(super) fn replay(
    path: &Path,
    args: &FuzzArgs,
    plan: &Plan,
    out: &mut Output,
) -> Result<ExitCode, Failure> {
    let bytes = input::read(path)?;
    let text =
        std::str::from_utf8(&bytes).map_err(|error| Failure::input(input::name(path), error))?;
    let kernel_types = input::kernel_btf();
    let mut cases = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let replayed = reproduce::read(line, kernel_types.as_deref());
        let replayed = replayed.map_err(|error| {
            Failure::input(format!("{}:{}", input::name(path), number + 1), error)
        })?;
        cases.push(replayed);
    }
    if cases.is_empty() {
        return Err(Failure::input(input::name(path), "no program"));
    }
    let mut told = Told::new(args, out);
    let mut failure = None;
    let report = fuzz::replay(plan, &cases, &mut |found| {
        let said = told.found(found);
        failure = said.err();
        failure.is_none()
    });
    let report = report.map_err(cannot)?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    error::say(report::text(&report, &input::name(path).to_string()));
    Ok(match report.classes.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}
