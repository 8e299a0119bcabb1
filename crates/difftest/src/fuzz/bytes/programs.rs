//! Programs that mean something, whose making is driven by the bytes: a change of a
//! byte changes a choice.

use super::code::{HEAD, Head, verify};
use crate::families::Random;
use crate::generate::{self, Dial, Mode};

/// Generates a program, verifies and runs it.
pub(super) fn run(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first_chunk::<HEAD>() else {
        return;
    };
    let mode = match choice[0] % 4 {
        0 | 1 => Mode::Typed(Dial::SOUND),
        2 => Mode::Typed(Dial::EDGE),
        _ => Mode::Legal,
    };
    let raw = generate::program_by(mode, &mut Random::of_bytes(rest));
    verify(raw.program, Head::new(*choice));
}
