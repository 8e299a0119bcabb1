//! A program with no more maps than it names.

use abi::Program;
use isa::{Imm64, Insn};

/// Leaves out the maps that the program does not name: some are not simulated,
/// each takes time to make, and all are in a reader's way.
pub fn trim(program: &mut Program) {
    let mut used: Vec<usize> = Vec::new();
    for at in 0..program.code.len() {
        let tail = program.code.get(at + 1).copied();
        if let Insn::LoadImm {
            imm: Imm64::MapIndex { index } | Imm64::MapIndexValue { index, .. },
            ..
        } = isa::decode(program.code[at], tail)
        {
            let index = index as usize;
            let known = used.iter().position(|known| *known == index);
            let place = known.unwrap_or_else(|| {
                used.push(index);
                used.len() - 1
            });
            program.code[at].imm = place as i32;
        }
    }
    let maps = used.iter().filter_map(|index| program.maps.get(*index));
    program.maps = maps.cloned().collect();
}
