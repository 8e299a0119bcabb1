//! When a type of the target has all that the program's has, as
//! `bpf_core_type_matches` wants it: names, kinds, sizes, members, enumerators.
//!
//! * Modifiers and typedefs do not count; names do, without flavor.
//! * Integers match by size and sign, arrays by length and elements, pointers by
//!   what they point at, signatures by parameters and result.
//! * A struct or union needs each member of the program's by name and matching
//!   type; it may have more. Behind a pointer only its name and kind count, and
//!   a forward declaration will do.
//! * An enum needs each enumerator by name and the same size, but not the same
//!   values or width of the record.

use std::collections::{HashMap, HashSet};

use super::{Asked, Error, Side};
use crate::{Composite, Enum, Kind, MAX_DEPTH, Type, TypeId, index::essential_name};

pub(super) fn types_match(asked: Asked<'_>, local: TypeId, target: TypeId) -> Result<bool, Error> {
    Matching { asked }.types(local, target, false, MAX_DEPTH)
}

struct Matching<'a> {
    asked: Asked<'a>,
}

impl Matching<'_> {
    fn types(
        &self,
        mut local: TypeId,
        mut target: TypeId,
        mut behind_ptr: bool,
        level: usize,
    ) -> Result<bool, Error> {
        let asked = self.asked;
        let Some(level) = level.checked_sub(1) else {
            return Err(asked.too_deep());
        };
        for _ in 0..MAX_DEPTH {
            self.asked.spend(1)?;
            let (_, a) = asked.resolved(Side::Program, local)?;
            let (_, b) = asked.resolved(Side::Target, target)?;
            if essential_name(a.name()) != essential_name(b.name()) {
                return Ok(false);
            }
            (local, target) = match (a, b) {
                (Type::Ptr(a), Type::Ptr(b)) => {
                    behind_ptr = true;
                    (a, b)
                }
                (Type::Array(a), Type::Array(b)) => {
                    if a.len != b.len {
                        return Ok(false);
                    }
                    (a.elem, b.elem)
                }
                (Type::FuncProto(a), Type::FuncProto(b)) => {
                    if a.len() != b.len() {
                        return Ok(false);
                    }
                    for (a, b) in a.params().zip(b.params()) {
                        if !self.types(a.ty, b.ty, behind_ptr, level)? {
                            return Ok(false);
                        }
                    }
                    (a.ret, b.ret)
                }
                (Type::Struct(a), Type::Struct(b)) | (Type::Union(a), Type::Union(b)) => {
                    return Ok(behind_ptr || self.composites(a, b, level)?);
                }
                (Type::Enum(a) | Type::Enum64(a), Type::Enum(b) | Type::Enum64(b)) => {
                    return self.enums(a, b);
                }
                (a, b) => return Ok(leaves_match(&a, &b, behind_ptr)),
            };
        }
        Err(asked.too_deep())
    }

    fn composites(
        &self,
        local: Composite<'_>,
        target: Composite<'_>,
        level: usize,
    ) -> Result<bool, Error> {
        if local.len() > target.len() {
            return Ok(false);
        }
        self.asked.spend(target.len())?;
        let mut by_name: HashMap<&str, Vec<TypeId>> = HashMap::with_capacity(target.len());
        for member in target.members() {
            by_name
                .entry(essential_name(member.name))
                .or_default()
                .push(member.ty);
        }
        for member in local.members() {
            let candidates = by_name
                .get(essential_name(member.name))
                .map_or(&[][..], Vec::as_slice);
            let mut matched = false;
            for &candidate in candidates {
                if self.types(member.ty, candidate, false, level)? {
                    matched = true;
                    break;
                }
            }
            if !matched {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn enums(&self, local: Enum<'_>, target: Enum<'_>) -> Result<bool, Error> {
        if local.size != target.size || local.len() > target.len() {
            return Ok(false);
        }
        self.asked.spend(target.len())?;
        let names: HashSet<&str> = target
            .values()
            .map(|value| essential_name(value.name))
            .collect();
        Ok(local
            .values()
            .all(|value| names.contains(essential_name(value.name))))
    }
}

/// Types that refer to no others, and a struct against its forward declaration.
fn leaves_match(local: &Type<'_>, target: &Type<'_>, behind_ptr: bool) -> bool {
    match (local, target) {
        (Type::Void, Type::Void) => true,
        (Type::Int(a), Type::Int(b)) => a.size == b.size && a.signed == b.signed,
        (Type::Fwd(a), Type::Fwd(b)) => a.union == b.union,
        (Type::Fwd(fwd), full) | (full, Type::Fwd(fwd)) => {
            let kind = if fwd.union { Kind::Union } else { Kind::Struct };
            behind_ptr && full.kind() == kind
        }
        _ => false,
    }
}
