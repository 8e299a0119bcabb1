//! One line to one instruction, by trying each row of the table.
//!
//! A row's text is read as a pattern: words and signs must stand as they are,
//! letters take an operand. The first row that takes the whole line wins. When
//! none does, the error tells what the rows that got furthest wanted next.

use std::collections::BTreeSet;

use super::lex::{self, Line, Token};
use super::{AsmError, Expected, Fault, Resolver};
use crate::fields::{self, Fields};
use crate::table::{self, Row};
use crate::{Insn, Reg, Slot};

/// What a line says.
pub(super) enum Statement {
    Nothing,
    Slot(Slot),
    /// The label is one that the instruction refers to.
    Insn(Insn, Option<Label>),
}

/// A reference to a label.
pub(super) struct Label {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Parses what follows the label of `line`. `labels` are all of the program.
pub(super) fn parse(
    line: &Line<'_>,
    labels: &BTreeSet<&str>,
    resolver: Resolver<'_>,
) -> Result<Statement, AsmError> {
    if line.tokens.is_empty() {
        return Ok(Statement::Nothing);
    }
    let mut furthest = Furthest::default();
    match slot(line) {
        Ok(slot) => return Ok(Statement::Slot(slot)),
        Err(miss) => furthest.add(miss),
    }
    for row in table::TABLE {
        let mut pattern = Pattern {
            line,
            labels,
            resolver,
            at: 0,
            fields: Fields::default(),
            label: None,
        };
        match pattern.matches(row) {
            Ok(()) => {
                let insn = fields::fill(row.insn, pattern.fields);
                return Ok(Statement::Insn(insn, pattern.label));
            }
            Err(miss) => furthest.add(miss),
        }
    }
    Err(AsmError {
        line: line.number,
        column: line.column(furthest.at),
        fault: Fault::Expected(furthest.expected),
    })
}

/// `.slot 0x00000000000000ff`
fn slot(line: &Line<'_>) -> Result<Slot, Miss> {
    let miss = |at, expected| Err(Miss { at, expected });
    let token = |at: usize| line.tokens.get(at);
    if token(0).is_none_or(|token| token.text != ".slot") {
        return miss(0, Expected::Text(".slot"));
    }
    match (token(1).and_then(|token| token.number()), token(2)) {
        (Some(number), None) => Ok(Slot::from_bytes(number.to_le_bytes())),
        (Some(_), Some(_)) => miss(2, Expected::Kind("end of line")),
        (None, _) => miss(1, Expected::Kind("a number")),
    }
}

/// How far a pattern got, and what it wanted there.
pub(super) struct Miss {
    /// Index of the token.
    at: usize,
    expected: Expected,
}

/// The misses of the patterns that got furthest.
#[derive(Default)]
struct Furthest {
    at: usize,
    expected: Vec<Expected>,
}

impl Furthest {
    fn add(&mut self, miss: Miss) {
        if miss.at > self.at {
            self.at = miss.at;
            self.expected.clear();
        }
        if miss.at == self.at && !self.expected.contains(&miss.expected) {
            self.expected.push(miss.expected);
        }
    }
}

/// A row's text being held against a line.
pub(super) struct Pattern<'a> {
    line: &'a Line<'a>,
    labels: &'a BTreeSet<&'a str>,
    pub(super) resolver: Resolver<'a>,
    /// Index of the next token.
    at: usize,
    pub(super) fields: Fields,
    /// A label that stands where a target is wanted.
    label: Option<Label>,
}

impl<'a> Pattern<'a> {
    /// Takes the whole line, or says what is missing.
    fn matches(&mut self, row: &Row) -> Result<(), Miss> {
        let mut rest = row.text;
        let (mut dst, mut src) = (None, None);
        while let Some(first) = rest.chars().next() {
            let (piece, after) = rest.split_at(piece_length(rest));
            match piece {
                "rD" | "wD" => {
                    self.fields.dst = self.register(first, dst)?;
                    dst = Some(self.fields.dst);
                }
                "rS" | "wS" => {
                    self.fields.src = self.register(first, src)?;
                    src = Some(self.fields.src);
                }
                _ if first.is_ascii_uppercase() => self.operand(first)?,
                _ => self.literal(piece)?,
            }
            rest = after.trim_start();
        }
        match self.peek() {
            None => Ok(()),
            Some(_) => self.miss(Expected::Kind("end of line")),
        }
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.line.tokens.get(self.at).copied()
    }

    /// The token after the next one.
    pub(super) fn peek_second(&self) -> Option<Token<'a>> {
        self.line.tokens.get(self.at + 1).copied()
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// An error where the next token stands.
    pub(super) fn miss<T>(&self, expected: Expected) -> Result<T, Miss> {
        let at = self.at;
        Err(Miss { at, expected })
    }

    /// Takes one token, if it is `text`.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.text == text);
        self.at += usize::from(found);
        found
    }

    fn literal(&mut self, text: &'static str) -> Result<(), Miss> {
        match self.take(text) {
            true => Ok(()),
            false => self.miss(Expected::Text(text)),
        }
    }

    /// A register of the class `r` or `w`. One that the text has twice must be
    /// the same both times.
    fn register(&mut self, class: char, before: Option<u8>) -> Result<u8, Miss> {
        let number = self
            .peek()
            .and_then(|token| token.text.strip_prefix(class))
            .and_then(|number| (0..=Reg::FP as u8).find(|reg| number == reg.to_string()));
        match (number, before) {
            (Some(number), None) => {
                self.skip();
                Ok(number)
            }
            (Some(number), Some(before)) if number == before => {
                self.skip();
                Ok(number)
            }
            (_, Some(before)) => self.miss(Expected::Same(class, before)),
            (None, None) => self.miss(Expected::Register(class)),
        }
    }

    /// Takes the next token if it is a label, to be linked later.
    pub(super) fn take_label(&mut self) -> bool {
        let Some(token) = self.peek().filter(|token| self.labels.contains(token.text)) else {
            return false;
        };
        self.label = Some(Label {
            name: token.text.to_owned(),
            line: self.line.number,
            column: token.column,
        });
        self.skip();
        true
    }
}

/// The length of the next piece of a row's text: a register, the letter of an
/// operand, a word or a sign.
fn piece_length(text: &str) -> usize {
    let is_register = ["rD", "wD", "rS", "wS"].iter().any(|r| text.starts_with(r));
    if is_register {
        2
    } else if text.starts_with(lex::is_word_start) && !text.starts_with(char::is_uppercase) {
        text.find(|c| !lex::is_word(c)).unwrap_or(text.len())
    } else {
        1
    }
}
