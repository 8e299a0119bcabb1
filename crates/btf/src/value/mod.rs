//! Bytes of a type as a tree of values with names, and such a tree as bytes.
//!
//! This is how map keys, map values and global variables are shown and given.
//! The shapes are those of `bpftool map dump` for maps with BTF, except where
//! that loses information or is no JSON:
//!
//! | type | [`decode`] gives | [`encode`] also takes |
//! |---|---|---|
//! | integer, bitfield | [`Value::Int`] | text: decimal or `0x…` |
//! | `bool` | [`Value::Bool`], `Int` for bytes other than 0 and 1 | 0, 1, text |
//! | integer with the CHAR flag | [`Value::Char`] if printable, else `Int` | text of one character |
//! | enum | [`Value::Enum`], `Int` for a value without name | its name as text, a number |
//! | pointer | [`Value::Ptr`] | a number, text |
//! | float of 4 or 8 bytes | [`Value::Float`] if finite, else `Bytes` | a number, text |
//! | array of `char` | [`Value::String`] if printable text and then only zeros | a list of numbers |
//! | other arrays | [`Value::Array`] | a shorter list: the rest is zero; bytes as `0x…` |
//! | struct, union, section | [`Value::Struct`] in order of declaration; of a union all members | some of the fields: the rest is zero; bytes as `0x…` |
//! | other sizes of float | [`Value::Bytes`] | bytes as `0x…` |
//!
//! Members of anonymous structs and unions are listed with those of the struct
//! around them, as C names them (bpftool nests them under an empty name, of
//! which JSON cannot have two; [`encode`] takes that too). Bitfields are numbers
//! with their sign (bpftool: hexadecimal text without). Two members of a union may both be given if they
//! do not contradict each other, so that what was decoded can be encoded.
//!
//! `decode` after `encode` gives the same tree for what `decode` gave; `encode`
//! after `decode` gives the same bytes except for padding, which becomes zero.

mod decode;
mod encode;
mod layout;

use std::fmt;

pub use self::{
    decode::decode,
    encode::{encode, encode_into},
};

/// Structs and arrays inside of each other that a value may have.
const MAX_NESTING: usize = 64;

/// A value of some type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer; from very large ones (above `i128::MAX`) it is a
    /// [`Value::String`] `0x…`.
    Int(i128),
    /// A truth value.
    Bool(bool),
    /// A character of one byte.
    Char(char),
    /// A finite number.
    Float(f64),
    /// One of an enum's values, with its name. Encoded by value.
    Enum {
        /// The value.
        value: i128,
        /// The first enumerator with that value.
        name: String,
    },
    /// An address.
    Ptr(u64),
    /// Text, a name, or a number or bytes in hexadecimal (`0x…`; bytes in the
    /// order of memory).
    String(String),
    /// Elements in order.
    Array(Vec<Value>),
    /// Fields with their names.
    Struct(Vec<(String, Value)>),
    /// Bytes in the order of memory.
    Bytes(Vec<u8>),
}

impl Value {
    /// What it is, for messages.
    fn describe(&self) -> &'static str {
        match self {
            Value::Int(_) => "a number",
            Value::Bool(_) => "a truth value",
            Value::Char(_) => "a character",
            Value::Float(_) => "a fraction",
            Value::Enum { .. } => "an enumerator",
            Value::Ptr(_) => "an address",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Struct(_) => "a list of fields",
            Value::Bytes(_) => "bytes",
        }
    }
}

/// A value that cannot be decoded or encoded, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", Prefix(path))]
pub struct Error {
    /// The way to the place as C writes it (`a.b[3]`), empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: Problem,
}

struct Prefix<'a>(&'a str);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, "{}: ", self.0)
        }
    }
}

/// What can be wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The type has no size, or its chain of names does not end.
    #[error("{ty} has no size")]
    Unsized {
        /// The type in C.
        ty: String,
    },
    /// The bytes are not as many as the type has.
    #[error("{ty} takes {expected} bytes, not {found}")]
    WrongSize {
        /// The type in C.
        ty: String,
        /// Its size.
        expected: u64,
        /// The bytes given.
        found: u64,
    },
    /// A type too large to make a value of.
    #[error("{ty} takes {size} bytes, which is too much for one value")]
    TooLarge {
        /// The type in C.
        ty: String,
        /// Its size.
        size: u32,
    },
    /// The BTF is broken: the member lies outside of its struct.
    #[error("{ty} lies outside of what it is part of")]
    OutOfBounds {
        /// The member's type in C.
        ty: String,
    },
    /// The BTF is broken: structs contain each other without end, or overlap
    /// so much that their values would be far more than their bytes.
    #[error("{ty} is nested too deeply")]
    TooDeep {
        /// The type where it was noticed.
        ty: String,
    },
    /// The struct has no such field.
    #[error("{ty} has no field {name:?}")]
    UnknownField {
        /// The struct in C.
        ty: String,
        /// The name given.
        name: String,
    },
    /// The enum has no such value.
    #[error("{ty} has no value {name:?}")]
    UnknownEnumerator {
        /// The enum in C.
        ty: String,
        /// The name given.
        name: String,
    },
    /// Something that the type cannot be made of.
    #[error("{found} is no value for {ty}")]
    WrongType {
        /// The type in C.
        ty: String,
        /// What was given.
        found: String,
    },
    /// A number beyond the type's range.
    #[error("{value} does not fit {ty} ({bits} bits)")]
    OutOfRange {
        /// The type in C.
        ty: String,
        /// The number given.
        value: String,
        /// How wide the type or bitfield is.
        bits: u32,
    },
    /// More elements than the array has.
    #[error("{found} elements are too many for {ty}")]
    TooMany {
        /// The array in C.
        ty: String,
        /// How many were given.
        found: usize,
    },
    /// Another field, given before, says otherwise about the same bytes.
    #[error("contradicts another member of the same union")]
    Contradiction,
}

/// The way from the whole to where we are.
#[derive(Debug, Default)]
struct Path(String);

impl Path {
    /// Runs `inside` one field further in.
    fn field(&mut self, name: &str) -> usize {
        let len = self.0.len();
        if len != 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        len
    }

    fn index(&mut self, index: usize) -> usize {
        let len = self.0.len();
        self.0.push_str(&format!("[{index}]"));
        len
    }

    /// Goes back to where [`Path::field`] or [`Path::index`] was called.
    fn back(&mut self, len: usize) {
        self.0.truncate(len);
    }

    fn error(&self, problem: Problem) -> Error {
        Error {
            path: self.0.clone(),
            problem,
        }
    }
}
