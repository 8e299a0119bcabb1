//! How the command fails: what to say, and with which exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Why the command ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Whoever read our output stopped: not an error.
    #[error("output closed")]
    ClosedPipe,
    /// Standard output cannot be written.
    #[error("standard output: {0}")]
    Output(io::Error),
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file that cannot be written.
    #[error("{}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A file or argument that makes no sense.
    #[error("{place}: {why}")]
    Input { place: String, why: String },
    /// A program that Linux would refuse.
    #[error("{place}: {why}")]
    Refused { place: String, why: String },
    /// Something that is understood and not supported.
    #[error("{place}: {why}")]
    Unsupported { place: String, why: String },
}

impl Failure {
    /// A failure to write standard output; a closed pipe is told apart.
    pub(crate) fn output(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Output(error),
        }
    }

    pub(crate) fn read(path: &Path, source: io::Error) -> Failure {
        Failure::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Failure {
        match source.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Write {
                path: path.to_owned(),
                source,
            },
        }
    }

    pub(crate) fn input(place: impl ToString, why: impl ToString) -> Failure {
        Failure::Input {
            place: place.to_string(),
            why: why.to_string(),
        }
    }

    pub(crate) fn unsupported(place: impl ToString, why: impl ToString) -> Failure {
        Failure::Unsupported {
            place: place.to_string(),
            why: why.to_string(),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::ClosedPipe => ExitCode::SUCCESS,
            Failure::Refused { .. } => ExitCode::from(1),
            Failure::Unsupported { .. } => ExitCode::from(3),
            _ => ExitCode::from(2),
        }
    }
}

/// Says something on standard error. Nobody can be told when that fails.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "ebpf-sim: {text}");
}

/// Says what a person should know, but nothing ends for.
pub(crate) fn warn(text: impl Display) {
    say(format_args!("warning: {text}"));
}
