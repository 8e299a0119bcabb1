//! The conformance vectors of the instruction set, and what they are given.

use std::fs;
use std::path::Path;

use isa::vectors::{self, Vector};
use vm::packet::Input;
use vm::{Addr, Machine, RegionKind, Rights};

/// All of them, with the names of their files.
pub(crate) fn all_vectors() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/insn");
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "data") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text");
        let vectors = vectors::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file = path.file_name().unwrap_or_default().display();
        all.extend(vectors.into_iter().map(|vector| (file.to_string(), vector)));
    }
    all
}

/// `r1` to `r5`, and where the vector's memory lies.
pub(crate) fn arguments(machine: &mut Machine, vector: &Vector) -> ([u64; 5], Addr) {
    if let Some(packet) = &vector.packet {
        let input = Input {
            data: packet,
            ..Input::default()
        };
        let ctx = machine.receive(&input).expect("a packet");
        return ([ctx.to_reg(), 0, 0, 0, 0], Addr::NULL);
    }
    let len = vector.memory.len() as u32;
    let region = machine
        .space
        .add(len, Rights::ReadWrite, RegionKind::Platform)
        .expect("room");
    let start = machine.space.region(region).start;
    let memory = machine.space.bytes_mut(start, len);
    memory.copy_from_slice(&vector.memory);
    ([start.to_reg(), len.into(), 0, 0, 0], start)
}
