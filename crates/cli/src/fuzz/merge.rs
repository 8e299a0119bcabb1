//! `ebpf-sim fuzz merge`: what several campaigns came to.

use std::io::{self, Write};
use std::process::ExitCode;

use difftest::fuzz::ledger::Joined;

use super::report;
use crate::args::MergeArgs;
use crate::error::{self, Failure};
use crate::input;
use crate::layout::grouped;
use crate::output::{self, Output};

pub(super) fn merge(args: &MergeArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let mut joined = Joined::default();
    for path in &args.ledgers {
        let bytes = input::read(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let added = joined.add(&text);
        added.map_err(|why| Failure::input(path.display(), why))?;
    }
    joined.settle();
    if joined.cut_off > 0 {
        error::warn(format_args!(
            "{} lines of ledgers were cut off and are passed over",
            joined.cut_off
        ));
    }
    match &args.out {
        Some(path) => output::file(path, |out| write(&joined, out))?,
        None => {
            for entry in joined.entries() {
                out.json(&entry)?;
            }
        }
    }
    let over = joined
        .runs
        .values()
        .filter_map(|(_, progress)| progress.as_ref());
    let over = over.filter(|progress| progress.over).count();
    let mut head = format!("{} campaigns", joined.runs.len());
    if over < joined.runs.len() {
        head += &format!(", {} of them did not end", joined.runs.len() - over);
    }
    if joined.repeated > 0 {
        head += &format!(", {} programs repeated", grouped(joined.repeated));
    }
    let text = report::text(&joined.report(), &head);
    error::say(text);
    Ok(match joined.findings.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}

fn write(joined: &Joined, out: &mut dyn Write) -> io::Result<()> {
    for entry in joined.entries() {
        serde_json::to_writer(&mut *out, &entry)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
