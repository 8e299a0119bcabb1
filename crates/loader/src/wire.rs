//! What the loader must know of an instruction: whether it refers to something,
//! and how the reference is written.

use isa::{CallTarget, Imm64, Insn, Slot};

/// What may refer to a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Referrer {
    /// A call, with what it calls before relocation.
    Call(CallTarget),
    /// A 64-bit immediate load, with what it loads before relocation.
    Wide(Imm64),
}

impl Referrer {
    /// The instruction in `slot`, if it can refer to a symbol; `next` is the
    /// slot after it.
    pub(crate) fn of(slot: Slot, next: Option<Slot>) -> Option<Referrer> {
        match isa::decode(slot, next) {
            Insn::Call { target } => Some(Referrer::Call(target)),
            Insn::LoadImm { imm, .. } => Some(Referrer::Wide(imm)),
            _ => None,
        }
    }

    /// Whether it calls a function of the program, or takes its address,
    /// relative to its own position: by how much.
    pub(crate) fn local(self) -> Option<i32> {
        match self {
            Referrer::Call(CallTarget::Local(offset))
            | Referrer::Wide(Imm64::Function { offset }) => Some(offset),
            _ => None,
        }
    }
}

/// Makes the call in `slot` call `target`.
pub(crate) fn set_call(slot: &mut Slot, target: CallTarget) {
    put(std::slice::from_mut(slot), Insn::Call { target });
}

/// Makes the 64-bit load at the start of `slots` load `imm`.
pub(crate) fn set_wide(slots: &mut [Slot], imm: Imm64) {
    let tail = slots.get(1).copied();
    if let Some(Insn::LoadImm { dst, .. }) = slots.first().map(|s| isa::decode(*s, tail)) {
        put(slots, Insn::LoadImm { dst, imm });
    }
}

/// Replaces the instruction at the start of `slots` by calls of a helper that
/// does not exist: both slots of a 64-bit load, so that nobody stumbles over
/// its second half.
pub(crate) fn poison(slots: &mut [Slot], number: i32) {
    let tail = slots.get(1).copied();
    let wide = slots
        .first()
        .is_some_and(|s| matches!(isa::decode(*s, tail), Insn::LoadImm { .. }));
    let call = Insn::Call {
        target: CallTarget::Helper(number),
    };
    for slot in slots.iter_mut().take(if wide { 2 } else { 1 }) {
        put(std::slice::from_mut(slot), call);
    }
}

/// Writes `insn` to the start of `slots`, where an instruction of its length
/// stands.
pub(crate) fn put(slots: &mut [Slot], insn: Insn) {
    let Some((head, second)) = isa::encode(insn) else {
        return;
    };
    for (place, slot) in slots.iter_mut().zip([Some(head), second]) {
        if let Some(slot) = slot {
            *place = slot;
        }
    }
}
