//! Where control goes after a slot, by its opcode and offset alone.

use isa::{CallTarget, Imm64, Insn, Slot, table};

/// How a slot moves control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// To the next slot.
    Next,
    /// Over the second slot of a 64-bit immediate.
    Wide,
    /// There, so many slots after the next one.
    Jump(i32),
    /// To the next slot or there.
    Branch(i32),
    /// To the next slot, when the call returns.
    Call,
    /// Out of the function.
    Exit,
}

/// How an opcode moves control, where nothing but its fields is left to look at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Next,
    Wide,
    Jump,
    LongJump,
    Branch,
    MayGoto,
    Call,
    Exit,
}

/// By opcode, from the instruction table: every pass asks for every slot.
static KINDS: [Kind; 256] = kinds();

const fn kinds() -> [Kind; 256] {
    let mut kinds = [Kind::Next; 256];
    let mut opcode = 0;
    while opcode < kinds.len() {
        kinds[opcode] = unknown(opcode as u8);
        opcode += 1;
    }
    let mut i = table::TABLE.len();
    // From the end, so that the first row of an opcode stands.
    while i > 0 {
        i -= 1;
        let row = &table::TABLE[i];
        kinds[row.opcode as usize] = match row.insn {
            Insn::Jump { long: true, .. } => Kind::LongJump,
            Insn::Jump { long: false, .. } => Kind::Jump,
            Insn::Branch { .. } => Kind::Branch,
            Insn::MayGoto { .. } => Kind::MayGoto,
            Insn::Call { .. } | Insn::CallReg { .. } => Kind::Call,
            Insn::Exit => Kind::Exit,
            Insn::LoadImm { .. } => Kind::Wide,
            _ => Kind::Next,
        };
    }
    kinds
}

/// Linux checks the targets of jumps before it knows that there are no unknown
/// opcodes, and takes for a jump what has the class of one.
const fn unknown(opcode: u8) -> Kind {
    const CLASS: u8 = 0b0000_0111;
    const OPERATION: u8 = 0b1111_0000;
    let (mut jumps, mut call, mut exit) = (false, false, false);
    let mut i = 0;
    while i < table::TABLE.len() {
        let row = &table::TABLE[i];
        let differing = row.opcode ^ opcode;
        match row.insn {
            Insn::Jump { .. } | Insn::Branch { .. } => jumps |= differing & CLASS == 0,
            Insn::Call { .. } => call |= differing & OPERATION == 0,
            Insn::Exit => exit |= differing & OPERATION == 0,
            _ => {}
        }
        i += 1;
    }
    match (jumps, call, exit) {
        (false, ..) => Kind::Next,
        (true, true, _) => Kind::Call,
        (true, false, true) => Kind::Exit,
        (true, false, false) => Kind::Branch,
    }
}

/// How `slot` moves control, whatever its reserved fields hold.
#[inline]
pub(super) fn flow(slot: Slot) -> Flow {
    match KINDS[usize::from(slot.opcode)] {
        Kind::Next => Flow::Next,
        Kind::Wide => Flow::Wide,
        Kind::Jump => Flow::Jump(slot.offset.into()),
        Kind::LongJump => Flow::Jump(slot.imm),
        Kind::Branch | Kind::MayGoto => Flow::Branch(slot.offset.into()),
        Kind::Call => Flow::Call,
        Kind::Exit => Flow::Exit,
    }
}

/// Whether it takes two slots.
#[inline]
pub(super) fn is_wide(slot: Slot) -> bool {
    KINDS[usize::from(slot.opcode)] == Kind::Wide
}

pub(super) fn is_may_goto(slot: Slot) -> bool {
    KINDS[usize::from(slot.opcode)] == Kind::MayGoto
}

/// What the opcode does, with blank operands.
pub(super) fn shape(opcode: u8) -> Option<Insn> {
    Some(table::rows(opcode).first()?.insn)
}

/// A function that a slot names: by a call, or by the address of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A function of the program; the offset counts from the next slot.
    Called(i32),
    /// As above, by its address.
    Address(i32),
    /// A helper or kernel function.
    Outside(CallTarget),
}

/// The function that `slot` names, whatever its reserved fields hold.
#[inline]
pub(super) fn named(slot: Slot) -> Option<Named> {
    match KINDS[usize::from(slot.opcode)] {
        Kind::Call | Kind::Wide => named_by(slot),
        _ => None,
    }
}

fn named_by(slot: Slot) -> Option<Named> {
    Some(match kind(slot)? {
        Insn::Call { target } => match target {
            CallTarget::Local(_) => Named::Called(slot.imm),
            CallTarget::Helper(_) => Named::Outside(CallTarget::Helper(slot.imm)),
            CallTarget::Kfunc { .. } => Named::Outside(CallTarget::Kfunc {
                btf_id: slot.imm,
                module: slot.offset,
            }),
        },
        Insn::LoadImm {
            imm: Imm64::Function { .. },
            ..
        } => Named::Address(slot.imm),
        _ => return None,
    })
}

/// What the slot is among the instructions of its opcode, by its source field,
/// with blank operands.
pub(super) fn kind(slot: Slot) -> Option<Insn> {
    let mut rows = table::rows(slot.opcode).iter();
    let row = rows.find(|row| match row.select {
        table::Select::Any => true,
        table::Select::Src(src) => slot.src == src,
        table::Select::Off(offset) => slot.offset == offset,
        table::Select::Imm(imm) => slot.imm == imm,
    })?;
    Some(row.insn)
}

/// Where `offset`, counted from the slot after `from`, leads.
#[inline]
pub(super) fn target(from: usize, offset: i32) -> i64 {
    from as i64 + 1 + i64::from(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_opcodes_of_the_jump_classes_are_jumps() {
        let kind = |opcode: u8| KINDS[usize::from(opcode)];
        // A call and an exit of 32 bits, and operations that do not exist.
        assert!(kind(0x86) == Kind::Call && kind(0x8e) == Kind::Call);
        assert!(kind(0x96) == Kind::Exit);
        assert!(kind(0xf5) == Kind::Branch && kind(0xfe) == Kind::Branch);
        assert!(kind(0xff) == Kind::Next && kind(0) == Kind::Next);
    }
}
