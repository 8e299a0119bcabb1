//! Packets as people compare them: side by side, layer by layer, with what
//! differs marked.

use std::fmt::Write;

use super::decode::{Decoded, Found, decode};
use super::layer::{Default, Field};
use super::value::show_bytes;

/// Stands before what differs.
const MARK: &str = "≠";

/// Bytes of a payload that are shown.
const PAYLOAD_SHOWN: usize = 24;

/// A packet, a line a layer, all fields.
pub fn listing(bytes: &[u8]) -> String {
    let decoded = decode(bytes);
    let mut text = String::new();
    for found in &decoded.layers {
        let words: Vec<String> = rows(&decoded, found, &|field| is_quiet(&decoded, found, field))
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cut = if found.cut { " (cut)" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<8} {}{cut}", found.layer.name, words.join(" "));
    }
    for (name, value) in ends(&decoded) {
        let _ = writeln!(text, "{name:<8} {value}");
    }
    text
}

/// Two packets side by side: layers that are the same in one line, others field
/// by field, and the bytes that differ below.
pub fn side_by_side(expected: &[u8], got: &[u8]) -> String {
    let (left, right) = (decode(expected), decode(got));
    let mut lines = vec![Line::head(expected.len(), got.len())];
    let count = left.layers.len().max(right.layers.len());
    for place in 0..count {
        layer(&left, &right, place, &mut lines);
    }
    for (a, b) in pairs(&ends(&left), &ends(&right)) {
        let name = a.or(b).map_or("", |row| row.0);
        let line = Line::field(name, a, b);
        lines.push(Line {
            name: name.to_owned(),
            ..line
        });
    }
    let mut text = render(&lines);
    text.push_str(&bytes_that_differ(expected, got));
    text
}

/// A line of the comparison.
struct Line {
    name: String,
    left: String,
    right: String,
    differs: bool,
}

impl Line {
    fn head(expected: usize, got: usize) -> Line {
        Line {
            name: String::new(),
            left: format!("expected ({expected} bytes)"),
            right: format!("got ({got} bytes)"),
            differs: false,
        }
    }

    fn field(name: &str, left: Option<&Row>, right: Option<&Row>) -> Line {
        let value = |row: Option<&Row>| row.map_or("-".to_owned(), |row| row.1.clone());
        let (left, right) = (value(left), value(right));
        Line {
            name: format!("  {name}"),
            differs: left != right,
            left,
            right,
        }
    }
}

/// Name and value of a field.
type Row = (&'static str, String);

fn layer(left: &Decoded<'_>, right: &Decoded<'_>, place: usize, lines: &mut Vec<Line>) {
    let (a, b) = (left.layers.get(place), right.layers.get(place));
    let name = |found: Option<&Found>| match found {
        Some(found) if found.cut => format!("{} (cut)", found.layer.name),
        Some(found) => found.layer.name.to_owned(),
        None => "-".to_owned(),
    };
    let same_kind = match (a, b) {
        (Some(a), Some(b)) => a.layer.id == b.layer.id,
        _ => false,
    };
    if same_kind && name(a) == name(b) {
        lines.push(Line {
            name: name(a),
            left: String::new(),
            right: String::new(),
            differs: false,
        });
    } else {
        lines.push(Line {
            name: "layer".to_owned(),
            left: name(a),
            right: name(b),
            differs: true,
        });
    }
    let (Some(a), Some(b), true) = (a, b, same_kind) else {
        return;
    };
    let quiet = |field: &Field| is_quiet(left, a, field) && is_quiet(right, b, field);
    let (a_rows, b_rows) = (rows(left, a, &quiet), rows(right, b, &quiet));
    if a_rows == b_rows {
        return;
    }
    for (a, b) in pairs(&a_rows, &b_rows) {
        let line = Line::field(a.or(b).map_or("", |row| row.0), a, b);
        lines.push(line);
    }
}

/// Rows of the same name beside each other.
fn pairs<'a>(left: &'a [Row], right: &'a [Row]) -> Vec<(Option<&'a Row>, Option<&'a Row>)> {
    let named = |rows: &'a [Row], name: &str| rows.iter().find(|row| row.0 == name);
    let mut all: Vec<_> = left.iter().map(|a| (Some(a), named(right, a.0))).collect();
    let alone = right.iter().filter(|b| named(left, b.0).is_none());
    all.extend(alone.map(|b| (None, Some(b))));
    all
}

/// Whether a field is as always, so that it says nothing.
fn is_quiet(decoded: &Decoded<'_>, found: &Found, field: &Field) -> bool {
    let always = matches!(field.name, "version" | "hlen" | "plen" | "htype" | "ptype");
    match field.default {
        Default::Value(value) if always || value == 0 => {
            found.value(decoded.bytes, field) == Some(value)
        }
        _ => false,
    }
}

/// The fields of a layer but for `quiet` ones.
fn rows(decoded: &Decoded<'_>, found: &Found, quiet: &dyn Fn(&Field) -> bool) -> Vec<Row> {
    let fields = found.layer.fields.iter();
    let mut rows: Vec<Row> = fields
        .filter(|field| !quiet(field))
        .map(|field| (field.name, found.shown(decoded.bytes, field)))
        .collect();
    if let (Some(name), [_, ..]) = (found.layer.options, found.options(decoded.bytes)) {
        rows.push((name, found.shown_options(decoded.bytes)));
    }
    rows
}

/// What is behind the headers.
fn ends(decoded: &Decoded<'_>) -> Vec<Row> {
    let shown = |bytes: &[u8]| match bytes.get(..PAYLOAD_SHOWN) {
        Some(head) if head.len() < bytes.len() => {
            format!("{}… ({} bytes)", show_bytes(head), bytes.len())
        }
        _ => format!("{} ({} bytes)", show_bytes(bytes), bytes.len()),
    };
    let parts = [
        ("payload", decoded.payload()),
        ("padding", decoded.trailer()),
    ];
    let there = parts.into_iter().filter(|(_, bytes)| !bytes.is_empty());
    there.map(|(name, bytes)| (name, shown(bytes))).collect()
}

fn render(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.left.chars().count());
    let width = width.max().unwrap_or(0).max(24);
    let mut text = String::new();
    for line in lines {
        let mark = if line.differs { MARK } else { " " };
        let Line {
            name, left, right, ..
        } = line;
        let padding = " ".repeat(width - left.chars().count());
        let row = format!("{name:<10} {left}{padding} {mark} {right}");
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// Rows of 16 bytes that are not the same.
fn bytes_that_differ(expected: &[u8], got: &[u8]) -> String {
    let mut text = String::new();
    let rows = expected.len().max(got.len()).div_ceil(16);
    let row = |bytes: &'_ [u8], place: usize| {
        let end = bytes.len().min(16 * (place + 1));
        bytes.get(16 * place..end).unwrap_or_default().to_vec()
    };
    let mut shown = 0;
    for place in 0..rows {
        let (a, b) = (row(expected, place), row(got, place));
        if a == b {
            continue;
        }
        shown += 1;
        if shown > 8 {
            text.push_str("…\n");
            break;
        }
        let marks = (0..16).map(|i| if a.get(i) == b.get(i) { "   " } else { " ^^" });
        let marks: String = marks.collect();
        let offset = 16 * place;
        // Writing to a string does not fail.
        for (name, row) in [("expected", hex_row(&a)), ("got", hex_row(&b)), ("", marks)] {
            let offset = if name == "expected" {
                format!("{offset:04x}")
            } else {
                String::new()
            };
            let line = format!("{offset:<4}  {name:<8}{row}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

fn hex_row(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!(" {byte:02x}")).collect()
}
