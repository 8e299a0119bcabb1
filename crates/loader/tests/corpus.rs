//! The corpus objects, opened.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use abi::ProgType;
use loader::{Object, Options};

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
    for (name, bytes) in common::objects() {
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
