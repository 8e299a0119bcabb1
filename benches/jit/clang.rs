//! The same source for other targets. Where there is no clang, what needs it is
//! left out.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use abi::Program;

use crate::case::sources;

const CLANG: &str = "clang-19";

/// The program as a library for this machine.
pub(crate) fn native(name: &str) -> Result<PathBuf, String> {
    // Ours come first: they stand in for headers that speak of the kernel.
    let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("native");
    let include = format!("-I{}", headers.display());
    build(name, "so", &["-shared", "-fPIC", "-nostdlib", &include])
}

/// The program for a BPF machine without 32-bit arithmetic.
pub(crate) fn bpf_without_alu32(name: &str) -> Result<Program, String> {
    let mut flags = vec!["--target=bpfel", "-g", "-mcpu=v2", "-nostdinc"];
    if own_flags(name).contains("-fno-builtin") {
        flags.push("-fno-builtin");
    }
    let path = build(name, "o", &[flags.as_slice(), &["-c"]].concat())?;
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let object = loader::Object::parse(&bytes, &Default::default());
    let program = object.and_then(|object| object.program(name));
    program.map_err(|error| error.to_string())
}

fn source(name: &str) -> PathBuf {
    sources().join(format!("{name}.bpf.c"))
}

/// The first line, which names flags where a program wants other than the usual.
fn own_flags(name: &str) -> String {
    let text = std::fs::read_to_string(source(name)).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn build(name: &str, suffix: &str, flags: &[&str]) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jit");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let output = folder.join(format!("{name}.{suffix}"));
    let headers = sources().join("../objects/include");
    let status = Command::new(CLANG)
        .arg("-O2")
        .args(flags)
        .arg("-I")
        .arg(headers)
        .arg(source(name))
        .arg("-o")
        .arg(&output)
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(output),
        Ok(_) => Err("has no native counterpart".to_owned()),
        Err(_) => Err(format!("there is no {CLANG}")),
    }
}
