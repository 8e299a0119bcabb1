//! Lines and tokens.

use super::{AsmError, Fault};

/// A line without its comment, listing prefix and label.
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// The label that the line begins with.
    pub(super) label: Option<Token<'a>>,
    pub(super) tokens: Vec<Token<'a>>,
    /// The column after the last token.
    pub(super) end: usize,
}

impl Line<'_> {
    /// The column of the token at `index`, or of the end of the line.
    pub(super) fn column(&self, index: usize) -> usize {
        self.tokens
            .get(index)
            .map_or(self.end, |token| token.column)
    }
}

/// A word, a number or a sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Counted from 1, in characters.
    pub(super) column: usize,
}

impl Token<'_> {
    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_start)
    }

    /// The token as an unsigned number, decimal or hexadecimal.
    pub(super) fn number(&self) -> Option<u64> {
        match self.text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => self.text.parse().ok(),
        }
    }
}

pub(super) fn is_word_start(char: char) -> bool {
    char.is_ascii_alphabetic() || matches!(char, '_' | '.' | '$')
}

pub(super) fn is_word(char: char) -> bool {
    is_word_start(char) || char.is_ascii_digit()
}

/// Splits a text into lines of tokens.
pub(super) fn lines(text: &str) -> Result<Vec<Line<'_>>, AsmError> {
    let numbered = text.lines().enumerate();
    numbered.map(|(i, text)| line(i + 1, text)).collect()
}

fn line(number: usize, text: &str) -> Result<Line<'_>, AsmError> {
    let code = [";", "//"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min()
        .map_or(text, |end| &text[..end]);
    let mut tokens = tokens(number, code)?;
    let end = code.trim_end().chars().count() + 1;
    let mut label = None;
    if let &[first, colon, ..] = tokens.as_slice()
        && colon.text == ":"
        && (first.is_word() || first.number().is_some())
    {
        label = Some(first).filter(Token::is_word);
        tokens.drain(..2);
    }
    if let [open, opcode, close, ..] = tokens.as_slice()
        && (open.text, close.text) == ("(", ")")
        && opcode.text.len() == 2
        && u8::from_str_radix(opcode.text, 16).is_ok()
    {
        tokens.drain(..3);
    }
    Ok(Line {
        number,
        label,
        tokens,
        end,
    })
}

fn tokens(line: usize, text: &str) -> Result<Vec<Token<'_>>, AsmError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut column = 1;
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if first.is_ascii_whitespace() || first.is_ascii_punctuation() {
            1
        } else {
            let fault = Fault::Character(first);
            return Err(AsmError {
                line,
                column,
                fault,
            });
        };
        let (text, after) = rest.split_at(length);
        if !first.is_ascii_whitespace() {
            tokens.push(Token { text, column });
        }
        rest = after;
        // A word is ASCII: as many characters as bytes.
        column += length;
    }
    Ok(tokens)
}
