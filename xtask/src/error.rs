//! Why a task failed.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A tool is not installed.
    #[error(
        "{tool} not found. The objects are built with LLVM 19: `apt-get install clang-19 llvm-19` \
         (Debian, Ubuntu), or see https://apt.llvm.org"
    )]
    ToolMissing {
        /// The program's name.
        tool: &'static str,
    },
    /// A tool could not be started or failed; what it said is on standard error.
    #[error("{tool} failed on {input}: {reason}")]
    Tool {
        /// The program's name.
        tool: &'static str,
        /// The file it was given.
        input: String,
        /// The exit status or the error of the start.
        reason: String,
    },
    /// There are no solvers for proofs.
    #[error(
        "the solvers could not be installed: {0}. They need Python 3.8 or later with its `venv` \
         module (Debian: `apt-get install python3-venv`) and access to PyPI"
    )]
    NoSolvers(Box<Error>),
    /// There is no lemma of such an operator.
    #[error("no lemma of {0:?}; without a name all are proved")]
    NoOperator(String),
    /// Lemmas failed.
    #[error("{0} lemmas are not as they should be")]
    Unproved(usize),
    /// The kernel cannot be asked.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Kernel(kernel::Unavailable),
    /// There is nothing to measure a table of facts from.
    #[cfg(target_os = "linux")]
    #[error(
        "{name}: this machine says nothing (no kernel BTF in /sys/kernel/btf, or no UAPI headers)"
    )]
    NoRows {
        /// The table.
        name: &'static str,
    },
    /// There is no such table of facts.
    #[cfg(target_os = "linux")]
    #[error("no table {name:?}; there are {}", names.join(", "))]
    NoTable {
        /// What was asked for.
        name: String,
        /// What there is.
        names: Vec<&'static str>,
    },
    /// There is no such target of fuzzing.
    #[error("no target {name:?}; there are {}", names.join(", "))]
    NoTarget {
        /// What was asked for.
        name: String,
        /// What there is.
        names: Vec<String>,
    },
    /// Fuzzing found something.
    #[error("found, see target/fuzz/findings: {}", targets.join(", "))]
    Found {
        /// Where.
        targets: Vec<String>,
    },
    /// Committed files differ from what would be written.
    #[error("out of date ({task}):\n{}", list(files))]
    OutOfDate {
        /// The command that mends it.
        task: &'static str,
        /// The files, relative to the root of the repository.
        files: Vec<PathBuf>,
    },
}

impl Error {
    /// For `map_err`: an I/O error with the file it is about.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
        move |source| Error::File {
            path: path.to_path_buf(),
            source,
        }
    }

    /// An error unless the tool ran on this input and succeeded.
    pub(crate) fn unless_ok(
        tool: &'static str,
        input: &str,
        status: io::Result<ExitStatus>,
    ) -> Result<(), Error> {
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::tool(tool, input, &status)),
            Err(error) => Err(Error::tool(tool, input, &error)),
        }
    }

    /// A tool that failed on this input, and how.
    pub(crate) fn tool(tool: &'static str, input: &str, reason: &dyn Display) -> Error {
        Error::Tool {
            tool,
            input: input.to_owned(),
            reason: reason.to_string(),
        }
    }
}

fn list(files: &[PathBuf]) -> String {
    let lines: Vec<String> = files
        .iter()
        .map(|file| format!("  {}", file.display()))
        .collect();
    lines.join("\n")
}
