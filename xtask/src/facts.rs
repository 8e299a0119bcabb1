//! `cargo xtask facts`: the running kernel's tables, as files of the corpus.
//!
//! Every fact is an answer of Linux to a small program or map, or stands in its
//! BTF. The files are `corpus/facts/linux-RELEASE/NAME.json`; its README says
//! what each holds. Tables of `abi` and `isa` are held against the files, and
//! the files against the running kernel, by the tests beside this module.

mod attach;
mod calls;
mod context;
mod encodings;
mod errno;
mod flavor;
mod helpers;
mod kfuncs;
mod maps;
mod probe;
mod ranges;
mod returns;
mod table;
#[cfg(test)]
mod tests;
mod types;

use std::path::{Path, PathBuf};
use std::time::Instant;

use kernel::Kernel;

use crate::error::Error;
use crate::files::{Generated, root};
use probe::Probe;
use table::Table;

/// How a table is measured.
type Measure = fn(&Probe) -> Table;

/// The files, by name.
const TABLES: &[(&str, Measure)] = &[
    ("attach", attach::measure),
    ("context", context::measure),
    ("encodings", encodings::measure),
    ("enums", types::enums),
    ("errno", errno::measure),
    ("flavors", returns::measure),
    ("helpers", helpers::by_type),
    ("helpers_by_flavor", helpers::by_flavor),
    ("kfuncs", kfuncs::measure),
    ("map_create", maps::create),
    ("map_use", maps::used_by),
    ("structs", types::structs),
];

/// Measures the tables, or those of `only`, and writes or checks their files.
pub(crate) fn run(check: bool, only: &[String]) -> Result<(), Error> {
    if let Some(name) = only
        .iter()
        .find(|name| !TABLES.iter().any(|(n, _)| n == name))
    {
        return Err(Error::NoTable {
            name: name.clone(),
            names: TABLES.iter().map(|(name, _)| *name).collect(),
        });
    }
    let probe = Probe::new(Kernel::open().map_err(Error::Kernel)?);
    let mut files = Generated::new("cargo xtask facts", check);
    for (name, measure) in TABLES {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        let begin = Instant::now();
        let measured = measure(&probe);
        let took = begin.elapsed();
        println!("{name}: {} rows in {took:.1?}", measured.rows.len());
        if measured.rows.is_empty() {
            return Err(Error::NoRows { name });
        }
        let path = path(&probe, name);
        let text = measured.to_json(&probe.kernel_name());
        if check {
            report(&path, &measured);
        }
        // A table is as it was though another patch release was asked.
        if !same(&path, &measured) {
            files.put(&path, text.as_bytes())?;
        }
    }
    files.finish()
}

/// The file of a table, relative to the root.
fn path(probe: &Probe, name: &str) -> PathBuf {
    let folder = format!("corpus/facts/linux-{}", probe.release());
    Path::new(&folder).join(format!("{name}.json"))
}

/// Whether the file says what was measured, the kernel's patch release apart.
fn same(path: &Path, measured: &Table) -> bool {
    let Ok(text) = std::fs::read_to_string(root().join(path)) else {
        return false;
    };
    let asked: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let kernel = asked.as_ref().and_then(|file| file.get("kernel")?.as_str());
    kernel.is_some_and(|kernel| measured.to_json(kernel) == text)
}

/// Prints which rows differ.
fn report(path: &Path, measured: &Table) {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    let rows = Table::rows_of(&text, measured.of).unwrap_or_default();
    for line in table::differences(&rows, &measured.rows) {
        println!("  {line}");
    }
}
