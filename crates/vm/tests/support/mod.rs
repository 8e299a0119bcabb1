//! Programs out of text, for the tests in this folder.
#![allow(dead_code, reason = "each test file uses what it needs")]

use abi::{MapDef, MapType, ProgType, Program};
use vm::{Machine, ProgId, World};

mod engine {
    // These tests are held by other engines too: a crate that has one includes the
    // files of this folder in tests of its own, and has such a file.
    include!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/support/engine.rs"
    ));
}

/// A machine without anything.
pub(crate) fn machine() -> Machine {
    let mut machine = Machine::new(World::default()).expect("a machine");
    machine.set_engine(engine::engine());
    machine
}

/// An XDP program of this name and code.
pub(crate) fn named(name: &str, code: Vec<isa::Slot>) -> Program {
    Program {
        name: name.to_owned(),
        section: "xdp".to_owned(),
        ..Program::bare(ProgType::Xdp, code)
    }
}

/// The program that `text` is.
pub(crate) fn program(text: &str) -> Program {
    let code = isa::asm::assemble(text).unwrap_or_else(|error| panic!("{error} in:\n{text}"));
    named("test", code.slots().to_vec())
}

/// Loads the program that `text` is.
pub(crate) fn load(machine: &mut Machine, text: &str) -> ProgId {
    let loaded = machine.load_program(&program(text), &[]);
    loaded.unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

/// A map definition of this name, type and shape.
pub(crate) fn map(name: &str, map_type: MapType, key: u32, value: u32, entries: u32) -> MapDef {
    MapDef {
        name: name.to_owned(),
        ..MapDef::bare(map_type, key, value, entries)
    }
}

/// The program that `text` is, under a name; `map[fd:N]` and `map[fd:N][0]+M`
/// stand for map number N.
pub(crate) fn with_maps(name: &str, text: &str) -> Program {
    let mut program = program(text);
    program.name = name.to_owned();
    for slot in &mut program.code {
        let wide = slot.opcode == 0x18;
        match slot.src {
            1 if wide => slot.src = 5,
            2 if wide => slot.src = 6,
            _ => {}
        }
    }
    program
}
