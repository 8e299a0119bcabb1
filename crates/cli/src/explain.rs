//! `ebpf-sim explain`: what a refusal means, with a program that fails and one that
//! does not.

use std::process::ExitCode;

use verifier::explain::{Topic, topics};

use crate::args::ExplainArgs;
use crate::error::Failure;
use crate::output::Output;

pub(crate) fn explain(args: &ExplainArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    match &args.code {
        None => list(out)?,
        Some(code) => show(find(code)?, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The topic of a code, or of words that stand in one code or title only.
fn find(code: &str) -> Result<&'static Topic, Failure> {
    if let Some(topic) = topics().find(|topic| topic.code == code) {
        return Ok(topic);
    }
    let near: Vec<_> = topics()
        .filter(|topic| topic.code.contains(code) || topic.title.contains(code))
        .collect();
    match near[..] {
        [topic] => Ok(topic),
        [] => Err(Failure::input(
            format!("explain {code}"),
            "no such topic; `ebpf-sim explain` lists them",
        )),
        _ => {
            let codes: Vec<_> = near.iter().map(|topic| topic.code).collect();
            let why = format!("which of these? {}", codes.join(", "));
            Err(Failure::input(format!("explain {code}"), why))
        }
    }
}

fn list(out: &mut Output) -> Result<(), Failure> {
    let width = topics().map(|topic| topic.code.len()).max().unwrap_or(0);
    for topic in topics() {
        out.line(format_args!("{:width$}  {}", topic.code, topic.title))?;
    }
    Ok(())
}

fn show(topic: &Topic, out: &mut Output) -> Result<(), Failure> {
    out.line(format_args!("{}: {}\n", topic.code, topic.title))?;
    out.line(wrapped(topic.long))?;
    out.line(wrapped(&format!("\nMissing: {}", topic.missing)))?;
    out.line(wrapped(&format!("What to do: {}", topic.advice)))?;
    if let Some(example) = topic.example {
        for (what, text) in [("Refused", example.refused), ("Accepted", example.accepted)] {
            out.line(format_args!("\n{what}:\n"))?;
            for line in text.lines() {
                out.line(format_args!("    {line}"))?;
            }
        }
    }
    Ok(())
}

/// Text in lines of a width that a person likes to read.
fn wrapped(text: &str) -> String {
    textwrap::fill(text, 80)
}
