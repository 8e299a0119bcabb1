//! `docs/proofs.md`: which operators are proved, and at what cost.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::Proof;
use crate::error::Error;
use crate::files::Generated;

#[derive(Default)]
struct Row {
    lemmas: u32,
    ways: u64,
    seconds: f64,
    solvers: BTreeMap<&'static str, u32>,
}

/// Writes the table.
pub(crate) fn write(proofs: &[Proof]) -> Result<(), Error> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let (wrong, right): (Vec<&Proof>, Vec<&Proof>) =
        proofs.iter().partition(|proof| proof.lemma.is_wrong);
    for Proof { lemma, attempt } in &right {
        let row = rows.entry(&lemma.operator).or_default();
        row.lemmas += 1;
        row.ways = row.ways.max(lemma.ways);
        row.seconds += attempt.seconds;
        *row.solvers.entry(attempt.solver).or_default() += 1;
    }
    let seconds: f64 = right.iter().map(|proof| proof.attempt.seconds).sum();
    let mut text = include_str!("proofs.md").to_owned();
    let _ = writeln!(
        text,
        "{} operators, {} lemmas, {seconds:.0} seconds of processor time; \
         {} wrong operators refuted.\n",
        rows.len(),
        right.len(),
        wrong.len()
    );
    text += "| operator | lemmas | ways | solver | seconds |\n|---|--:|--:|---|--:|\n";
    for (operator, row) in rows {
        let Row {
            lemmas,
            ways,
            seconds,
            solvers,
        } = row;
        let solvers: Vec<String> = match solvers.len() {
            1 => solvers.keys().map(|name| (*name).to_owned()).collect(),
            _ => solvers
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect(),
        };
        let _ = writeln!(
            text,
            "| {operator} | {lemmas} | {ways} | {} | {seconds:.1} |",
            solvers.join(", ")
        );
    }
    let mut generated = Generated::new("cargo xtask prove --table", false);
    generated.put(Path::new("docs/proofs.md"), text.as_bytes())?;
    generated.finish()
}
