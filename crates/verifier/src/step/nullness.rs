//! Pointers that may be NULL, and tests of them.

use abi::{MapType, Program};
use isa::{CmpOp, Operand, Width};

use super::branch::Comparison;
use crate::fields::{FieldKind, MapFields};
use crate::state::{Flags, Kind, MapRef, ReferenceKind, State, Value};

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
    maps: &Maps<'_>,
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
    maps.make_not_null(equal.reg_mut(reg));
}

/// A test against zero tells of all copies of a pointer whether they are NULL.
/// Whether it was one.
pub(super) fn learn_from_null_test(
    compared: &Comparison,
    fall: &mut State,
    taken: &mut State,
    maps: &Maps<'_>,
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
            maps.make_not_null(value);
            if !maps.has_lock(value) {
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
    state.for_each_value(is_copy, |value| {
        let leaves = match value.kind {
            Kind::MapValue(_) | Kind::Mem { .. } | Kind::Btf { .. } => Flags::WAS_POINTER,
            _ => Flags::NONE,
        };
        *value = Value::constant(0).with(leaves);
    });
}

/// What the maps of the program say of pointers to their values.
pub(crate) struct Maps<'a> {
    pub(crate) program: &'a Program,
    pub(crate) fields: &'a MapFields<'a>,
}

impl Maps<'_> {
    /// A pointer that may be NULL is known not to be.
    pub(crate) fn make_not_null(&self, value: &mut Value) {
        value.flags = value.flags.without(Flags::OR_NULL);
        let Kind::MapValue(map) = value.kind else {
            return;
        };
        let def = map.def(self.program);
        match def.map(|def| (def.map_type, def.inner.is_some())) {
            Some((_, true)) if !map.inner => {
                let mut inner = map;
                inner.inner = true;
                inner.uid = if self.has_timer(inner) { value.id } else { 0 };
                value.kind = Kind::MapPtr(inner);
            }
            Some((MapType::Xskmap, _)) => value.kind = Kind::XdpSock,
            Some((MapType::Sockmap | MapType::Sockhash, _)) => value.kind = Kind::Socket,
            _ => {}
        }
    }

    /// Whether a map has what belongs to the map itself, so that two maps found
    /// in a map of maps must be told apart.
    fn has_timer(&self, map: MapRef) -> bool {
        let fields = self.fields.get(map);
        [FieldKind::Timer, FieldKind::Workqueue, FieldKind::TaskWork]
            .into_iter()
            .any(|kind| fields.find(kind).is_some())
    }

    /// Whether it points to a value with a lock: such pointers keep their id, by
    /// which two locks are told apart.
    fn has_lock(&self, value: &Value) -> bool {
        match value.kind {
            Kind::MapValue(map) => self.fields.get(map).lock().is_some(),
            _ => false,
        }
    }
}
