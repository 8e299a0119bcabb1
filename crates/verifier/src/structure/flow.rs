//! Where control goes after a slot, by its opcode and offset alone.

use isa::{CallTarget, Imm64, Insn, Pc, Slot, table};

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
#[derive(Clone, Copy)]
enum Kind {
    Next,
    Wide,
    Jump,
    LongJump,
    Branch,
    Call,
    Exit,
    Unknown,
}

/// By opcode, from the instruction table: every pass asks for every slot.
static KINDS: [Kind; 256] = kinds();

const fn kinds() -> [Kind; 256] {
    let mut kinds = [Kind::Unknown; 256];
    let mut i = table::TABLE.len();
    // From the end, so that the first row of an opcode stands.
    while i > 0 {
        i -= 1;
        let row = &table::TABLE[i];
        kinds[row.opcode as usize] = match row.insn {
            Insn::Jump { long: true, .. } => Kind::LongJump,
            Insn::Jump { long: false, .. } => Kind::Jump,
            Insn::Branch { .. } | Insn::MayGoto { .. } => Kind::Branch,
            Insn::Call { .. } | Insn::CallReg { .. } => Kind::Call,
            Insn::Exit => Kind::Exit,
            Insn::LoadImm { .. } => Kind::Wide,
            _ => Kind::Next,
        };
    }
    kinds
}

/// How `slot` moves control, whatever its reserved fields hold.
#[inline]
pub(super) fn flow(slot: Slot) -> Flow {
    match KINDS[usize::from(slot.opcode)] {
        Kind::Next => Flow::Next,
        Kind::Wide => Flow::Wide,
        Kind::Jump => Flow::Jump(slot.offset.into()),
        Kind::LongJump => Flow::Jump(slot.imm),
        Kind::Branch => Flow::Branch(slot.offset.into()),
        Kind::Call => Flow::Call,
        Kind::Exit => Flow::Exit,
        Kind::Unknown => unknown(slot),
    }
}

/// What the opcode does, with blank operands.
pub(super) fn shape(opcode: u8) -> Option<Insn> {
    Some(table::rows(opcode).first()?.insn)
}

/// Linux checks the targets of jumps before it knows that there are no unknown
/// opcodes, and takes for a jump what has the class of one.
fn unknown(slot: Slot) -> Flow {
    const CLASS: u8 = 0b0000_0111;
    const OPERATION: u8 = 0b1111_0000;
    let like = |known: u8| slot.opcode & OPERATION == known & OPERATION;
    let jumps = table::TABLE.iter().find(|row| {
        let jump = matches!(row.insn, Insn::Jump { .. } | Insn::Branch { .. });
        jump && row.opcode & CLASS == slot.opcode & CLASS
    });
    let of = |wanted: fn(Insn) -> bool| {
        let row = table::TABLE.iter().find(|row| wanted(row.insn));
        row.is_some_and(|row| like(row.opcode))
    };
    if jumps.is_none() {
        Flow::Next
    } else if of(|insn| matches!(insn, Insn::Call { .. })) {
        Flow::Call
    } else if of(|insn| matches!(insn, Insn::Exit)) {
        Flow::Exit
    } else {
        Flow::Branch(slot.offset.into())
    }
}

/// The function of the program that the slot at `pc` names: by a call, or by
/// the address of a callback.
pub(super) fn function_named(slot: Slot) -> Option<Named> {
    if !matches!(
        shape(slot.opcode)?,
        Insn::Call { .. } | Insn::LoadImm { .. }
    ) {
        return None;
    }
    match kind(slot)? {
        Insn::Call {
            target: CallTarget::Local(_),
        } => Some(Named::Called(slot.imm)),
        Insn::LoadImm {
            imm: Imm64::Function { .. },
            ..
        } => Some(Named::Address(slot.imm)),
        _ => None,
    }
}

/// How a slot names a function; the offset counts from the next slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Called(i32),
    Address(i32),
}

impl Named {
    pub(super) fn offset(self) -> i32 {
        match self {
            Named::Called(offset) | Named::Address(offset) => offset,
        }
    }
}

/// What a call goes to, whatever its reserved fields hold.
pub(super) fn call_target(slot: Slot) -> Option<CallTarget> {
    if !matches!(shape(slot.opcode)?, Insn::Call { .. }) {
        return None;
    }
    match kind(slot)? {
        Insn::Call { target } => Some(match target {
            CallTarget::Helper(_) => CallTarget::Helper(slot.imm),
            CallTarget::Local(_) => CallTarget::Local(slot.imm),
            CallTarget::Kfunc { .. } => CallTarget::Kfunc {
                btf_id: slot.imm,
                module: slot.offset,
            },
        }),
        _ => None,
    }
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
pub(super) fn target(from: usize, offset: i32) -> i64 {
    from as i64 + 1 + i64::from(offset)
}

/// At most two instructions: the next one, then the target of a jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Successors {
    next: Option<Pc>,
    jump: Option<Pc>,
}

impl IntoIterator for Successors {
    type Item = Pc;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<Pc>, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        [self.next, self.jump].into_iter().flatten()
    }
}

/// Where control may go after `pc` inside its function.
#[inline]
pub(super) fn successors(slots: &[Slot], pc: Pc) -> Successors {
    let Some(slot) = slots.get(pc.index()) else {
        return Successors::default();
    };
    let inside = |to: i64| {
        let to = u32::try_from(to).ok()?;
        ((to as usize) < slots.len()).then_some(Pc(to))
    };
    let after = |slots: u32| inside(i64::from(pc.0) + i64::from(slots));
    let there = |offset| inside(target(pc.index(), offset));
    let (next, jump) = match flow(*slot) {
        Flow::Next | Flow::Call => (after(1), None),
        Flow::Wide => (after(2), None),
        Flow::Jump(offset) => (None, there(offset)),
        Flow::Branch(offset) => (after(1), there(offset)),
        Flow::Exit => (None, None),
    };
    Successors { next, jump }
}
