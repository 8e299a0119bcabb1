//! Verdicts as veristat's table or CSV.

use comfy_table::{CellAlignment, Table};

use super::columns::{self, Column};
use super::row::Row;
use crate::error::Failure;
use crate::output::Output;

pub(super) fn print(
    rows: &[Row],
    columns: Option<&[Column]>,
    out: &mut Output,
) -> Result<(), Failure> {
    let standard = columns::of_table();
    let columns = columns.unwrap_or(&standard);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(columns.iter().map(|column| column.heading));
    for row in rows {
        table.add_row(columns.iter().map(|column| column.value(row)));
    }
    if let Some(first) = rows.first() {
        for (index, column) in columns.iter().enumerate() {
            if let Some(drawn) = table.column_mut(index)
                && column.is_number(first)
            {
                drawn.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    out.line(table.trim_fmt())
}

pub(super) fn print_csv(
    rows: &[Row],
    columns: Option<&[Column]>,
    out: &mut Output,
) -> Result<(), Failure> {
    let columns = columns.unwrap_or(columns::ALL);
    let mut csv = csv::Writer::from_writer(out);
    let failed = |e: csv::Error| match e.into_kind() {
        csv::ErrorKind::Io(e) => Failure::output(e),
        other => Failure::input("CSV", format!("{other:?}")),
    };
    csv.write_record(columns.iter().map(|column| column.name))
        .map_err(failed)?;
    for row in rows {
        let values = columns.iter().map(|column| column.value(row).to_string());
        csv.write_record(values).map_err(failed)?;
    }
    csv.flush().map_err(Failure::output)
}
