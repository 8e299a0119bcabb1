//! Comparisons of packet pointers with the end of the packet.
//!
//! If `pointer <= end` holds, the bytes before the pointer are there, and if
//! `pointer < end` holds the one that it points at is as well. All pointers with
//! the same variable part learn it. Where it does not hold, only the pointer
//! itself is marked, so that the same comparison is decided later.

use isa::{CmpOp, Operand, Reg, Width};

use super::branch::Comparison;
use crate::state::{Kind, State, Value};

/// The farthest that a packet may reach.
const MAX_PACKET: u64 = 0xffff;

/// Whether a comparison with the end of the packet is decided by an earlier one.
pub(super) fn decide(op: CmpOp, a: &Value, b: &Value) -> Option<bool> {
    let (pointer, op) = if b.kind == Kind::PacketEnd {
        (a, op)
    } else if a.kind == Kind::PacketEnd {
        (b, flip(op))
    } else {
        return None;
    };
    match (pointer.kind.range(), op) {
        (Some(Kind::BEYOND_END), CmpOp::Gt) => Some(true),
        (Some(Kind::BEYOND_END), CmpOp::Le) => Some(false),
        (Some(Kind::BEYOND_END | Kind::AT_END), CmpOp::Ge) => Some(true),
        (Some(Kind::BEYOND_END | Kind::AT_END), CmpOp::Lt) => Some(false),
        _ => None,
    }
}

/// Learns from a comparison with the end of the packet, or of metadata with the
/// packet's start. Whether it was one.
pub(super) fn learn_end(compared: &Comparison, fall: &mut State, taken: &mut State) -> bool {
    let Comparison { width, a, b, .. } = compared;
    let Operand::Reg(src) = compared.src else {
        return false;
    };
    if *width == Width::W32 {
        return false;
    }
    let (pointer, reg, op) = if is_end_of(b, a) {
        (a, compared.dst, compared.op)
    } else if is_end_of(a, b) {
        (b, src, flip(compared.op))
    } else {
        return false;
    };
    // `inside`: where the pointer is not after the end.
    let (inside, outside, strict) = match op {
        CmpOp::Gt => (fall, taken, false),
        CmpOp::Ge => (fall, taken, true),
        CmpOp::Lt => (taken, fall, true),
        CmpOp::Le => (taken, fall, false),
        _ => return false,
    };
    prove_range(inside, pointer, strict);
    mark_outside(outside, reg, strict);
    true
}

/// Whether `end` ends what `pointer` points into: the packet, or the room before
/// it.
fn is_end_of(end: &Value, pointer: &Value) -> bool {
    match pointer.kind {
        Kind::Packet { .. } => end.kind == Kind::PacketEnd,
        Kind::PacketMeta { .. } => {
            matches!(end.kind, Kind::Packet { .. })
                && end.id == 0
                && end.off == 0
                && end.num.as_const() == Some(0)
        }
        _ => false,
    }
}

/// `strict`: the byte at the pointer is there as well.
fn prove_range(state: &mut State, pointer: &Value, strict: bool) {
    if pointer.off < 0 || (pointer.off == 0 && strict) {
        return;
    }
    let reach = pointer.num.umax().saturating_add(pointer.off as u64);
    if reach > MAX_PACKET {
        return;
    }
    let proved = pointer.off + i32::from(strict);
    let has_base = |value: &Value| {
        value.id == pointer.id
            && std::mem::discriminant(&value.kind) == std::mem::discriminant(&pointer.kind)
            && value.kind.range().is_some_and(|range| range < proved)
    };
    state.for_each_value(has_base, |value| {
        if let Some(range) = value.kind.range_mut() {
            *range = proved;
        }
    });
}

/// Linux marks pointers into the packet alone, not into its metadata.
fn mark_outside(state: &mut State, reg: Reg, strict: bool) {
    if let Kind::Packet { range } = &mut state.reg_mut(reg).kind {
        *range = if strict {
            Kind::AT_END
        } else {
            Kind::BEYOND_END
        };
    }
}

/// The comparison with its operands swapped.
fn flip(op: CmpOp) -> CmpOp {
    match op {
        CmpOp::Gt => CmpOp::Lt,
        CmpOp::Ge => CmpOp::Le,
        CmpOp::Lt => CmpOp::Gt,
        CmpOp::Le => CmpOp::Ge,
        CmpOp::Sgt => CmpOp::Slt,
        CmpOp::Sge => CmpOp::Sle,
        CmpOp::Slt => CmpOp::Sgt,
        CmpOp::Sle => CmpOp::Sge,
        CmpOp::Eq | CmpOp::Ne | CmpOp::Set => op,
    }
}
