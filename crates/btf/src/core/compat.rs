//! When a type of the target is good enough for the program's: loosely, by kind
//! ("compatible"), as field accesses and `bpf_core_type_exists` want it.

use super::{Asked, Error, Side, kinds_compatible};
use crate::{Kind, MAX_DEPTH, Type, TypeId, index::essential_name};

/// Equal names, both without flavor.
pub(super) fn names_compatible(a: &str, b: &str) -> bool {
    essential_name(a) == essential_name(b)
}

/// Whether an access to a member of the program's type `local` can be one to a
/// member of type `target`: structs and unions are (their members are looked at
/// when the access goes on), pointers and floats are, integers are whatever
/// their size, arrays by their elements, enums and forward declarations by name
/// unless one has none.
pub(super) fn fields_are_compatible(
    asked: Asked<'_>,
    mut local: TypeId,
    mut target: TypeId,
) -> Result<bool, Error> {
    for _ in 0..MAX_DEPTH {
        let (_, a) = asked.resolved(Side::Program, local)?;
        let (_, b) = asked.resolved(Side::Target, target)?;
        if a.kind().is_composite() && b.kind().is_composite() {
            return Ok(true);
        }
        if !kinds_compatible(a.kind(), b.kind()) {
            return Ok(false);
        }
        return Ok(match (a, b) {
            (Type::Array(a), Type::Array(b)) => {
                (local, target) = (a.elem, b.elem);
                continue;
            }
            (Type::Ptr(_) | Type::Float(_), _) => true,
            (Type::Fwd(_) | Type::Enum(_) | Type::Enum64(_), _) => {
                a.name().is_empty() || b.name().is_empty() || names_compatible(a.name(), b.name())
            }
            // Integers that are bitfields by themselves, of very old BTF, are not.
            (Type::Int(a), Type::Int(b)) => a.bit_offset == 0 && b.bit_offset == 0,
            _ => false,
        });
    }
    Err(asked.too_deep())
}

/// Whether the target's type can stand for the program's when both are named as
/// a whole: the same kinds all along pointers, arrays and signatures; what
/// structs and enums consist of is not looked at.
pub(super) fn types_are_compatible(
    asked: Asked<'_>,
    local: TypeId,
    target: TypeId,
) -> Result<bool, Error> {
    let kind = |side, id| asked.btf(side).kind(id).unwrap_or(Kind::Void);
    if !kinds_compatible(kind(Side::Program, local), kind(Side::Target, target)) {
        return Ok(false);
    }
    compatible_at(asked, local, target, MAX_DEPTH)
}

fn compatible_at(
    asked: Asked<'_>,
    mut local: TypeId,
    mut target: TypeId,
    level: usize,
) -> Result<bool, Error> {
    for _ in 0..MAX_DEPTH {
        asked.spend(1)?;
        let (_, a) = asked.resolved(Side::Program, local)?;
        let (_, b) = asked.resolved(Side::Target, target)?;
        if !kinds_compatible(a.kind(), b.kind()) {
            return Ok(false);
        }
        (local, target) = match (a, b) {
            (Type::Int(a), Type::Int(b)) => return Ok(a.bit_offset == 0 && b.bit_offset == 0),
            (Type::Ptr(a), Type::Ptr(b)) => (a, b),
            (Type::Array(a), Type::Array(b)) => (a.elem, b.elem),
            (Type::FuncProto(a), Type::FuncProto(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                let Some(level) = level.checked_sub(1) else {
                    return Err(asked.too_deep());
                };
                for (a, b) in a.params().zip(b.params()) {
                    if !compatible_at(asked, a.ty, b.ty, level)? {
                        return Ok(false);
                    }
                }
                (a.ret, b.ret)
            }
            (a, _) => {
                return Ok(matches!(
                    a.kind(),
                    Kind::Void | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Fwd
                ));
            }
        };
    }
    Err(asked.too_deep())
}
