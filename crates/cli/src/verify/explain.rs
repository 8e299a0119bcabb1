//! A refusal explained, as text and as JSON.

use std::fmt::{self, Display};

use serde::Serialize;
use verifier::explain::{Change, Explanation, Place, Step};

/// An explanation as it stands under the line that says that a program is
/// refused; `long` with all that there is to say.
pub(crate) fn text(why: &Explanation, long: bool) -> impl Display {
    fmt::from_fn(move |f| {
        if let Some(place) = &why.place {
            write_place(f, place)?;
        }
        if let Some((reg, value)) = &why.register {
            writeln!(f, "  R{} is {value} there", reg.index())?;
        }
        if !why.history.is_empty() {
            writeln!(f, "  where that came from:")?;
            why.history
                .iter()
                .try_for_each(|step| write_step(f, step))?;
        }
        let topic = why.topic;
        for (name, text) in [("missing", topic.missing), ("help", topic.advice)] {
            if !text.is_empty() {
                writeln!(f, "  {name}: {text}")?;
            }
        }
        for (index, line) in why.message.lines().enumerate() {
            let name = if index == 0 { "Linux:" } else { "      " };
            writeln!(f, "  {name} {line}")?;
        }
        match (long, topic.long.is_empty()) {
            (_, true) => Ok(()),
            (true, false) => writeln!(f, "\n{}", topic.long),
            (false, false) => writeln!(f, "  more: ebpf-sim explain {}", topic.code),
        }
    })
}

fn write_place(f: &mut fmt::Formatter<'_>, place: &Place) -> fmt::Result {
    match &place.source {
        Some(source) => {
            let (file, line) = (&source.file, source.line);
            writeln!(f, "  --> {file}:{line}: {}", source.text)?;
        }
        None => writeln!(f, "  --> instruction {}", place.pc.0)?,
    }
    writeln!(f, "  {:5}: {}", place.pc.0, place.insn)
}

fn write_step(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    let what = match step.change {
        Change::Entered | Change::Made => "",
        Change::BoundsLost => "  (its bounds are lost here)",
        Change::Checked => "  (known from this branch)",
        Change::Taken => "  (this takes it away)",
    };
    let Place { pc, insn, source } = &step.place;
    let source = source.as_ref();
    let source = source.map_or(String::new(), |s| format!("  {}:{}", s.file, s.line));
    let reg = match step.register {
        isa::Reg::R10 => "stack".to_owned(),
        reg => format!("R{}", reg.index()),
    };
    let (pc, value) = (pc.0, &step.value);
    writeln!(f, "  {pc:5}: {insn:<32} {reg}={value}{what}{source}")
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
                Change::Taken => "taken",
            },
        }
    }
}
