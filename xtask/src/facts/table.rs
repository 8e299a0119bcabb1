//! A file of facts: what is known of it, and rows.
//!
//! One row a line, so that a difference between two kernels reads as one.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A row: names to values, in the order in which they are written.
pub(crate) type Row = Map<String, Value>;

/// A file of facts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// How it was measured and what it means: names to texts or lists.
    pub(crate) about: Row,
    /// What the rows are.
    pub(crate) of: &'static str,
    /// The rows.
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// An empty table of `of`, measured by `method`.
    pub(crate) fn new(of: &'static str, method: &str) -> Table {
        let mut about = Row::new();
        about.insert("method".to_owned(), method.into());
        Table {
            about,
            of,
            rows: Vec::new(),
        }
    }

    /// Notes something about the whole table.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.about.insert(name.to_owned(), value.into());
    }

    /// The text of the file; `kernel` is the release that was asked.
    pub(crate) fn to_json(&self, kernel: &str) -> String {
        let mut text = format!("{{\n\"kernel\": {},\n", Value::from(kernel));
        for (name, value) in &self.about {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}: {},", Value::from(name.as_str()), spaced(value));
        }
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| spaced(&Value::Object(row.clone())))
            .collect();
        let _ = write!(text, "\"{}\": [\n{}\n]\n}}\n", self.of, rows.join(",\n"));
        text
    }

    /// The rows of a file; `None` when it is not such a file.
    pub(crate) fn rows_of(text: &str, of: &str) -> Option<Vec<Row>> {
        let file: Value = serde_json::from_str(text).ok()?;
        let rows = file.get(of)?.as_array()?.iter();
        rows.map(|row| row.as_object().cloned()).collect()
    }
}

/// JSON on one line, with a space after colons and commas.
fn spaced(value: &Value) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(values) => format!("[{}]", join(values.iter().map(spaced).collect())),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), spaced(value)));
            format!("{{{}}}", join(fields.collect()))
        }
        other => other.to_string(),
    }
}

/// What differs between the rows of a file and those measured, a line each:
/// `-` only in the file, `+` only measured.
pub(crate) fn differences(file: &[Row], measured: &[Row]) -> Vec<String> {
    let text = |rows: &[Row]| -> Vec<String> {
        let rows = rows.iter().cloned().map(Value::Object);
        rows.map(|row| spaced(&row)).collect()
    };
    let (file, measured) = (text(file), text(measured));
    let only = |sign: char, these: &[String], those: &[String]| -> Vec<String> {
        let those: std::collections::BTreeSet<&String> = those.iter().collect();
        let only = these.iter().filter(|row| !those.contains(row));
        only.map(|row| format!("{sign} {row}")).collect()
    };
    let mut found = only('-', &file, &measured);
    found.extend(only('+', &measured, &file));
    if found.is_empty() && file != measured {
        found.push("the rows are the same in another order".to_owned());
    }
    found
}

/// A row from names and values.
macro_rules! row {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut row = $crate::facts::table::Row::new();
        $(row.insert($name.to_owned(), serde_json::json!($value));)*
        row
    }};
}
pub(crate) use row;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_a_line() {
        let mut table = Table::new("things", "by looking");
        table.rows.push(row! {"id": 1, "names": ["a", "b"]});
        table.rows.push(row! {"id": 2, "none": Value::Null});
        let text = table.to_json("6.18.0");
        assert_eq!(
            text,
            "{\n\"kernel\": \"6.18.0\",\n\"method\": \"by looking\",\n\"things\": [\n\
             {\"id\": 1, \"names\": [\"a\", \"b\"]},\n{\"id\": 2, \"none\": null}\n]\n}\n"
        );
        assert_eq!(Table::rows_of(&text, "things"), Some(table.rows));
    }

    #[test]
    fn differences_name_both_sides() {
        let (a, b) = (row! {"a": 1}, row! {"a": 2});
        assert_eq!(
            differences(std::slice::from_ref(&a), std::slice::from_ref(&b)),
            ["- {\"a\": 1}", "+ {\"a\": 2}"]
        );
        assert_eq!(differences(&[a.clone(), b.clone()], &[b, a]).len(), 1);
    }
}
