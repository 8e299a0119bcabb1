//! What the tests share: map definitions, programs as text.
#![allow(dead_code, reason = "not every test uses all of it")]

use abi::{MapDef, MapFlags, MapType, ProgType, Program};
use isa::asm::assemble;

/// The kernel, or the end of a test that cannot ask.
#[macro_export]
macro_rules! kernel_or_return {
    () => {
        match kernel::testing::kernel_or_skip() {
            Some(kernel) => kernel,
            None => return,
        }
    };
}

/// A definition without types, inner map and contents.
pub(crate) fn def(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapDef {
    MapDef {
        name: map_type.name().into(),
        flags: MapFlags(match map_type {
            MapType::LpmTrie => MapFlags::NO_PREALLOC.0,
            _ => 0,
        }),
        ..MapDef::bare(map_type, key_size, value_size, max_entries)
    }
}

/// A program in Linux's text; `maps` are those that it names by index.
pub(crate) fn program(prog_type: ProgType, text: &str, maps: &[MapDef]) -> Program {
    let code = assemble(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    Program {
        name: "test".into(),
        maps: maps.to_vec().into(),
        ..Program::bare(prog_type, code.slots().to_vec())
    }
}
