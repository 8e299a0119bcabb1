//! Loops and live registers as Linux lists them, and which programs get so far.

use serde_json::Value;
use verifier::structure::{self, Structure};

use crate::common::{answer, corpus, program};

#[test]
fn samples_have_the_live_registers_that_linux_says() {
    assert_eq!(check_file("samples.jsonl"), 225);
}

#[test]
fn random_programs_are_as_linux_says() {
    assert_eq!(check_file("random.jsonl"), 206);
}

/// A call takes exactly the registers that its prototype has.
#[test]
fn helpers_take_the_registers_that_linux_says() {
    assert_eq!(check_file("helpers.jsonl"), 194);
}

/// Programs that no listing can be given of, or another than Linux's, and why.
const DIFFERENT: [&str; 1] = [
    // Arenas are not supported.
    "log_arena",
];

/// Checks all programs of a file; gives their number.
fn check_file(name: &str) -> usize {
    let text = corpus(&format!("verify/structure/{name}"));
    let mut differing = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        if DIFFERENT.iter().any(|name| row["name"] == *name) {
            continue;
        }
        let (program, config) = program(&row);
        let ours = match structure::analyze(&program, &config) {
            Ok(structure) => listing(&structure),
            Err(fault) => answer(*fault),
        };
        let linux = row
            .get("live")
            .or(row.get("refused"))
            .and_then(Value::as_str);
        if linux != Some(&ours) {
            differing.push(format!("line {}: {line}\n  ours: {ours}", number + 1));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    text.lines().count()
}

/// `LOOP/LIVE` of each instruction: the number of its loop, where it has one,
/// and its live registers as hexadecimal bits.
fn listing(structure: &Structure) -> String {
    let facts = structure.places().map(|pc| {
        let facts = structure.insn(pc);
        match facts.scc {
            0 => format!("{:x}", facts.live_before),
            scc => format!("{scc}/{:x}", facts.live_before),
        }
    });
    facts.collect::<Vec<_>>().join(" ")
}
