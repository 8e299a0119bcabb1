//! The words of a description.

use std::ops::Range;

use super::error::{Error, Problem};

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    /// `/`, between layers.
    Slash,
    /// `*`, before a number of times.
    Star,
    /// `..`, whatever there is.
    Rest,
    /// Text in quotes, its escapes resolved.
    Text(Vec<u8>),
    /// Anything else up to white space or a slash.
    Word(&'a str),
}

/// Splits a description into words.
pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let start = at;
        let kind = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '/' => {
                at += 1;
                TokenKind::Slash
            }
            '*' => {
                at += 1;
                TokenKind::Star
            }
            '"' => {
                let (bytes, end) = quoted(text, at)?;
                at = end;
                TokenKind::Text(bytes)
            }
            _ => {
                let word = word(&text[at..]);
                at += word.len();
                match word {
                    ".." => TokenKind::Rest,
                    word => TokenKind::Word(word),
                }
            }
        };
        tokens.push(Token {
            kind,
            span: start..at,
        });
    }
    Ok(tokens)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || c == '/' || c == '"');
    &text[..end.unwrap_or(text.len())]
}

/// The bytes of a text whose quote stands at `start`, and where it ends.
fn quoted(text: &str, start: usize) -> Result<(Vec<u8>, usize), Error> {
    let mut bytes = Vec::new();
    let mut chars = text[start + 1..].char_indices();
    while let Some((place, c)) = chars.next() {
        let at = start + 1 + place;
        match c {
            '"' => return Ok((bytes, at + 1)),
            '\\' => {
                let escaped = chars.next().map(|(_, c)| c);
                bytes.push(match escaped {
                    Some('n') => b'\n',
                    Some('r') => b'\r',
                    Some('t') => b'\t',
                    Some('0') => 0,
                    Some(c @ ('"' | '\\')) => c as u8,
                    Some('x') => {
                        let digits = text.get(at + 2..at + 4);
                        let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
                        let Some(byte) = byte else {
                            return Err(expected(text, at..at + 2, "two hex digits after \\x"));
                        };
                        chars.next();
                        chars.next();
                        byte
                    }
                    _ => {
                        let known = r#"one of \n \r \t \0 \" \\ \xNN"#;
                        return Err(expected(text, at..at + 1, known));
                    }
                });
            }
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Err(expected(text, start..text.len(), "a closing quote"))
}

fn expected(text: &str, span: Range<usize>, expected: &str) -> Error {
    let found = match text.get(span.clone()) {
        Some(found) if !found.is_empty() => format!("`{found}`"),
        _ => "the end".to_owned(),
    };
    let expected = expected.to_owned();
    Error::new(text, span, Problem::Expected { expected, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_texts() {
        let kinds = |text| -> Vec<_> { lex(text).unwrap().into_iter().map(|t| t.kind).collect() };
        use TokenKind::{Rest, Slash, Star, Text, Word};
        assert_eq!(
            kinds(r#"eth/ip src=::1 / "a/\x00\n" * 3 / .."#),
            [
                Word("eth"),
                Slash,
                Word("ip"),
                Word("src=::1"),
                Slash,
                Text(b"a/\0\n".to_vec()),
                Star,
                Word("3"),
                Slash,
                Rest
            ]
        );
        assert_eq!(kinds(""), []);
    }

    #[test]
    fn faulty_texts() {
        for (text, why) in [
            (
                "eth / \"abc",
                "column 7: expected a closing quote, found `\"abc`",
            ),
            (
                r#""\xg0""#,
                r"column 2: expected two hex digits after \x, found `\x`",
            ),
            (
                r#""é\q""#,
                r#"column 3: expected one of \n \r \t \0 \" \\ \xNN, found `\`"#,
            ),
        ] {
            assert_eq!(lex(text).unwrap_err().to_string(), why);
        }
    }
}
