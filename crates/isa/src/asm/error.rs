//! Where and why a text is not a program.

use std::fmt;

/// Where and why a text is not a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct AsmError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Something else must stand here: any of these.
    #[error("expected {}", Alternatives(.0))]
    Expected(Vec<Expected>),
    /// A character that no instruction contains.
    #[error("unexpected character {0:?}")]
    Character(char),
    /// A label defined twice.
    #[error("label {0} is defined twice")]
    Duplicate(String),
    /// A jump over more slots than its offset field can say.
    #[error("{0} is {1} slots away, too far for this instruction")]
    Distance(String, i64),
}

/// What could stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Expected {
    /// A number in this range.
    #[error("a number from {0} to {1}")]
    Number(i128, i128),
    /// A register of this class, `r` or `w`.
    #[error("a register {0}0 to {0}10")]
    Register(char),
    /// This register.
    #[error("`{0}{1}`")]
    Same(char, u8),
    /// Something in words.
    #[error("{0}")]
    Kind(&'static str),
    /// This word or sign.
    #[error("`{0}`")]
    Text(&'static str),
}

/// `a or b or c`: kinds of things before words, and not all of many words.
struct Alternatives<'a>(&'a [Expected]);

impl fmt::Display for Alternatives<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let is_word = |expected: &&Expected| matches!(expected, Expected::Text(_));
        let (words, kinds): (Vec<&Expected>, _) = self.0.iter().partition(is_word);
        for (i, expected) in kinds.into_iter().chain(words).take(SHOWN).enumerate() {
            let or = if i > 0 { " or " } else { "" };
            write!(f, "{or}{expected}")?;
        }
        let more = if self.0.len() > SHOWN {
            " or other"
        } else {
            ""
        };
        f.write_str(more)
    }
}
