//! Slots to instructions and back.
//!
//! [`decode`] never fails: what has no meaning becomes [`Insn::Invalid`].
//! [`encode`] is its exact inverse on everything else. Which fields are reserved
//! follows from that when the table is made: those that no operand of the
//! instruction is encoded in.
//!
//! One field is neither operand nor reserved: Linux ignores the offset of
//! `exit`. [`decode`] does so too, and [`encode`] puts 0 there.

use crate::fields::{self, Fields};
use crate::table::{self, Row, Select, TABLE};
use crate::{Insn, Invalid, Reg, Slot};
use inject::Bug;

/// The meaning of `slot`; `next` is the slot after it, which holds the upper
/// half of a 64-bit immediate load.
pub fn decode(slot: Slot, next: Option<Slot>) -> Insn {
    meaning(slot, next).unwrap_or_else(Insn::Invalid)
}

fn meaning(slot: Slot, next: Option<Slot>) -> Result<Insn, Invalid> {
    let slot = match slot.offset < 0 && inject::on(Bug::Cve2025_40169) {
        true => without_offset_of_alu(slot),
        false => slot,
    };
    let rows = table::rows(slot.opcode);
    let Some(row) = rows.iter().find(|row| row.selects(slot)) else {
        return Err(match rows.first() {
            Some(first) => unselected(first.insn, slot),
            None => unknown(slot),
        });
    };
    let tail = match row.insn {
        Insn::LoadImm { .. } => wide_tail(next)?,
        _ => 0,
    };
    // Register numbers are looked at last (except the first of a comparison),
    // as Linux does: until then any number stands for an existing one.
    if matches!(row.insn, Insn::Branch { .. }) {
        exists(slot.dst)?;
    }
    if tail != 0 && !row.tail {
        return Err(Invalid::Pseudo);
    }
    if slot.operand_bits() & row.reserved != row.fixed & row.reserved {
        return Err(reserved(row.insn, slot));
    }
    exists(slot.src)?;
    exists(slot.dst)?;
    Ok(fields::fill(row.insn, operand_fields(slot, tail)))
}

/// Arithmetic with its offset taken for none, for a bug that is brought back.
fn without_offset_of_alu(slot: Slot) -> Slot {
    const CLASS: u8 = 0b0000_0111;
    let is_alu = matches!(slot.opcode & CLASS, 4 | 7);
    Slot {
        offset: if is_alu { 0 } else { slot.offset },
        ..slot
    }
}

fn exists(register: u8) -> Result<(), Invalid> {
    if register <= Reg::FP as u8 {
        Ok(())
    } else {
        Err(Invalid::Register(register))
    }
}

/// What is wrong with an opcode that no row has. Linux knows loads by their
/// class: it takes an unknown mode of one for a reserved field, and looks at the
/// immediate before the size.
fn unknown(slot: Slot) -> Invalid {
    const CLASS: u8 = 0b0000_0111;
    const MODE: u8 = 0b1110_0000;
    let loads = || {
        TABLE
            .iter()
            .filter(|row| matches!(row.insn, Insn::Load { .. }))
    };
    let Slot { opcode, imm, .. } = slot;
    let is_load = loads().any(|row| row.opcode & CLASS == opcode & CLASS);
    let known_mode = loads().any(|row| row.opcode & MODE == opcode & MODE);
    if is_load && (!known_mode || imm != 0) {
        Invalid::Reserved { opcode }
    } else {
        Invalid::Opcode(opcode)
    }
}

/// What is wrong when a slot is of none of its opcode's rows; `insn` is the
/// first of them.
fn unselected(insn: Insn, slot: Slot) -> Invalid {
    match insn {
        Insn::LoadImm { .. } => Invalid::Pseudo,
        Insn::Atomic { .. } => Invalid::Atomic(slot.imm),
        Insn::LoadAcquire { .. } if is_atomic(slot.imm) => Invalid::AtomicSize,
        Insn::LoadAcquire { .. } => Invalid::Atomic(slot.imm),
        _ => reserved(insn, slot),
    }
}

/// Whether this immediate selects a read-modify-write in some opcode.
fn is_atomic(imm: i32) -> bool {
    let mut atomics = TABLE
        .iter()
        .filter(|row| matches!(row.insn, Insn::Atomic { .. }));
    atomics.any(|row| row.select == Select::Imm(imm))
}

fn reserved(insn: Insn, slot: Slot) -> Invalid {
    let Slot { opcode, imm, .. } = slot;
    match insn {
        Insn::MayGoto { .. } => Invalid::MayGoto(imm),
        Insn::CallReg { .. } => Invalid::Opcode(opcode),
        _ => Invalid::Reserved { opcode },
    }
}

/// The upper half of a 64-bit immediate, if `next` is a slot that can hold it.
fn wide_tail(next: Option<Slot>) -> Result<i32, Invalid> {
    let next = next.ok_or(Invalid::Wide)?;
    let blank = Slot {
        imm: next.imm,
        ..Slot::default()
    };
    if next == blank {
        Ok(next.imm)
    } else {
        Err(Invalid::Wide)
    }
}

fn operand_fields(slot: Slot, tail: i32) -> Fields {
    Fields {
        dst: slot.dst,
        src: slot.src,
        offset: slot.offset,
        imm: slot.imm,
        tail,
    }
}

