//! Legal instructions with random operands, and programs of nothing else.

use abi::Program;
use isa::table::{Row, TABLE};
use isa::{AluOp, CallTarget, Imm64, Insn, Operand, Reg, Slot, Width};

use super::flavor::Flavor;
use super::pool::Pool;
use crate::families::Random;

/// Maps that programs of all types may share: those behind belong to programs of
/// one type.
const SHARED: u64 = 16;
/// Jumps go this far at most.
const FAR: u64 = 6;

/// An instruction of any row of the table. Mostly it reads none but these registers.
pub(super) fn insn(readable: &[Reg], random: &mut Random) -> Vec<Slot> {
    loop {
        let row: &Row = &TABLE[random.below(TABLE.len() as u64) as usize];
        if let Some(slots) = of(row, readable, random) {
            return slots;
        }
    }
}

/// An instruction of this row; `None` for those that are hardly ever any good.
fn of(row: &Row, readable: &[Reg], random: &mut Random) -> Option<Vec<Slot>> {
    let (mut slot, mut tail) = isa::encode(row.insn)?;
    let mut reg = || match readable.is_empty() || random.percent(5) {
        true => random.below(11) as u8,
        false => random.pick(readable) as u8,
    };
    let (dst, src) = (reg(), reg());
    match row.insn {
        Insn::Alu {
            op, width, src: s, ..
        } => {
            slot.dst = dst.min(9);
            match s {
                Operand::Reg(_) => slot.src = src,
                Operand::Imm(_) => slot.imm = immediate(op, width, random),
            }
        }
        Insn::Neg { .. } | Insn::Endian { .. } => slot.dst = dst.min(9),
        Insn::Movsx { .. } => (slot.dst, slot.src) = (dst.min(9), src),
        Insn::LoadImm { imm, .. } => {
            slot.dst = dst.min(9);
            let tail = tail.as_mut()?;
            match imm {
                Imm64::Value { .. } => {
                    let value = random.edge();
                    (slot.imm, tail.imm) = (value as i32, (value >> 32) as i32);
                }
                Imm64::MapIndex { .. } => slot.imm = random.below(SHARED) as i32,
                Imm64::MapIndexValue { .. } => {
                    slot.imm = random.pick(&[0, 0, 9, 1]);
                    tail.imm = random.below(72) as i32;
                }
                _ => return None,
            }
        }
        Insn::Load { size, .. } | Insn::LoadAcquire { size, .. } => {
            (slot.dst, slot.src) = (dst.min(9), src);
            slot.offset = offset(slot.src, size.bytes(), random);
        }
        Insn::Store { size, src: s, .. } => {
            slot.dst = dst;
            slot.offset = offset(dst, size.bytes(), random);
            match s {
                Operand::Reg(_) => slot.src = src,
                Operand::Imm(_) => slot.imm = random.edge() as i32,
            }
        }
        Insn::StoreRelease { size, .. } => {
            (slot.dst, slot.src) = (dst, src);
            slot.offset = offset(dst, size.bytes(), random);
        }
        Insn::Atomic { width, .. } => {
            (slot.dst, slot.src) = (dst, src.min(9));
            slot.offset = offset(dst, width.bytes(), random);
        }
        Insn::LoadPacket { .. } => {
            slot.imm = random.below(64) as i32;
            slot.src = match row.text.contains('S') {
                true => src,
                false => 0,
            };
        }
        Insn::Branch { src: s, .. } => {
            slot.dst = dst;
            match s {
                Operand::Reg(_) => slot.src = src,
                Operand::Imm(_) => slot.imm = random.edge() as i32,
            }
            slot.offset = random.below(FAR) as i16;
        }
        Insn::Jump { long: false, .. } | Insn::MayGoto { .. } => {
            slot.offset = random.below(FAR) as i16;
        }
        Insn::Jump { long: true, .. } => slot.imm = random.below(FAR) as i32,
        Insn::Call {
            target: CallTarget::Helper(_),
        } => slot.imm = random.pick(&[1, 2, 3, 5, 6, 7, 8, 14, 15, 25, 112, 125, 181, 208]),
        Insn::Exit => {}
        _ => return None,
    }
    Some([Some(slot), tail].into_iter().flatten().collect())
}

fn immediate(op: AluOp, width: Width, random: &mut Random) -> i32 {
    let bits = width.bits().into();
    match op {
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => random.below(bits) as i32,
        _ => random.edge() as i32,
    }
}

/// An offset that is good with the frame pointer, or one near 0.
fn offset(base: u8, bytes: u32, random: &mut Random) -> i16 {
    let bytes = bytes as i16;
    match base {
        10 => -bytes * (1 + random.below(4) as i16),
        _ => bytes * random.below(4) as i16,
    }
}

/// A program of random instructions, with something in every register first.
pub(super) fn program(random: &mut Random) -> Program {
    let pool = Pool::get();
    let flavors = Flavor::all();
    let flavor = &flavors[random.below(flavors.len() as u64) as usize];
    let mut code = Vec::new();
    for reg in Reg::ALL.iter().take(10).filter(|reg| **reg != Reg::R1) {
        let insn = Insn::Alu {
            op: AluOp::Mov,
            width: Width::W64,
            dst: *reg,
            src: Operand::Imm(random.below(64) as i32),
        };
        code.extend(isa::encode(insn).map(|(slot, _)| slot));
    }
    for _ in 0..1 + random.below(24) {
        code.extend(insn(&[], random));
    }
    // As many ends as a jump goes far.
    for _ in 0..FAR {
        let zero = Insn::Alu {
            op: AluOp::Mov,
            width: Width::W64,
            dst: Reg::R0,
            src: Operand::Imm(0),
        };
        code.extend(isa::encode(zero).map(|(slot, _)| slot));
    }
    code.extend(isa::encode(Insn::Exit).map(|(slot, _)| slot));
    Program {
        name: "entry".to_owned(),
        section: flavor.prog_type.name().to_owned(),
        attach_type: flavor.attach_type,
        maps: pool.maps.clone(),
        btf: Some(pool.btf.clone()),
        ..Program::bare(flavor.prog_type, code)
    }
}
