//! Programs for tests of the exploration.

use abi::{ProgFlags, ProgType, Program};
use isa::Slot;

use crate::Config;
use crate::structure::{self, Structure};

/// A socket filter without anything but code.
pub(super) fn program(code: Vec<Slot>) -> Program {
    Program {
        name: "main".to_owned(),
        section: String::new(),
        prog_type: ProgType::SocketFilter,
        attach_type: None,
        flags: ProgFlags::default(),
        license: "GPL".to_owned(),
        kern_version: 0,
        code,
        functions: Vec::new(),
        maps: Vec::new().into(),
        externs: Vec::new().into(),
        btf: None,
        func_info: Vec::new(),
        line_info: Vec::new(),
        attach_target: String::new(),
        optional: false,
    }
}

/// What holds of the program with this text.
pub(super) fn structure(text: &str) -> Structure {
    let code = isa::asm::assemble(text).expect("the text of a test");
    let program = program(code.slots().to_vec());
    structure::analyze(&program, &Config::default()).expect("a sound structure")
}
