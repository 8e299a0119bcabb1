//! Verdicts against those of an earlier run: veristat's `--compare`.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::{CellAlignment, Table};

use super::columns::{self, Column, Value};
use super::row::Row;
use crate::args::Format;
use crate::error::Failure;
use crate::input;
use crate::output::Output;

/// File and program.
type Name = (String, String);
/// Values of a row by column name.
type Base = BTreeMap<Name, BTreeMap<String, String>>;

/// The columns that are compared.
const COMPARED: [&str; 3] = ["verdict", "total_insns", "total_states"];

/// Prints what changed against `path`. Whether a verdict did is the answer.
pub(super) fn print(
    path: &Path,
    rows: &[Row],
    format: Format,
    out: &mut Output,
) -> Result<bool, Failure> {
    let base = read(path)?;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let compared: Vec<Column> = COMPARED.iter().filter_map(|n| columns::find(n)).collect();
    let heads = compared
        .iter()
        .flat_map(|c| ["(A)", "(B)", "(DIFF)"].map(|side| format!("{} {side}", c.heading)));
    let head: Vec<String> = ["File".to_owned(), "Program".to_owned()]
        .into_iter()
        .chain(heads)
        .collect();
    let mut changed = false;
    let mut lines = Vec::new();
    for row in rows {
        let name = (row.file.clone(), row.program.clone());
        let before = base.get(&name);
        let mut line = vec![name.0, name.1];
        for column in &compared {
            let old = before.and_then(|b| b.get(column.name)).map(String::as_str);
            let new = column.value(row);
            let text = new.to_string();
            changed |= column.name == "verdict" && old.is_some_and(|old| old != text);
            let difference = difference(old, &new);
            line.extend([old.unwrap_or("N/A").to_owned(), text, difference]);
        }
        lines.push(line);
    }
    for (name, _) in base.iter().filter(|(name, _)| {
        let same = |row: &&Row| row.file == name.0 && row.program == name.1;
        !rows.iter().any(|row| same(&row))
    }) {
        let mut line = vec![name.0.clone(), name.1.clone()];
        line.extend(
            compared
                .iter()
                .flat_map(|_| ["-", "N/A", "N/A"].map(str::to_owned)),
        );
        lines.push(line);
    }
    if format == Format::Csv {
        let mut csv = csv::Writer::from_writer(out);
        for line in std::iter::once(&head).chain(&lines) {
            csv.write_record(line)
                .map_err(|e| Failure::output(e.into()))?;
        }
        csv.flush().map_err(Failure::output)?;
        return Ok(changed);
    }
    table.set_header(head);
    table.add_rows(lines);
    for index in 2..table.column_count() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out.line(table.trim_fmt())?;
    Ok(changed)
}

/// `MATCH`, `MISMATCH`, `+12 (+3.40%)`.
fn difference(old: Option<&str>, new: &Value) -> String {
    let Some(old) = old else {
        return "N/A".to_owned();
    };
    match (new, old.parse::<u64>()) {
        (Value::Number(new), Ok(old)) => {
            let by = i128::from(*new) - i128::from(old);
            let percent = match (old, by) {
                (_, 0) => 0.0,
                (0, _) => 100.0,
                _ => 100.0 * by as f64 / old as f64,
            };
            format!("{by:+} ({percent:+.2}%)")
        }
        (new, _) if new.to_string() == old => "MATCH".to_owned(),
        _ => "MISMATCH".to_owned(),
    }
}

fn read(path: &Path) -> Result<Base, Failure> {
    let bytes = input::read(path)?;
    let mut csv = csv::Reader::from_reader(bytes.as_slice());
    let wrong = |e: csv::Error| Failure::input(path.display(), e);
    let head = csv.headers().map_err(wrong)?.clone();
    if !["file_name", "prog_name", "verdict"]
        .iter()
        .all(|name| head.iter().any(|column| column == *name))
    {
        let why = "expected a CSV with the columns file_name, prog_name and verdict";
        return Err(Failure::input(path.display(), why));
    }
    let mut base = Base::new();
    for record in csv.records() {
        let record = record.map_err(wrong)?;
        let fields = head.iter().zip(record.iter());
        let fields: BTreeMap<_, _> = fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        base.insert((field("file_name"), field("prog_name")), fields);
    }
    Ok(base)
}
