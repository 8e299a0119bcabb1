//! Programs for tests of the exploration.

use abi::{ProgType, Program};
use isa::Slot;

use crate::Config;
use crate::structure::{self, Structure};

/// A socket filter without anything but code.
pub(super) fn program(code: Vec<Slot>) -> Program {
    Program::bare(ProgType::SocketFilter, code)
}

/// What holds of the program with this text.
pub(super) fn structure(text: &str) -> Structure {
    let code = isa::asm::assemble(text).expect("the text of a test");
    let program = program(code.slots().to_vec());
    structure::analyze(&program, &Config::default()).expect("a sound structure")
}
