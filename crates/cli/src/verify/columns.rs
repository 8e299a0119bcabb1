//! veristat's columns: their names, headings and values.

use std::cmp::Ordering;

use super::row::Row;
use crate::error::Failure;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// The name in CSV heads and on the command line.
    pub(super) name: &'static str,
    /// Other names that the command line may use.
    aliases: &'static [&'static str],
    /// The heading in tables.
    pub(super) heading: &'static str,
    value: fn(&Row) -> Value,
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Text(String),
    Number(u64),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Number(number) => write!(f, "{number}"),
        }
    }
}

impl Column {
    pub(super) fn value(&self, row: &Row) -> Value {
        (self.value)(row)
    }

    pub(super) fn is_number(&self, row: &Row) -> bool {
        matches!(self.value(row), Value::Number(_))
    }
}

const fn column(
    name: &'static str,
    aliases: &'static [&'static str],
    heading: &'static str,
    value: fn(&Row) -> Value,
) -> Column {
    Column {
        name,
        aliases,
        heading,
        value,
    }
}

/// All columns, in the order of a CSV.
pub(super) const ALL: &[Column] = &[
    column("file_name", &["file"], "File", |r| {
        Value::Text(r.file.clone())
    }),
    column("prog_name", &["prog", "program"], "Program", |r| {
        Value::Text(r.program.clone())
    }),
    column("verdict", &[], "Verdict", |r| {
        Value::Text(r.verdict.name().to_owned())
    }),
    column("duration", &["dur"], "Duration (us)", |r| {
        Value::Number(r.figures.microseconds)
    }),
    column("total_insns", &["insns", "insn"], "Insns", |r| {
        Value::Number(r.figures.processed)
    }),
    column("total_states", &["states"], "States", |r| {
        Value::Number(r.figures.total_states)
    }),
    column("peak_states", &[], "Peak states", |r| {
        Value::Number(r.figures.peak_states)
    }),
    column("max_states_per_insn", &[], "Max states per insn", |r| {
        Value::Number(r.figures.max_states_per_insn)
    }),
    column("prog_size", &["size"], "Program size", |r| {
        Value::Number(r.figures.prog_size as u64)
    }),
    column("prog_type", &["type"], "Program type", |r| {
        Value::Text(r.prog_type.clone())
    }),
    column("attach_type", &[], "Attach type", |r| {
        Value::Text(r.attach_type.clone().unwrap_or_default())
    }),
    column("stack_depth", &["stack"], "Stack depth", |r| {
        Value::Number(r.figures.stack_depth.iter().copied().map(u64::from).sum())
    }),
];

/// The columns of a table, when none are asked for.
pub(super) fn of_table() -> Vec<Column> {
    let names = [
        "file_name",
        "prog_name",
        "verdict",
        "duration",
        "total_insns",
        "total_states",
        "prog_size",
    ];
    names.iter().filter_map(|name| find(name)).collect()
}

/// The column with this name.
pub(super) fn find(name: &str) -> Option<Column> {
    let same = |c: &&Column| c.name == name || c.aliases.contains(&name);
    ALL.iter().find(same).copied()
}

fn known(option: &str, name: &str) -> Result<Column, Failure> {
    find(name).ok_or_else(|| {
        let known: Vec<_> = ALL.iter().map(|column| column.name).collect();
        let why = format!("no such column; there are: {}", known.join(", "));
        Failure::input(format!("{option} {name}"), why)
    })
}

/// The columns that are asked for, if any are.
pub(super) fn parse(names: &[String]) -> Result<Option<Vec<Column>>, Failure> {
    if names.is_empty() {
        return Ok(None);
    }
    let columns = names.iter().map(|name| known("--emit", name));
    columns.collect::<Result<_, _>>().map(Some)
}

/// Sorts rows by columns, numbers from the largest unless `^` follows the name.
pub(super) fn sort(rows: &mut [Row], specs: &[String]) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for spec in specs {
        let (name, ascending) = match spec.strip_suffix('^') {
            Some(name) => (name, Some(true)),
            None => (spec.as_str(), None),
        };
        keys.push((known("--sort", name)?, ascending));
    }
    rows.sort_by(|a, b| {
        let order = |(column, ascending): &(Column, Option<bool>)| {
            let order = column.value(a).cmp(&column.value(b));
            let ascending = ascending.unwrap_or(!column.is_number(a));
            if ascending { order } else { order.reverse() }
        };
        keys.iter()
            .map(order)
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    Ok(())
}
