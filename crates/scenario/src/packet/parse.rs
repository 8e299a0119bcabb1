//! From the words of a description to its parts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use super::error::{Error, Problem};
use super::layer::{Field, Id, Kind, Layer};
use super::lexer::{Token, TokenKind, lex};
use super::tcp_options;
use super::value::{self, Masked, Value};
use super::{MAX_LEN, layers};
use crate::suggest::nearest;

/// What `$name` stands for in descriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    texts: BTreeMap<String, String>,
    number: u64,
}

impl Definitions {
    /// Lets `$name` stand for `text`: as the value of a field, or as layers.
    pub fn define(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.texts.insert(name.into(), text.into());
    }

    /// What `$name` stands for.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Lets `$n` stand for this number: which one it is of packets that are made
    /// from one description.
    pub fn numbered(&self, number: u64) -> Definitions {
        Definitions {
            texts: self.texts.clone(),
            number,
        }
    }
}

/// A part of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A header.
    Header(Header),
    /// Bytes behind headers.
    Payload(Vec<Masked>),
    /// Any layers and bytes (`..`).
    Rest,
    /// Zeros up to this length of the frame, outside of what lengths count.
    Pad(usize),
    /// Nothing after this length of the frame.
    Cut(usize),
}

/// A header and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: Id,
    /// Field by name; the part of variable length by its own.
    pub(super) given: Vec<(&'static str, Value)>,
}

impl Header {
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        let found = self.given.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }
}

/// How deep definitions may use each other.
const MAX_DEPTH: u32 = 8;

/// How often definitions may be used in one description: they can double with
/// each level.
const MAX_USES: u32 = 10_000;

/// Reads a description. Whether its parts make sense where they stand is asked
/// by who builds a packet of it, or compares one with it.
pub(super) fn parse(text: &str, definitions: &Definitions) -> Result<Vec<Part>, Error> {
    let parser = Parser {
        text,
        definitions,
        depth: 0,
        uses: &Cell::new(0),
    };
    parser.parts()
}

struct Parser<'a> {
    text: &'a str,
    definitions: &'a Definitions,
    depth: u32,
    /// Definitions used so far.
    uses: &'a Cell<u32>,
}

