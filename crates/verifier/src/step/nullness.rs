//! Pointers that may be NULL, and tests of them.

use abi::{MapType, Program};
use isa::{CmpOp, Operand, Width};

use super::branch::Comparison;
use crate::fields::{FieldKind, MapFields};
use crate::state::{Flags, Kind, ReferenceKind, State, Value};

/// Whether a comparison of a pointer with a number is decided: one with zero, of
/// a pointer of which Linux knows that it is not NULL.
pub(super) fn decide(op: CmpOp, width: Width, pointer: &Value, number: &Value) -> Option<bool> {
    let is_zero = match width {
        Width::W64 => number.num.as_const() == Some(0),
        Width::W32 => number.num.is_const32() && number.num.tnum().value as u32 == 0,
    };
    if !is_zero || !is_never_null(pointer) {
        return None;
    }
    match op {
        CmpOp::Eq => Some(false),
        CmpOp::Ne => Some(true),
        _ => None,
    }
}

/// Whether Linux knows that a pointer is not NULL. It does not of all: context,
/// packet and stack pointers are never NULL either.
fn is_never_null(pointer: &Value) -> bool {
    let flags = pointer.flags;
    !pointer.may_be_null()
        && match pointer.kind {
            Kind::MapPtr(_)
            | Kind::MapValue(_)
            | Kind::MapKey(_)
            | Kind::Socket
            | Kind::SockCommon
            | Kind::TcpSock => true,
            Kind::Btf { .. } => pointer.ref_id != 0 || flags.contains(Flags::TRUSTED),
            Kind::Mem { .. } => !flags.contains(Flags::UNTRUSTED),
            _ => false,
        }
}

/// A pointer that equals one that is not NULL is not NULL.
pub(super) fn learn_from_equal(
    compared: &Comparison,
    fall: &mut State,
    taken: &mut State,
    make_not_null: &impl Fn(&mut Value),
) {
    let Comparison {
        op, width, a, b, ..
    } = compared;
    let Operand::Reg(src) = compared.src else {
        return;
    };
    let of_kernel = |value: &Value| matches!(value.kind, Kind::Btf { .. });
    let are_pointers = a.is_pointer() && b.is_pointer();
    if *width == Width::W32
        || !are_pointers
        || a.may_be_null() == b.may_be_null()
        || of_kernel(a)
        || of_kernel(b)
    {
        return;
    }
    let equal = match op {
        CmpOp::Eq => taken,
        CmpOp::Ne => fall,
        _ => return,
    };
    let reg = if b.may_be_null() { src } else { compared.dst };
    make_not_null(equal.reg_mut(reg));
}

/// A test against zero tells of all copies of a pointer whether they are NULL.
/// Whether it was one.
pub(super) fn learn_from_null_test(
    compared: &Comparison,
    fall: &mut State,
    taken: &mut State,
    make_not_null: &impl Fn(&mut Value),
    may_hold_lock: &impl Fn(&Value) -> bool,
) -> bool {
    let Comparison {
        op, width, a, b, ..
    } = compared;
    let is_test = *width == Width::W64
        && a.is_pointer()
        && a.may_be_null()
        && b.as_const() == Some(0)
        && matches!(op, CmpOp::Eq | CmpOp::Ne);
    if is_test {
        let (null, not_null) = match op {
            CmpOp::Eq => (taken, fall),
            _ => (fall, taken),
        };
        make_copies_null(null, a);
        let is_copy = |value: &Value| value.may_be_null() && value.id == a.id;
        not_null.for_each_value(is_copy, |value| {
            make_not_null(value);
            if !may_hold_lock(value) {
                // It told which copies become known together.
                value.id = 0;
            }
        });
    }
    is_test
}

fn make_copies_null(state: &mut State, pointer: &Value) {
    if pointer.ref_id != 0 && pointer.ref_id == pointer.id {
        let id = pointer.ref_id;
        state
            .refs
            .list
            .retain(|held| held.kind != ReferenceKind::Pointer || held.id != id);
    }
    let is_copy = |value: &Value| value.may_be_null() && value.id == pointer.id;
    state.for_each_value(is_copy, |value| *value = Value::constant(0));
}

/// What a pointer that may be NULL becomes once it is known not to be.
pub(super) fn make_not_null(value: &mut Value, program: &Program, fields: &MapFields) {
    value.flags = value.flags.without(Flags::OR_NULL);
    let Kind::MapValue(map) = value.kind else {
        return;
    };
    let map_type = map
        .def(program)
        .map(|def| (def.map_type, def.inner.is_some()));
    match map_type {
        Some((_, true)) if !map.inner => {
            let mut inner = map;
            inner.inner = true;
            let has_timers = [FieldKind::Timer, FieldKind::Workqueue, FieldKind::TaskWork]
                .into_iter()
                .any(|kind| fields.get(inner).find(kind).is_some());
            inner.uid = if has_timers { value.id } else { 0 };
            value.kind = Kind::MapPtr(inner);
        }
        Some((MapType::Xskmap, _)) => value.kind = Kind::XdpSock,
        Some((MapType::Sockmap | MapType::Sockhash, _)) => value.kind = Kind::Socket,
        _ => {}
    }
}

/// Whether a lock may be where a pointer points to: pointers to the same lock
/// have the same id.
pub(super) fn may_hold_lock(value: &Value, fields: &MapFields) -> bool {
    let Kind::MapValue(map) = value.kind else {
        return false;
    };
    [FieldKind::SpinLock, FieldKind::ResSpinLock]
        .into_iter()
        .any(|kind| fields.get(map).find(kind).is_some())
}
