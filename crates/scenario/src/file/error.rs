//! What is wrong with a scenario, and where.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xdp_sim::contents::FillProblem;

use crate::packet;
use crate::suggest::Hint;

/// A file that a scenario was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as given.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Source {
    /// The place of a byte.
    pub fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }

    /// What a path in the file means: paths are relative to the file.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { path, line, column } = self;
        write!(f, "{}:{line}:{column}", path.display())
    }
}

/// What is wrong with a scenario, and where.
#[derive(Debug)]
pub struct Error {
    /// Where; nowhere for scenarios that were made in code.
    pub place: Option<Place>,
    /// What.
    pub problem: Problem,
}

/// What is wrong with a scenario.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file that cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// No TOML.
    #[error("{0}")]
    Toml(String),
    /// A name that a table does not have.
    #[error("unknown key `{key}`{}; there are: {known}", Hint(nearest.as_deref()))]
    UnknownKey {
        /// As given.
        key: String,
        /// A similar one.
        nearest: Option<String>,
        /// Those that there are.
        known: String,
    },
    /// A name that a table must have.
    #[error("missing key `{key}`: {what}")]
    MissingKey {
        /// The name.
        key: &'static str,
        /// What it would say.
        what: &'static str,
    },
    /// A value of another kind or form.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand here.
        expected: String,
        /// What does.
        found: String,
    },
    /// Two keys that exclude each other.
    #[error("`{one}` and `{other}` cannot both be given")]
    Both {
        /// One of them.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A name of nothing.
    #[error("no {kind} is called `{name}`{}{}", Hint(nearest.as_deref()), Known(known))]
    Unknown {
        /// What it would be: map, interface, program, …
        kind: &'static str,
        /// As given.
        name: String,
        /// A similar one.
        nearest: Option<Box<str>>,
        /// Those that there are.
        known: Box<[String]>,
    },
    /// A description of a packet.
    #[error("{0}")]
    Packet(Box<packet::Problem>),
    /// A description of a packet that was given in code.
    #[error(transparent)]
    Description(Box<packet::Error>),
    /// A value that does not have the type it should have.
    #[error("{0}")]
    Contents(Box<FillProblem>),
    /// A capture that cannot be read.
    #[error("{}: {error}", path.display())]
    Capture {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<xdp_sim::capture::Error>,
    },
    /// A capture that cannot be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<xdp_sim::capture::WriteError>,
    },
    /// An object that cannot be loaded.
    #[error("{}: {error}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<loader::Error>,
    },
    /// A program that Linux would refuse.
    #[error("Linux would refuse program {program}: {sentence}")]
    Refused {
        /// Its name.
        program: String,
        /// Linux's sentence.
        sentence: String,
    },
    /// A program that cannot take the place of a function.
    #[error(transparent)]
    Extension(Box<loader::ExtensionError>),
    /// The callback of a timer that stopped without an end.
    #[error("a timer's callback stopped: {0}")]
    Timer(String),
    /// Maps, programs or packets that cannot be set up.
    #[error(transparent)]
    Simulator(Box<xdp_sim::Error>),
    /// Something that is understood and not supported.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// A blessed file that cannot be written back.
    #[error("{0}")]
    Bless(String),
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.problem),
            None => self.problem.fmt(f),
        }
    }
}

impl Error {
    /// Something wrong at these bytes of a file.
    pub(crate) fn at(
        source: Option<&Arc<Source>>,
        span: &Range<usize>,
        problem: impl Into<Problem>,
    ) -> Error {
        Error {
            place: source.map(|source| source.place(span.start)),
            problem: problem.into(),
        }
    }

    /// Something wrong with a description that stands at these bytes. The place
    /// is inside of it where the file has it letter by letter.
    pub(crate) fn in_packet(
        source: Option<&Arc<Source>>,
        span: &Range<usize>,
        description: &str,
        error: packet::Error,
    ) -> Error {
        let Some(source) = source else {
            return Error {
                place: None,
                problem: error.into(),
            };
        };
        let raw = source.text.get(span.clone()).unwrap_or_default();
        // Behind the quotes.
        let quotes = raw.find(description);
        match quotes {
            Some(quotes) => Error {
                place: Some(source.place(span.start + quotes + error.span.start)),
                problem: Problem::Packet(Box::new(error.problem)),
            },
            None => Error {
                place: Some(source.place(span.start)),
                problem: error.into(),
            },
        }
    }

    /// Whether something is understood that is not supported, rather than wrong.
    pub fn is_unsupported(&self) -> bool {
        match &self.problem {
            Problem::Unsupported(_) => true,
            Problem::Simulator(error) => match &**error {
                xdp_sim::Error::Machine(error) => error.is_unsupported(),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether a program is one that Linux would not load.
    pub fn is_refusal(&self) -> bool {
        matches!(self.problem, Problem::Refused { .. })
    }
}

/// "; there are: …", where there are any.
struct Known<'a>(&'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            known => write!(f, "; there are: {}", known.join(", ")),
        }
    }
}

impl From<packet::Error> for Problem {
    fn from(error: packet::Error) -> Problem {
        Problem::Description(Box::new(error))
    }
}

impl From<xdp_sim::Error> for Problem {
    fn from(error: xdp_sim::Error) -> Problem {
        Problem::Simulator(Box::new(error))
    }
}

impl Problem {
    /// A name of nothing, with the ones that there are.
    pub(crate) fn unknown<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Problem {
        let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        let nearest = crate::suggest::nearest(name, known.iter().map(String::as_str));
        Problem::Unknown {
            kind,
            name: name.to_owned(),
            nearest: nearest.map(Box::from),
            known: known.into(),
        }
    }
}