impl Parser<'_> {
    fn parts(&self) -> Result<Vec<Part>, Error> {
        let tokens = lex(self.text)?;
        let mut parts = Vec::new();
        let is_slash = |token: &Token<'_>| token.kind == TokenKind::Slash;
        let mut slashes = tokens.iter().filter(|token| is_slash(token));
        for segment in tokens.split(is_slash) {
            let end = slashes.next().map(|slash| slash.span.clone());
            let Some((first, rest)) = segment.split_first() else {
                let end = end.unwrap_or(self.text.len()..self.text.len());
                return Err(self.expected(end, "a layer, a text or bytes"));
            };
            self.segment(first, rest, &mut parts)?;
        }
        Ok(parts)
    }

    /// What stands between two slashes.
    fn segment(
        &self,
        first: &Token<'_>,
        rest: &[Token<'_>],
        parts: &mut Vec<Part>,
    ) -> Result<(), Error> {
        let word = match first.kind {
            TokenKind::Word(word) => word,
            TokenKind::Rest => {
                self.nothing(rest)?;
                parts.push(Part::Rest);
                return Ok(());
            }
            _ => "",
        };
        match word {
            "pad" | "cut" => {
                let length = self.length(word, first, rest)?;
                parts.push(match word {
                    "pad" => Part::Pad(length),
                    _ => Part::Cut(length),
                });
            }
            "payload" => parts.push(self.filled(first, rest)?),
            "hex" => parts.push(self.spaced_hex(first, rest)?),
            word if word.starts_with('$') => {
                let inner = self.inside(&word[1..], &first.span, |parser| parser.parts())?;
                parts.extend(inner);
                self.more_fields(rest, parts)?;
            }
            "" => parts.push(self.bytes(first, rest)?),
            word if word.starts_with("0x") => parts.push(self.bytes(first, rest)?),
            word => {
                let layer = layers::named(word).ok_or_else(|| self.unknown_layer(first, word))?;
                parts.push(Part::Header(self.header(layer, rest)?));
            }
        }
        Ok(())
    }

    /// Fields behind a definition: of its last layer, in place of what it says.
    fn more_fields(&self, words: &[Token<'_>], parts: &mut [Part]) -> Result<(), Error> {
        if words.is_empty() {
            return Ok(());
        }
        let Some(Part::Header(last)) = parts.last_mut() else {
            return self.nothing(words);
        };
        let more = self.header(layers::row(last.id), words)?;
        last.given.retain(|(known, _)| more.value(known).is_none());
        last.given.extend(more.given);
        Ok(())
    }

    fn header(&self, layer: &'static Layer, words: &[Token<'_>]) -> Result<Header, Error> {
        let mut given = Vec::new();
        for token in words {
            let TokenKind::Word(word) = token.kind else {
                return Err(self.expected(token.span.clone(), "name=value or `/`"));
            };
            let (name, text) = match word.split_once('=') {
                Some((name, text)) => (name, Some(text)),
                None => (word, None),
            };
            let at = token.span.start + name.len() + 1;
            let span = at..token.span.end.max(at);
            let (name, value) = match layer.field(name) {
                Some(field) => (field.name, self.field(layer, field, text, token, span)?),
                None if layer.options == Some(name) => {
                    let value = self.options(layer, text.unwrap_or(""), span)?;
                    (layer.options.unwrap_or_default(), value)
                }
                None => return Err(self.unknown_field(layer, name, token)),
            };
            if given.iter().any(|(known, _)| *known == name) {
                let field = format!("{} {name}", layer.name);
                return Err(self.error(token.span.clone(), Problem::Twice { field }));
            }
            given.push((name, value));
        }
        Ok(Header {
            id: layer.id,
            given,
        })
    }

    fn field(
        &self,
        layer: &Layer,
        field: &Field,
        text: Option<&str>,
        token: &Token<'_>,
        span: Range<usize>,
    ) -> Result<Value, Error> {
        let Some(text) = text else {
            return match field.kind {
                Kind::Bit => Ok(Value::Number(1)),
                _ => {
                    let expected = format!("`{}=` and a value", field.name);
                    Err(self.expected(token.span.clone(), &expected))
                }
            };
        };
        let value = self.sum(field.kind, text, &span)?;
        let name = || format!("{} {}", layer.name, field.name);
        match value {
            None => Err(self.error(
                span,
                Problem::Value {
                    field: name(),
                    expected: value::expected(field.kind),
                    found: text.to_owned(),
                },
            )),
            Some(Value::Number(number)) if number & !field.mask() != 0 => Err(self.error(
                span,
                Problem::TooLarge {
                    field: name(),
                    value: text.to_owned(),
                    bits: field.bits,
                },
            )),
            Some(value) => Ok(value),
        }
    }

    /// A value, or values with `+` between them.
    fn sum(&self, kind: Kind, text: &str, span: &Range<usize>) -> Result<Option<Value>, Error> {
        let mut sum: Option<Value> = None;
        for term in text.split('+') {
            let value = match term.strip_prefix('$') {
                Some("n") => Some(Value::Number(self.definitions.number.into())),
                Some(name) => self.inside(name, span, |parser| {
                    let all = 0..parser.text.len();
                    parser.sum(kind, parser.text, &all)
                })?,
                None => value::read(kind, term),
            };
            sum = match (sum, value) {
                (None, value @ Some(_)) => value,
                (Some(Value::Number(a)), Some(Value::Number(b))) => {
                    Some(Value::Number(a.wrapping_add(b)))
                }
                _ => return Ok(None),
            };
        }
        Ok(sum)
    }

    /// The part of variable length.
    fn options(&self, layer: &Layer, text: &str, span: Range<usize>) -> Result<Value, Error> {
        if text == "*" {
            return Ok(Value::Any);
        }
        let hex = text.strip_prefix("0x").and_then(value::hex);
        let bytes = match (hex, layer.id) {
            (Some(bytes), _) => Some(bytes),
            (None, Id::Tcp) => tcp_options::read(text)
                .map(|bytes| bytes.into_iter().map(Masked::exactly).collect()),
            (None, _) => None,
        };
        bytes.map(Value::Bytes).ok_or_else(|| {
            let expected = match layer.id {
                Id::Tcp => tcp_options::EXPECTED,
                _ => "bytes such as 0x01020304",
            };
            self.error(
                span,
                Problem::Value {
                    field: format!("{} {}", layer.name, layer.options.unwrap_or_default()),
                    expected: expected.to_owned(),
                    found: text.to_owned(),
                },
            )
        })
    }

    /// Texts and bytes in a row, each perhaps several times.
    fn bytes(&self, first: &Token<'_>, rest: &[Token<'_>]) -> Result<Part, Error> {
        let mut all = Vec::new();
        let mut tokens = [first].into_iter().chain(rest).peekable();
        while let Some(token) = tokens.next() {
            let bytes = match &token.kind {
                TokenKind::Text(bytes) => bytes.iter().copied().map(Masked::exactly).collect(),
                TokenKind::Word(word) => word
                    .strip_prefix("0x")
                    .and_then(value::hex)
                    .ok_or_else(|| self.expected(token.span.clone(), "bytes such as 0x0102"))?,
                _ => return Err(self.expected(token.span.clone(), "a text or bytes")),
            };
            let mut times = 1;
            if tokens.next_if(|t| t.kind == TokenKind::Star).is_some() {
                let number = tokens.next();
                times = number.and_then(count).ok_or_else(|| {
                    let span = number.map_or(token.span.clone(), |t| t.span.clone());
                    self.expected(span, "a number of times after `*`")
                })?;
            }
            let more = bytes.len().saturating_mul(times);
            self.fits(all.len().saturating_add(more), token)?;
            all.extend(bytes.repeat(times));
        }
        Ok(Part::Payload(all))
    }

    /// `payload len=N fill=B`.
    fn filled(&self, first: &Token<'_>, rest: &[Token<'_>]) -> Result<Part, Error> {
        let (mut len, mut fill) = (None, 0);
        for token in rest {
            let number = |text: &str| self.small(text, token);
            match token.kind {
                TokenKind::Word(word) => match word.split_once('=') {
                    Some(("len", text)) => len = Some(number(text)?),
                    Some(("fill", text)) => fill = number(text)? as u8,
                    _ => return Err(self.expected(token.span.clone(), "`len=` or `fill=`")),
                },
                _ => return Err(self.expected(token.span.clone(), "`len=` or `fill=`")),
            }
        }
        let len = len.ok_or_else(|| self.expected(first.span.end..first.span.end, "`len=`"))?;
        self.fits(len, first)?;
        Ok(Part::Payload(vec![Masked::exactly(fill); len]))
    }

    /// `hex 45 00 ?? …`.
    fn spaced_hex(&self, first: &Token<'_>, rest: &[Token<'_>]) -> Result<Part, Error> {
        let mut all = Vec::new();
        for token in rest {
            let bytes = match token.kind {
                TokenKind::Word(word) => value::hex(word),
                _ => None,
            };
            let bytes = bytes.ok_or_else(|| {
                self.expected(token.span.clone(), "pairs of hex digits such as 45 or ??")
            })?;
            self.fits(all.len() + bytes.len(), first)?;
            all.extend(bytes);
        }
        Ok(Part::Payload(all))
    }

    /// The `to=N` of `pad` and `cut`.
    fn length(&self, word: &str, first: &Token<'_>, rest: &[Token<'_>]) -> Result<usize, Error> {
        let wanted = format!("`{word} to=` and a length of the frame");
        let (Some(token), rest) = (rest.first(), rest.get(1..).unwrap_or_default()) else {
            return Err(self.expected(first.span.clone(), &wanted));
        };
        self.nothing(rest)?;
        let text = match token.kind {
            TokenKind::Word(word) => word.strip_prefix("to="),
            _ => None,
        };
        let text = text.ok_or_else(|| self.expected(token.span.clone(), &wanted))?;
        let length = self.small(text, token)?;
        self.fits(length, token)?;
        Ok(length)
    }

    fn small(&self, text: &str, token: &Token<'_>) -> Result<usize, Error> {
        let value = self.sum(Kind::Number, text, &token.span)?;
        match value {
            Some(Value::Number(number)) => usize::try_from(number).ok(),
            _ => None,
        }
        .ok_or_else(|| self.expected(token.span.clone(), "a number"))
    }

    /// Does something with what a name is defined as.
    fn inside<T>(
        &self,
        name: &str,
        span: &Range<usize>,
        work: impl FnOnce(&Parser<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let texts = &self.definitions.texts;
        let Some(text) = texts.get(name) else {
            let known = texts.keys().map(String::as_str);
            let problem = Problem::Undefined {
                name: name.to_owned(),
                nearest: nearest(name, known).map(str::to_owned),
            };
            return Err(self.error(span.clone(), problem));
        };
        self.uses.set(self.uses.get() + 1);
        if self.depth == MAX_DEPTH || self.uses.get() > MAX_USES {
            return Err(self.error(span.clone(), Problem::TooDeep));
        }
        let parser = Parser {
            text,
            definitions: self.definitions,
            depth: self.depth + 1,
            uses: self.uses,
        };
        work(&parser).map_err(|inner| {
            let problem = match inner.problem {
                Problem::TooDeep => Problem::TooDeep,
                _ => Problem::Inside {
                    name: name.to_owned(),
                    inner: Box::new(inner),
                },
            };
            self.error(span.clone(), problem)
        })
    }

    fn nothing(&self, rest: &[Token<'_>]) -> Result<(), Error> {
        match rest.first() {
            Some(token) => Err(self.expected(token.span.clone(), "`/` or the end")),
            None => Ok(()),
        }
    }

    fn fits(&self, len: usize, token: &Token<'_>) -> Result<(), Error> {
        match len > MAX_LEN {
            true => Err(self.error(token.span.clone(), Problem::TooLong { limit: MAX_LEN })),
            false => Ok(()),
        }
    }

    fn unknown_layer(&self, token: &Token<'_>, word: &str) -> Error {
        let name = word.split('=').next().unwrap_or(word);
        let others = ["payload", "hex", "pad", "cut"];
        let known = layers::LAYERS.iter().map(|layer| layer.name).chain(others);
        let name = name.to_owned();
        let nearest = nearest(&name, known.collect::<Vec<&'static str>>());
        let span = token.span.start..token.span.start + name.len();
        self.error(span, Problem::UnknownLayer { nearest, name })
    }

    fn unknown_field(&self, layer: &'static Layer, name: &str, token: &Token<'_>) -> Error {
        let fields = layer.fields.iter().map(|field| field.name);
        let known: Vec<_> = fields.chain(layer.options).collect();
        let problem = Problem::UnknownField {
            layer: layer.name,
            name: name.to_owned(),
            nearest: nearest(name, known.iter().copied()),
            known: known.join(", "),
        };
        self.error(token.span.start..token.span.start + name.len(), problem)
    }

    fn expected(&self, span: Range<usize>, expected: &str) -> Error {
        let found = match self.text.get(span.clone()).map(str::trim) {
            Some(found) if !found.is_empty() => format!("`{found}`"),
            _ => "nothing".to_owned(),
        };
        let expected = expected.to_owned();
        self.error(span, Problem::Expected { expected, found })
    }

    fn error(&self, span: Range<usize>, problem: Problem) -> Error {
        Error::new(self.text, span, problem)
    }
}

fn count(token: &Token<'_>) -> Option<usize> {
    match token.kind {
        TokenKind::Word(word) => word.parse().ok(),
        _ => None,
    }
}
