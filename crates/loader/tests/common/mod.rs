//! What the tests share: objects, and programs as instructions.
#![allow(dead_code, reason = "not every test file uses everything")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use abi::Program;
use isa::{Insn, Pc};
use loader::{Object, Options};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/objects");
const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/objects");

/// Name and bytes of every corpus object, and of the loader's own.
pub(crate) fn objects() -> Vec<(String, Vec<u8>)> {
    let folders = [CORPUS, OWN].into_iter();
    let entries = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut objects: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "o"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    objects.sort();
    assert!(!objects.is_empty());
    objects
}

/// The bytes of `NAME.bpf.o`.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = |folder: &str| PathBuf::from(folder).join(format!("{name}.bpf.o"));
    std::fs::read(path(OWN))
        .or_else(|_| std::fs::read(path(CORPUS)))
        .unwrap()
}

/// The usual options for `NAME.bpf.o`.
pub(crate) fn options(name: &str) -> Options {
    Options {
        name: format!("{name}.bpf.o"),
        ..Options::default()
    }
}

/// `NAME.bpf.o`, opened.
pub(crate) fn open(name: &str) -> Object {
    Object::parse(&bytes(name), &options(name)).unwrap()
}

/// The instructions of a program, by slot.
pub(crate) fn insns(program: &Program) -> Vec<Insn> {
    let slots = program.code.iter().enumerate();
    slots
        .map(|(i, slot)| isa::decode(*slot, program.code.get(i + 1).copied()))
        .collect()
}

/// Names of the functions of a program, in order.
pub(crate) fn function_names(program: &Program) -> Vec<&str> {
    program.functions.iter().map(|f| f.name.as_str()).collect()
}

/// Name of the function that starts at a slot.
pub(crate) fn function_at(program: &Program, slot: i64) -> &str {
    let start = Pc(u32::try_from(slot).unwrap());
    let function = program.functions.iter().find(|f| f.start == start);
    &function.expect("a function starts there").name
}
