//! Which programs are reported: by name or by figure, as veristat's `-f`.

use glob::Pattern;

use super::columns::{self, Column, Value};
use super::row::Row;
use crate::error::Failure;

/// All filters: a program is kept that no denying filter matches and, if there
/// are any others, one of each kind does.
#[derive(Debug, Default)]
pub(super) struct Filters {
    names: Vec<(bool, Pattern)>,
    figures: Vec<(bool, Figure)>,
}

/// `insns>1000`.
#[derive(Debug)]
struct Figure {
    column: Column,
    compare: fn(&Value, &Value) -> bool,
    value: Value,
}

/// Longer signs first, as they begin with the shorter ones.
type Sign = (&'static str, fn(&Value, &Value) -> bool);
const SIGNS: [Sign; 7] = [
    ("==", |a, b| a == b),
    ("!=", |a, b| a != b),
    ("<=", |a, b| a <= b),
    (">=", |a, b| a >= b),
    ("<", |a, b| a < b),
    (">", |a, b| a > b),
    ("=", |a, b| a == b),
];

impl Filters {
    pub(super) fn new(specs: &[String]) -> Result<Filters, Failure> {
        let mut filters = Filters::default();
        for spec in specs {
            let (keep, rest) = match spec.strip_prefix('!') {
                Some(rest) => (false, rest),
                None => (true, spec.as_str()),
            };
            match figure(rest) {
                Some(figure) => filters.figures.push((keep, figure)),
                None => filters.names.push((keep, pattern(spec, rest)?)),
            }
        }
        Ok(filters)
    }

    /// Whether a program of this name can be kept at all.
    pub(super) fn may_match(&self, name: &str) -> bool {
        kept(&self.names, |pattern| matches(pattern, name))
    }

    pub(super) fn keeps(&self, row: &Row) -> bool {
        let figure = |f: &Figure| (f.compare)(&f.column.value(row), &f.value);
        self.may_match(&row.name()) && kept(&self.figures, figure)
    }
}

/// Whether no denying filter matches and, if there are others, one of them does.
fn kept<T>(filters: &[(bool, T)], matches: impl Fn(&T) -> bool) -> bool {
    let denied = filters.iter().any(|(keep, f)| !keep && matches(f));
    let mut others = filters.iter().filter(|(keep, _)| *keep).peekable();
    !denied && (others.peek().is_none() || others.any(|(_, f)| matches(f)))
}

/// A pattern without a slash is about either part of the name.
fn matches(pattern: &Pattern, name: &str) -> bool {
    if pattern.as_str().contains('/') {
        return pattern.matches(name);
    }
    name.split('/').any(|part| pattern.matches(part))
}

fn pattern(spec: &str, text: &str) -> Result<Pattern, Failure> {
    Pattern::new(text).map_err(|e| Failure::input(format!("--filter {spec}"), e))
}

fn figure(text: &str) -> Option<Figure> {
    let split = |sign: &Sign| Some((text.split_once(sign.0)?, sign.1));
    let ((name, value), compare) = SIGNS.iter().find_map(split)?;
    let column = columns::find(name.trim())?;
    let value = match value.trim().parse() {
        Ok(number) => Value::Number(number),
        Err(_) => Value::Text(value.trim().to_owned()),
    };
    Some(Figure {
        column,
        compare,
        value,
    })
}
