//! Programs as text.

use isa::Slot;

/// The slots of a program that this crate has written itself.
pub(super) fn assemble(text: &str) -> Vec<Slot> {
    let code = isa::asm::assemble(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    code.slots().to_vec()
}
