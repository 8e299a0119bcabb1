//! A finding as a line: a raw program, with what it was run on.

use std::sync::Arc;

use abi::Program;
use btf::Btf;
use loader::raw::{RawError, RawProgram};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::families::Seed;
use crate::fuzz::{Case, Found, Input, Kind};
use crate::generate;

/// What a line says besides the program.
#[derive(Serialize, Deserialize)]
struct Beside {
    oracle: String,
    class: String,
    what: String,
    seed: String,
    index: u64,
    #[serde(default)]
    inputs: Vec<Input>,
}

/// A line that was read.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The program with what it is run on; without inputs, where the line has none.
    pub case: Case,
    /// The seed and index that it was made from; 0 where the line has none.
    pub seed: Seed,
    #[expect(missing_docs, reason = "said above")]
    pub index: u64,
}

/// A finding as an object: a raw program of `docs/verify.md`, and below `fuzz`
/// what was found and on which inputs.
pub fn line(found: &Found) -> Value {
    let beside = Beside {
        oracle: found.finding.oracle.name().to_owned(),
        class: found.finding.class.clone(),
        what: found.finding.what.clone(),
        seed: format!("{:#x}", found.seed.0),
        index: found.index,
        inputs: found.case.inputs.clone(),
    };
    let mut line = program(&found.case.raw);
    if let (Value::Object(line), Ok(beside)) = (&mut line, serde_json::to_value(beside)) {
        line.insert("fuzz".to_owned(), beside);
    }
    line
}

/// A program as a line, with no more maps and types than it names.
pub fn program(raw: &RawProgram) -> Value {
    let mut raw = raw.clone();
    generate::trim(&mut raw.program);
    without_types(&mut raw.program);
    raw.to_json()
}

/// Reads a line, of a finding or of nothing but a program.
///
/// # Errors
///
/// What is wrong with the program, and where.
pub fn read(line: &str, kernel_types: Option<&Btf>) -> Result<Replayed, RawError> {
    #[derive(Deserialize)]
    struct Line {
        fuzz: Option<Beside>,
    }
    let raw = RawProgram::parse(line, kernel_types)?;
    let beside = serde_json::from_str(line)
        .ok()
        .and_then(|line: Line| line.fuzz);
    Ok(Replayed {
        seed: Seed(beside.as_ref().map_or(0, |beside| number(&beside.seed))),
        index: beside.as_ref().map_or(0, |beside| beside.index),
        case: Case {
            kind: Kind::Typed,
            raw,
            inputs: beside.map(|beside| beside.inputs).unwrap_or_default(),
        },
    })
}

/// The number of a seed as it is written; 0 where it is none.
fn number(text: &str) -> u64 {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or(0)
}

/// Leaves out types that nothing names.
fn without_types(program: &mut Program) {
    let typed = |def: &abi::MapDef| {
        def.key_type != btf::TypeId::VOID || def.value_type != btf::TypeId::VOID
    };
    let named = !program.func_info.is_empty()
        || !program.line_info.is_empty()
        || program.maps.iter().any(typed);
    if !named {
        program.btf = None::<Arc<Btf>>;
    }
}
