//! The corpus objects, opened.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use abi::ProgType;
use loader::{Object, Options};

fn objects() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/objects"));
    let mut objects: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
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

fn open(name: &str, bytes: &[u8]) -> Object {
    // For the objects that do not say it.
    let prog_type = Some(ProgType::Xdp);
    let options = Options {
        name: name.to_owned(),
        prog_type,
        ..Options::default()
    };
    Object::parse(bytes, &options).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn every_object_gives_programs() {
    for (name, bytes) in objects() {
        let object = open(&name, &bytes);
        for note in object.notes() {
            println!("{name}: {note}");
        }
        let programs = object.programs().unwrap_or_else(|e| panic!("{name}: {e}"));
        for program in programs {
            println!(
                "{name}: {} {} {} slots, {} functions, {} lines",
                program.prog_type,
                program.name,
                program.code.len(),
                program.functions.len(),
                program.line_info.len()
            );
        }
    }
}
