//! `cargo xtask corpus`: the objects of the corpus and the tests from their sources.
//!
//! The same compiler gives the same bytes on every machine: clang runs in the
//! folder of the sources, debug paths are relative to it, no header of the host
//! is read (`-nostdinc`), and DWARF is stripped.
//! Objects are committed, so only who changes a program needs clang.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::files::{self, Generated};

const CLANG: &str = "clang-19";
const STRIP: &str = "llvm-strip-19";

/// Where sources stand, each beside its object, and how they name the headers:
/// programs, those of the benches and scenarios, objects that a loader refuses, programs that a
/// verifier refuses, and
/// those of the loader's tests.
const FOLDERS: [(&str, &str); 6] = [
    ("corpus/objects", "-Iinclude"),
    ("corpus/bench", "-I../objects/include"),
    ("corpus/refused", "-I../objects/include"),
    ("corpus/scenarios", "-I../objects/include"),
    ("corpus/verify/mistakes", "-I../../objects/include"),
    (
        "crates/loader/tests/objects",
        "-I../../../../corpus/objects/include",
    ),
];

/// What every object is built with.
#[rustfmt::skip]
const FLAGS: &[&str] = &[
    "--target=bpfel", "-O2", "-Wall", "-Werror",
    "-nostdinc", "-fdebug-compilation-dir=.",
];

/// What an object is built with whose first line is not `// flags: …`.
const DEFAULT_FLAGS: &str = "-g -mcpu=v3";

/// Compiles every source; writes the objects, or checks the committed ones.
pub(crate) fn run(check: bool) -> Result<(), Error> {
    let mut generated = Generated::new("cargo xtask corpus", check);
    let mut count = 0;
    for (folder, include) in FOLDERS {
        let sources = files::with_suffix(Path::new(folder), ".bpf.c")?;
        for source in &sources {
            generated.put(&object_of(source), &compile(source, include)?)?;
        }
        for object in files::with_suffix(Path::new(folder), ".bpf.o")? {
            if !sources.iter().any(|source| object_of(source) == object) {
                generated.remove(&object)?;
            }
        }
        count += sources.len();
    }
    generated.finish()?;
    println!("{count} objects are up to date");
    Ok(())
}

fn object_of(source: &Path) -> PathBuf {
    source.with_extension("o")
}

fn compile(source: &Path, include: &str) -> Result<Vec<u8>, Error> {
    let scratch = files::root().join("target/corpus");
    fs::create_dir_all(&scratch).map_err(Error::file(&scratch))?;
    let name = source.file_name().unwrap_or_default();
    let object = scratch.join(name).with_extension("o");

    let own_flags = own_flags(source)?;
    let folder = source.parent().unwrap_or(Path::new(""));

    let mut clang = Command::new(CLANG);
    clang
        .current_dir(files::root().join(folder))
        .args(FLAGS)
        .arg(include)
        .args(&own_flags)
        .arg("-c")
        .arg(name)
        .arg("-o")
        .arg(&object);
    execute(CLANG, source, clang)?;

    // BTF has been made of it; who asks for DWARF by version keeps it.
    if !own_flags.iter().any(|flag| flag.starts_with("-gdwarf")) {
        let mut strip = Command::new(STRIP);
        strip.arg("--strip-debug").arg(&object);
        execute(STRIP, source, strip)?;
    }

    fs::read(&object).map_err(Error::file(&object))
}

/// The flags that the source asks for in its first line, or the usual ones.
fn own_flags(source: &Path) -> Result<Vec<String>, Error> {
    let full = files::root().join(source);
    let text = fs::read_to_string(&full).map_err(Error::file(&full))?;
    let first = text.lines().next().unwrap_or_default();
    let flags = first.strip_prefix("// flags: ").unwrap_or(DEFAULT_FLAGS);
    Ok(flags.split_whitespace().map(str::to_owned).collect())
}

fn execute(tool: &'static str, input: &Path, mut command: Command) -> Result<(), Error> {
    let failed = |reason: String| Error::Tool {
        tool,
        input: input.display().to_string(),
        reason,
    };
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::ToolMissing { tool },
            _ => failed(error.to_string()),
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(status.to_string()))
    }
}
