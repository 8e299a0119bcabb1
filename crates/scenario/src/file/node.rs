//! A tree of values that knows where in the file each stands.

use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub data: Data,
    /// The bytes of the file that it was read from. Empty for values that were
    /// made in code.
    pub span: Range<usize>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Names and values, as they stand in the file.
    Table(Vec<(Key, Node)>),
}

/// A name in a table, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

impl Data {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Data::Bool(_) => "a truth value",
            Data::Int(_) => "a number",
            Data::Float(_) => "a number with a fraction",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }
}

impl Node {
    /// Reads TOML.
    pub(super) fn parse(text: &str) -> Result<Node, (Range<usize>, Problem)> {
        match DeTable::parse(text) {
            Ok(table) => {
                let span = table.span();
                Node::of_table(table.into_inner(), span)
            }
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                Err((
                    span,
                    Problem::Toml(error.message().trim().replace('\n', ", ")),
                ))
            }
        }
    }

    fn of_table(table: DeTable<'_>, span: Range<usize>) -> Result<Node, (Range<usize>, Problem)> {
        let mut entries = Vec::new();
        for (key, value) in table {
            let key = Key {
                span: key.span(),
                name: key.into_inner().into_owned(),
            };
            entries.push((key, Node::of(value)?));
        }
        // The reader sorts them by name.
        entries.sort_by_key(|(key, _)| key.span.start);
        Ok(Node {
            data: Data::Table(entries),
            span,
        })
    }

    fn of(value: Spanned<DeValue<'_>>) -> Result<Node, (Range<usize>, Problem)> {
        let span = value.span();
        let data = match value.into_inner() {
            DeValue::String(text) => Data::Text(text.into_owned()),
            DeValue::Integer(number) => {
                match i128::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Data::Int(number),
                    Err(_) => {
                        let problem = Problem::Toml("the number is too large".to_owned());
                        return Err((span, problem));
                    }
                }
            }
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Data::Float(number),
                Err(_) => return Err((span, Problem::Toml("no such number".to_owned()))),
            },
            DeValue::Boolean(truth) => Data::Bool(truth),
            DeValue::Datetime(time) => Data::Text(time.to_string()),
            DeValue::Array(items) => {
                Data::List(items.into_iter().map(Node::of).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => return Node::of_table(table, span),
        };
        Ok(Node { data, span })
    }

    /// The value of a name in a table.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.data {
            Data::Table(entries) => {
                let found = entries.iter().find(|(key, _)| key.name == name);
                found.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Gives the whole tree one place.
    pub(super) fn move_to(&mut self, span: &Range<usize>) {
        self.span = span.clone();
        match &mut self.data {
            Data::List(items) => items.iter_mut().for_each(|item| item.move_to(span)),
            Data::Table(entries) => entries.iter_mut().for_each(|(key, value)| {
                key.span = span.clone();
                value.move_to(span);
            }),
            _ => {}
        }
    }

    /// The same as JSON, as it stands.
    pub fn to_json(&self) -> Json {
        match &self.data {
            Data::Bool(truth) => Json::Bool(*truth),
            Data::Int(number) => int_to_json(*number),
            Data::Float(number) => Json::from(*number),
            Data::Text(text) => Json::String(text.clone()),
            Data::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Data::Table(entries) => {
                let entries = entries.iter();
                entries
                    .map(|(key, value)| (key.name.clone(), value.to_json()))
                    .collect()
            }
        }
    }
}

/// Numbers beyond 64 bits are text in JSON.
pub(crate) fn int_to_json(number: i128) -> Json {
    match (u64::try_from(number), i64::try_from(number)) {
        (Ok(number), _) => Json::from(number),
        (_, Ok(number)) => Json::from(number),
        _ => Json::String(number.to_string()),
    }
}

impl From<Json> for Node {
    fn from(json: Json) -> Node {
        let data = match json {
            // There is no such thing in a file; it fits no type.
            Json::Null => Data::Text("null".to_owned()),
            Json::Bool(truth) => Data::Bool(truth),
            Json::Number(number) => match (number.as_i128(), number.as_f64()) {
                (Some(number), _) => Data::Int(number),
                (None, number) => Data::Float(number.unwrap_or(f64::NAN)),
            },
            Json::String(text) => Data::Text(text),
            Json::Array(items) => Data::List(items.into_iter().map(Node::from).collect()),
            Json::Object(fields) => {
                let key = |name| Key { name, span: 0..0 };
                let fields = fields.into_iter();
                Data::Table(
                    fields
                        .map(|(name, value)| (key(name), value.into()))
                        .collect(),
                )
            }
        };
        Node { data, span: 0..0 }
    }
}
