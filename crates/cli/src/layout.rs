//! Numbers and tables as people read them.

use std::fmt::Display;

use comfy_table::{CellAlignment, Table, presets};

use crate::error::Failure;
use crate::output::Output;

/// A table without lines, with numbers to the right of the first column.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Prints a table below an empty line.
pub(crate) fn print_table(table: &Table, out: &mut Output) -> Result<(), Failure> {
    out.line("")?;
    for line in table.lines() {
        out.line(line.trim_end())?;
    }
    Ok(())
}

/// A number of things.
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    let what = if count == 1 { one } else { more };
    format!("{} {what}", grouped(count))
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
