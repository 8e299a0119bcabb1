//! Programs that are given, changed a little: in meaning or in bytes.

use abi::Program;
use isa::{AluOp, CmpOp, Insn, Operand, Reg, Size, Slot, Width};

use super::typed::OPERATIONS;
use super::{edit, legal};
use crate::families::Random;

/// The program with one to three changes.
pub(super) fn mutated(program: &Program, random: &mut Random) -> Program {
    let mut program = program.clone();
    for _ in 0..1 + random.below(3) {
        let changed = match random.percent(90) {
            true => meaning(&program, random),
            false => bytes(&program, random),
        };
        if let Some(changed) = changed {
            program = changed;
        }
    }
    program
}

/// Some bits of a slot flipped, or a slot's bytes exchanged.
fn bytes(program: &Program, random: &mut Random) -> Option<Program> {
    let mut program = program.clone();
    let len = program.code.len() as u64;
    if len == 0 {
        return None;
    }
    let at = random.below(len) as usize;
    let mut slot = program.code[at].to_bytes();
    let byte = random.below(8) as usize;
    slot[byte] = match random.below(3) {
        0 => slot[byte] ^ 1 << random.below(8),
        1 => random.number() as u8,
        _ => slot[random.below(8) as usize],
    };
    program.code[at] = Slot::from_bytes(slot);
    Some(program)
}

fn meaning(program: &Program, random: &mut Random) -> Option<Program> {
    let places = edit::instructions(program);
    if places.is_empty() {
        return None;
    }
    let (at, len) = random.pick(&places);
    match random.below(10) {
        0 => edit::remove(program, at, at + len),
        1 => edit::insert(program, at, &legal::insn(&[], random)),
        2 => {
            // The same once more, or somewhere else.
            let (from, len) = random.pick(&places);
            let slots = program.code.get(from..from + len)?.to_vec();
            edit::insert(program, at, &slots)
        }
        _ => {
            let mut program = program.clone();
            let insn = isa::decode(program.code[at], program.code.get(at + 1).copied());
            let changed = other(insn, random)?;
            let (head, tail) = isa::encode(changed)?;
            if tail.is_some() != (len == 2) {
                return None;
            }
            program.code[at] = head;
            if let Some(tail) = tail {
                program.code[at + 1] = tail;
            }
            Some(program)
        }
    }
}

/// The instruction with one thing about it changed.
fn other(insn: Insn, random: &mut Random) -> Option<Insn> {
    let what = random.below(4);
    Some(match insn {
        Insn::Alu {
            op,
            width,
            dst,
            src,
        } => match what {
            0 => Insn::Alu {
                op: random.pick(&OPERATIONS),
                width,
                dst,
                src,
            },
            1 => Insn::Alu {
                op,
                width: flipped(width),
                dst,
                src,
            },
            2 => Insn::Alu {
                op,
                width,
                dst,
                src: operand(src, random),
            },
            _ => Insn::Alu {
                op: if op == AluOp::Mov { AluOp::Add } else { op },
                width,
                dst: register(dst, random),
                src,
            },
        },
        Insn::Branch {
            op,
            width,
            dst,
            src,
            offset,
        } => match what {
            0 => Insn::Branch {
                op: random.pick(&CmpOp::ALL),
                width,
                dst,
                src,
                offset,
            },
            1 => Insn::Branch {
                op,
                width: flipped(width),
                dst,
                src,
                offset,
            },
            2 => Insn::Branch {
                op,
                width,
                dst,
                src: operand(src, random),
                offset,
            },
            // The check is gone, or always made.
            _ => match random.percent(50) {
                true => Insn::Branch {
                    op,
                    width,
                    dst,
                    src,
                    offset: 0,
                },
                false => Insn::Jump {
                    offset: offset.into(),
                    long: false,
                },
            },
        },
        Insn::Load {
            size,
            signed,
            dst,
            base,
            offset,
        } => match what {
            0 => Insn::Load {
                size: sized(random),
                signed: false,
                dst,
                base,
                offset,
            },
            1 => Insn::Load {
                size,
                signed,
                dst,
                base,
                offset: near(offset, random),
            },
            2 => Insn::Load {
                size,
                signed,
                dst: register(dst, random),
                base,
                offset,
            },
            _ => Insn::Load {
                size,
                signed: size != Size::B8,
                dst,
                base: register(base, random),
                offset,
            },
        },
        Insn::Store {
            size,
            base,
            offset,
            src,
        } => match what {
            0 => Insn::Store {
                size: sized(random),
                base,
                offset,
                src,
            },
            1 => Insn::Store {
                size,
                base,
                offset: near(offset, random),
                src,
            },
            _ => Insn::Store {
                size,
                base,
                offset,
                src: operand(src, random),
            },
        },
        Insn::Atomic {
            op,
            width,
            base,
            offset,
            src,
        } => Insn::Atomic {
            op,
            width: flipped(width),
            base,
            offset: near(offset, random),
            src,
        },
        Insn::Movsx {
            width, dst, src, ..
        } => Insn::Movsx {
            width,
            bits: random.pick(&[8, 16]),
            dst,
            src: register(src, random),
        },
        Insn::Jump {
            offset,
            long: false,
        } => Insn::Jump {
            offset: (offset + random.below(5) as i32 - 2).clamp(i16::MIN.into(), i16::MAX.into()),
            long: false,
        },
        _ => return None,
    })
}

fn flipped(width: Width) -> Width {
    match width {
        Width::W32 => Width::W64,
        Width::W64 => Width::W32,
    }
}

fn register(reg: Reg, random: &mut Random) -> Reg {
    match random.percent(20) {
        true => random.pick(&Reg::ALL),
        false => Reg::new((reg as u8 + 1 + random.below(3) as u8) % 11).unwrap_or(reg),
    }
}

fn operand(src: Operand, random: &mut Random) -> Operand {
    match src {
        Operand::Reg(reg) => Operand::Reg(register(reg, random)),
        Operand::Imm(imm) => Operand::Imm(match random.below(5) {
            0 => imm.wrapping_add(1),
            1 => imm.wrapping_sub(1),
            2 => imm.wrapping_neg(),
            3 => imm.wrapping_mul(2),
            _ => random.edge() as i32,
        }),
    }
}

fn near(offset: i16, random: &mut Random) -> i16 {
    let by = random.pick(&[-8, -4, -1, 1, 2, 4, 8, 64]);
    offset.wrapping_add(by)
}

fn sized(random: &mut Random) -> Size {
    random.pick(&[Size::B1, Size::B2, Size::B4, Size::B8])
}
