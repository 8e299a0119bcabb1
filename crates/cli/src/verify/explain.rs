//! A refusal explained, as text and as JSON.

use serde::Serialize;
use verifier::explain::{Change, Explanation, Place, Step};

use crate::error::Failure;
use crate::output::Output;

/// Prints an explanation under the line that says that a program is refused.
pub(super) fn print(why: &Explanation, long: bool, out: &mut Output) -> Result<(), Failure> {
    if let Some(place) = &why.place {
        print_place(place, out)?;
    }
    if let Some((reg, value)) = &why.register {
        out.line(format_args!("  R{} is {value} there", reg.index()))?;
    }
    if !why.history.is_empty() {
        out.line("  where that came from:")?;
        for step in &why.history {
            print_step(step, out)?;
        }
    }
    let topic = why.topic;
    for (name, text) in [("missing", topic.missing), ("help", topic.advice)] {
        if !text.is_empty() {
            out.line(format_args!("  {name}: {text}"))?;
        }
    }
    for (index, line) in why.message.lines().enumerate() {
        let name = if index == 0 { "Linux:" } else { "      " };
        out.line(format_args!("  {name} {line}"))?;
    }
    if long && !topic.long.is_empty() {
        out.line(format_args!("\n{}", topic.long))?;
    } else if !topic.long.is_empty() {
        out.line(format_args!("  more: ebpf-sim explain {}", topic.code))?;
    }
    Ok(())
}

fn print_place(place: &Place, out: &mut Output) -> Result<(), Failure> {
    match &place.source {
        Some(source) => {
            let (file, line) = (&source.file, source.line);
            out.line(format_args!("  --> {file}:{line}: {}", source.text))?;
        }
        None => out.line(format_args!("  --> instruction {}", place.pc.0))?,
    }
    out.line(format_args!("  {:5}: {}", place.pc.0, place.insn))
}

fn print_step(step: &Step, out: &mut Output) -> Result<(), Failure> {
    let what = match step.change {
        Change::Entered | Change::Made => "",
        Change::BoundsLost => "  (its bounds are lost here)",
        Change::Checked => "  (known from this branch)",
    };
    let Place { pc, insn, source } = &step.place;
    let source = source.as_ref();
    let source = source.map_or(String::new(), |s| format!("  {}:{}", s.file, s.line));
    let reg = match step.register {
        isa::Reg::R10 => "stack".to_owned(),
        reg => format!("R{}", reg.index()),
    };
    let value = &step.value;
    out.line(format_args!(
        "  {:5}: {insn:<32} {reg}={value}{what}{source}",
        pc.0
    ))
}

/// An explanation as data.
#[derive(Debug, Serialize)]
pub(super) struct Json {
    code: &'static str,
    title: &'static str,
    missing: &'static str,
    advice: &'static str,
    place: Option<JsonPlace>,
    register: Option<String>,
    value: Option<String>,
    history: Vec<JsonStep>,
    /// All that Linux writes.
    linux: String,
}

#[derive(Debug, Serialize)]
struct JsonPlace {
    pc: u32,
    insn: String,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    source: Option<String>,
}

#[derive(Debug, Serialize)]
struct JsonStep {
    #[serde(flatten)]
    place: JsonPlace,
    register: String,
    value: String,
    change: &'static str,
}

impl Json {
    pub(super) fn new(why: &Explanation) -> Json {
        let register = why.register.as_ref();
        Json {
            code: why.topic.code,
            title: why.topic.title,
            missing: why.topic.missing,
            advice: why.topic.advice,
            place: why.place.as_ref().map(JsonPlace::new),
            register: register.map(|(reg, _)| format!("r{}", reg.index())),
            value: register.map(|(_, value)| value.clone()),
            history: why.history.iter().map(JsonStep::new).collect(),
            linux: why.message.clone(),
        }
    }
}

impl JsonPlace {
    fn new(place: &Place) -> JsonPlace {
        let source = place.source.as_ref();
        JsonPlace {
            pc: place.pc.0,
            insn: place.insn.clone(),
            file: source.map(|s| s.file.clone()),
            line: source.map(|s| s.line),
            column: source.map(|s| s.column),
            source: source.map(|s| s.text.clone()),
        }
    }
}

impl JsonStep {
    fn new(step: &Step) -> JsonStep {
        JsonStep {
            place: JsonPlace::new(&step.place),
            register: format!("r{}", step.register.index()),
            value: step.value.clone(),
            change: match step.change {
                Change::Entered => "entered",
                Change::Made => "made",
                Change::BoundsLost => "bounds_lost",
                Change::Checked => "checked",
            },
        }
    }
}
