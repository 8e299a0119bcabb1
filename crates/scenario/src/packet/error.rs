//! What is wrong with a description of a packet, and where.

use std::fmt;
use std::ops::Range;

use crate::suggest::Hint;

/// What is wrong with a description, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The bytes of the description that are meant.
    pub span: Range<usize>,
    /// The place as people count: characters from 1.
    pub column: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What.
        expected: String,
        /// What does.
        found: String,
    },
    /// No layer is called so.
    #[error("no layer is called `{name}`{}", Hint(*nearest))]
    UnknownLayer {
        /// As given.
        name: String,
        /// A layer with a similar name.
        nearest: Option<&'static str>,
    },
    /// The layer has no such field.
    #[error("{layer} has no field `{name}`{}; it has: {known}", Hint(*nearest))]
    UnknownField {
        /// The layer.
        layer: &'static str,
        /// As given.
        name: String,
        /// A field with a similar name.
        nearest: Option<&'static str>,
        /// The fields it has.
        known: String,
    },
    /// A value that the field cannot have.
    #[error("{field}: expected {expected}, found `{found}`")]
    Value {
        /// The field.
        field: String,
        /// Values it can have.
        expected: String,
        /// As given.
        found: String,
    },
    /// A value beyond the field.
    #[error("{field}: {value} does not fit into {bits} bits")]
    TooLarge {
        /// The field.
        field: String,
        /// As given.
        value: String,
        /// Bits that the field has.
        bits: usize,
    },
    /// The same field twice.
    #[error("{field} is given twice")]
    Twice {
        /// The field.
        field: String,
    },
    /// A `$name` that nobody defined.
    #[error("`${name}` is not defined{}", Hint(nearest.as_deref()))]
    Undefined {
        /// Without the `$`.
        name: String,
        /// A definition with a similar name.
        nearest: Option<String>,
    },
    /// What is wrong with the text of a definition.
    #[error("in `${name}` (column {}): {}", inner.column, inner.problem)]
    Inside {
        /// Without the `$`.
        name: String,
        /// What is wrong there.
        inner: Box<Error>,
    },
    /// Something that only an expected packet may have.
    #[error("{what} has no place in a packet to send: only in one to compare with")]
    OnlyInPattern {
        /// `..`, `??`, `*`, `csum=ok`.
        what: &'static str,
    },
    /// Something that an expected packet may not have.
    #[error("{what} has no place in a packet to compare with")]
    NotInPattern {
        /// `cut` or `pad`.
        what: &'static str,
    },
    /// More bytes than a packet can have.
    #[error("more than {limit} bytes")]
    TooLong {
        /// The most that there may be.
        limit: usize,
    },
    /// Definitions that use each other in a circle, too deep or too often.
    #[error("definitions use each other in a circle, or too often")]
    TooDeep,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.problem)
    }
}

impl Error {
    /// Something wrong with a part of `text`.
    pub(super) fn new(text: &str, span: Range<usize>, problem: Problem) -> Error {
        let before = text.get(..span.start).unwrap_or(text);
        Error {
            column: before.chars().count() + 1,
            span,
            problem,
        }
    }
}
