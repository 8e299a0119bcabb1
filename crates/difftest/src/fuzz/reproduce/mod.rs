//! A finding in forms that others can use.
//!
//! | form | for |
//! |---|---|
//! | `NAME.bpf` | a file test, as in `corpus/verify`, without an expectation |
//! | `NAME.jsonl` | the program as a line of `docs/verify.md`, with what it was run on: `ebpf-sim fuzz --replay` and `ebpf-sim verify --programs` read it |
//! | `NAME.c` | a C program that puts it to the running kernel by bpf(2) alone |

mod c;
mod line;

use std::io;
use std::path::{Path, PathBuf};

pub use line::{Replayed, line, program, read};

use super::Found;
use crate::generate;

/// Where a finding was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The file test.
    pub test: PathBuf,
    /// The line.
    pub line: PathBuf,
    /// The C program.
    pub c: PathBuf,
}

/// Writes a finding into a directory, which is made if there is none.
///
/// # Errors
///
/// What of it cannot be written, and why.
pub fn write(found: &Found, directory: &Path) -> Result<Files, (PathBuf, io::Error)> {
    let oracle = found.finding.oracle.name();
    let name = format!("{oracle}-{:016x}", found.hash());
    let place = |end: &str| directory.join(format!("{name}.{end}"));
    let files = Files {
        test: place("bpf"),
        line: place("jsonl"),
        c: place("c"),
    };
    std::fs::create_dir_all(directory).map_err(|error| (directory.to_owned(), error))?;
    let texts = [
        (&files.test, test(found)),
        (&files.line, format!("{}\n", line(found))),
        (&files.c, c::program(found)),
    ];
    for (path, text) in texts {
        std::fs::write(path, text).map_err(|error| (path.clone(), error))?;
    }
    Ok(files)
}

/// The file test: what is wrong, and the program.
pub fn test(found: &Found) -> String {
    let mut text = format!("// {}\n", found.class());
    for line in found.finding.what.lines() {
        text += &format!("// {line}\n");
    }
    let (seed, index) = (found.seed.0, found.index);
    text + &format!("// seed {seed:#x}, program {index}\n") + &generate::text(&found.case.raw)
}
