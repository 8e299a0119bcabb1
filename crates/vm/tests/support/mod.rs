//! Programs out of text, for the tests in this folder.
#![allow(dead_code, reason = "each test file uses what it needs")]

use abi::{Initial, MapDef, MapFlags, MapKind, MapType, Pinning, ProgFlags, ProgType, Program};
use vm::{Machine, ProgId, World};

/// A machine without anything.
pub(crate) fn machine() -> Machine {
    Machine::new(World::default()).expect("a machine")
}

/// An XDP program of this name and code.
pub(crate) fn named(name: &str, code: Vec<isa::Slot>) -> Program {
    Program {
        name: name.to_owned(),
        section: "xdp".to_owned(),
        prog_type: ProgType::Xdp,
        attach_type: None,
        flags: ProgFlags::default(),
        license: "GPL".to_owned(),
        kern_version: 0,
        code,
        functions: Vec::new(),
        maps: [].into(),
        externs: [].into(),
        btf: None,
        func_info: Vec::new(),
        line_info: Vec::new(),
        attach_target: String::new(),
        optional: false,
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
        map_type,
        key_size: key,
        value_size: value,
        max_entries: entries,
        flags: MapFlags::default(),
        extra: 0,
        numa_node: 0,
        key_type: Default::default(),
        value_type: Default::default(),
        inner: None,
        kind: MapKind::User,
        initial: Initial::Empty,
        pinning: Pinning::None,
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
