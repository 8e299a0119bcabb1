//! Reading tables: each key once, unknown ones refused, everything with its place.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{Error, Problem, Source};
use super::node::{Data, Key, Node};
use crate::suggest::nearest;

/// One step of the way from the top of a file to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seg {
    /// A name in a table.
    Key(String),
    /// A place in a list.
    Index(usize),
}

/// Where a value stands: its bytes, and the way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Its bytes in the file.
    pub span: Range<usize>,
    /// The way from the top.
    pub path: Vec<Seg>,
}

impl Spot {
    /// The spot of something inside.
    pub(crate) fn inside(&self, seg: Seg, span: Range<usize>) -> Spot {
        let mut path = self.path.clone();
        path.push(seg);
        Spot { span, path }
    }
}

/// The keys of a table that were not read yet.
pub(super) struct Fields<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) spot: Spot,
    entries: Vec<(Key, Node)>,
    known: Vec<&'static str>,
}

/// A value and where it stands.
pub(super) struct Given<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) spot: Spot,
    pub(super) node: Node,
}

impl<'a> Fields<'a> {
    /// Of a table; anything else is an error.
    pub(super) fn of(given: Given<'a>) -> Result<Fields<'a>, Error> {
        match given.node.data {
            Data::Table(entries) => Ok(Fields {
                source: given.source,
                spot: given.spot,
                entries,
                known: Vec::new(),
            }),
            _ => Err(given.expected("a table")),
        }
    }

    /// The value of a key, if it is given.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Given<'a>> {
        self.known.push(key);
        let place = self.entries.iter().position(|(k, _)| k.name == key)?;
        let (key, node) = self.entries.remove(place);
        Some(self.given(key, node))
    }

    /// Whether a key is given that was not read yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(k, _)| k.name == key)
    }

    /// The value of a key that must be given.
    pub(super) fn need(
        &mut self,
        key: &'static str,
        what: &'static str,
    ) -> Result<Given<'a>, Error> {
        let missing = Problem::MissingKey { key, what };
        let error = Error::at(Some(self.source), &self.spot.span, missing);
        self.take(key).ok_or(error)
    }

    /// All keys that are left, whatever they are called.
    pub(super) fn rest(mut self) -> Vec<(Key, Given<'a>)> {
        let entries = std::mem::take(&mut self.entries);
        let entries = entries.into_iter();
        entries
            .map(|(key, node)| (key.clone(), self.given(key, node)))
            .collect()
    }

    /// That nothing is left that was not asked for.
    pub(super) fn finish(self) -> Result<(), Error> {
        let Some((key, _)) = self.entries.first() else {
            return Ok(());
        };
        let problem = Problem::UnknownKey {
            key: key.name.clone(),
            nearest: nearest(&key.name, self.known.iter().copied()).map(str::to_owned),
            known: self.known.join(", "),
        };
        Err(Error::at(Some(self.source), &key.span, problem))
    }

    fn given(&self, key: Key, node: Node) -> Given<'a> {
        let span = node.span.clone();
        Given {
            source: self.source,
            spot: self.spot.inside(Seg::Key(key.name), span),
            node,
        }
    }
}

impl<'a> Given<'a> {
    pub(super) fn error(&self, problem: Problem) -> Error {
        Error::at(Some(self.source), &self.spot.span, problem)
    }

    /// Something else should stand here.
    pub(super) fn expected(&self, expected: impl Into<String>) -> Error {
        let found = match &self.node.data {
            Data::Text(text) => format!("`{text}`"),
            Data::Int(number) => number.to_string(),
            Data::Bool(truth) => truth.to_string(),
            data => data.kind().to_owned(),
        };
        self.error(Problem::Expected {
            expected: expected.into(),
            found,
        })
    }

    pub(super) fn text(&self) -> Result<&str, Error> {
        self.node.text().ok_or_else(|| self.expected("text"))
    }

    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        Ok(self.source.resolve(self.text()?))
    }

    pub(super) fn truth(&self) -> Result<bool, Error> {
        match self.node.data {
            Data::Bool(truth) => Ok(truth),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A number that fits.
    pub(super) fn number<T: TryFrom<i128>>(&self) -> Result<T, Error> {
        let number = match self.node.data {
            Data::Int(number) => T::try_from(number).ok(),
            _ => None,
        };
        let bits = 8 * size_of::<T>();
        number.ok_or_else(|| self.expected(format!("a number of {bits} bits, not negative")))
    }

    /// Nanoseconds: a number of them, or text such as "1.5s".
    pub(super) fn time(&self) -> Result<u64, Error> {
        let time = match &self.node.data {
            Data::Int(number) => u64::try_from(*number).ok(),
            Data::Text(text) => nanoseconds(text),
            _ => None,
        };
        time.ok_or_else(|| {
            self.expected("nanoseconds, or text such as \"1.5s\", \"20ms\", \"3us\"")
        })
    }

    /// The items of a list.
    pub(super) fn list(self) -> Result<Vec<Given<'a>>, Error> {
        let Given { source, spot, node } = self;
        let span = node.span.clone();
        let Data::List(items) = node.data else {
            let given = Given { source, spot, node };
            return Err(given.expected("a list"));
        };
        let _ = span;
        let given = items.into_iter().enumerate().map(|(place, node)| Given {
            source,
            spot: spot.inside(Seg::Index(place), node.span.clone()),
            node,
        });
        Ok(given.collect())
    }

    /// What text means to a function that knows.
    pub(super) fn parsed<T>(
        &self,
        read: impl FnOnce(&str) -> Option<T>,
        expected: &str,
    ) -> Result<T, Error> {
        let value = self.node.text().and_then(read);
        value.ok_or_else(|| self.expected(expected))
    }
}

/// "1.5s" in nanoseconds.
fn nanoseconds(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let digits = match unit {
        "ns" => 0,
        "us" => 3,
        "ms" => 6,
        "s" => 9,
        _ => return None,
    };
    let number = number.trim_end().replace('_', "");
    let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
    if part.len() > digits || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = |digits: usize| 10u64.pow(digits as u32);
    let part = match part {
        "" => 0,
        part => part.parse::<u64>().ok()? * scale(digits - part.len()),
    };
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(scale(digits))?
        .checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn times() {
        for (text, expected) in [
            ("1s", Some(1_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("20 ms", Some(20_000_000)),
            ("0.003us", Some(3)),
            ("1_000ns", Some(1000)),
            ("1.5ns", None),
            ("5", None),
            ("5min", None),
            (".s", None),
            ("1.-5s", None),
            ("99999999999s", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }
}