/// The slot of `insn`, and the second one of a 64-bit immediate load.
///
/// `None` for values that no slot has: [`Insn::Invalid`], [`Insn::WideTail`]
/// (it comes with its load), a byte swap of 24 bits, a short jump of 40,000
/// slots.
pub fn encode(insn: Insn) -> Option<(Slot, Option<Slot>)> {
    table::row_of(insn)?.encode(insn)
}

impl Row {
    fn selects(&self, slot: Slot) -> bool {
        match self.select {
            Select::Any => true,
            Select::Src(src) => slot.src == src,
            Select::Off(offset) => slot.offset == offset,
            Select::Imm(imm) => slot.imm == imm,
        }
    }

    fn encode(&self, insn: Insn) -> Option<(Slot, Option<Slot>)> {
        let fields = fields::operands(insn)?;
        let mut slot = Slot {
            opcode: self.opcode,
            dst: fields.dst,
            src: fields.src,
            offset: fields.offset,
            imm: fields.imm,
        };
        match self.select {
            Select::Any => {}
            Select::Src(src) => slot.src = src,
            Select::Off(offset) => slot.offset = offset,
            Select::Imm(imm) => slot.imm = imm,
        }
        let second = matches!(insn, Insn::LoadImm { .. }).then_some(Slot {
            imm: fields.tail,
            ..Slot::default()
        });
        Some((slot, second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(opcode: u8, dst: u8, src: u8, offset: i16, imm: i32) -> Slot {
        Slot {
            opcode,
            dst,
            src,
            offset,
            imm,
        }
    }

    #[test]
    fn every_row_decodes_to_itself() {
        for row in TABLE {
            let (head, second) = encode(row.insn).expect("rows encode");
            assert_eq!(head.opcode, row.opcode);
            assert_eq!(decode(head, second), row.insn, "{row:?}");
        }
    }

    #[test]
    fn faults_are_named() {
        let blank = Some(Slot::default());
        let reserved = |opcode| Insn::Invalid(Invalid::Reserved { opcode });
        let cases = [
            (slot(0xff, 0, 0, 0, 0), Insn::Invalid(Invalid::Opcode(0xff))),
            (slot(0x07, 0, 1, 0, 0), reserved(0x07)),
            (slot(0x0f, 0, 1, 0, 1), reserved(0x0f)),
            (slot(0x0f, 0, 1, 8, 0), reserved(0x0f)),
            (slot(0xbf, 0, 1, 24, 0), reserved(0xbf)),
            (slot(0x95, 12, 0, 0, 0), reserved(0x95)),
            (slot(0x95, 0, 0, 1, 0), Insn::Exit),
            (slot(0xf9, 0, 1, 0, 0), reserved(0xf9)),
            (slot(0x99, 0, 1, 0, 0), Insn::Invalid(Invalid::Opcode(0x99))),
            (
                slot(0x99, 0, 1, 0, 1),
                Insn::Invalid(Invalid::Reserved { opcode: 0x99 }),
            ),
            (slot(0x8d, 1, 1, 0, 0), Insn::Invalid(Invalid::Opcode(0x8d))),
            (slot(0x85, 0, 3, 0, 0), reserved(0x85)),
            (slot(0xe5, 0, 1, 0, 3), Insn::Invalid(Invalid::MayGoto(3))),
            (
                slot(0xdb, 1, 2, 0, 0x42),
                Insn::Invalid(Invalid::Atomic(0x42)),
            ),
            (
                slot(0xcb, 1, 2, 0, 0xe1),
                Insn::Invalid(Invalid::AtomicSize),
            ),
            (slot(0x18, 1, 7, 0, 0), Insn::Invalid(Invalid::Pseudo)),
            (slot(0xd4, 1, 0, 0, 24), reserved(0xd4)),
            (
                slot(0x0f, 11, 12, 0, 0),
                Insn::Invalid(Invalid::Register(12)),
            ),
            (
                slot(0x0f, 11, 1, 0, 0),
                Insn::Invalid(Invalid::Register(11)),
            ),
        ];
        for (slot, expected) in cases {
            assert_eq!(decode(slot, blank), expected, "{slot:?}");
        }
    }

    #[test]
    fn wide_loads_need_a_blank_second_slot() {
        let head = slot(0x18, 1, 0, 0, 5);
        let wide = Insn::Invalid(Invalid::Wide);
        assert_eq!(decode(head, None), wide);
        assert_eq!(decode(head, Some(slot(0x95, 0, 0, 0, 0))), wide);
        assert_eq!(decode(head, Some(slot(0, 0, 0, 1, 0))), wide);
        // A map reference has no use for the upper half.
        assert_eq!(
            decode(slot(0x18, 1, 1, 0, 5), Some(slot(0, 0, 0, 0, 1))),
            Insn::Invalid(Invalid::Pseudo)
        );
    }

    #[test]
    fn values_that_no_slot_has_do_not_encode() {
        let far = Insn::Jump {
            offset: 40_000,
            long: false,
        };
        let odd = Insn::Endian {
            op: crate::EndianOp::Be,
            bits: 24,
            dst: Reg::R0,
        };
        for insn in [far, odd, Insn::WideTail, Insn::Invalid(Invalid::Wide)] {
            assert_eq!(encode(insn), None, "{insn:?}");
        }
    }
}
