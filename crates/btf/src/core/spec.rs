//! A field access as a list of turning points, and the same access in the target.
//!
//! The access string counts members, anonymous ones too, which the target may
//! have arranged otherwise. What is looked for is what a programmer writes:
//! names of members and indices of arrays.

use std::collections::HashSet;

use super::{Asked, Error, Side, Subject, compat, matching};
use crate::{Array, Composite, Enumerator, Type, TypeId};
use inject::Bug;

/// Longest access string, and deepest nesting of what it leads through.
const MAX_LEN: usize = 64;

/// A field, type or enumerator of one side.
#[derive(Debug)]
pub(super) struct Spec<'a> {
    /// The type that the access starts from.
    pub(super) root: TypeId,
    /// Of a field: how to get there, at least one.
    pub(super) path: Vec<Accessor<'a>>,
    /// Of a field: bits from the start of the root.
    pub(super) bit_offset: u32,
    /// The enumerator.
    pub(super) enumerator: Option<Enumerator<'a>>,
}

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Accessor<'a> {
    /// A named member of this struct.
    Member(Composite<'a>, usize, &'a str),
    /// An element of this type, by index. The first step of a path is one, for
    /// the pointer that the access starts from.
    Element(TypeId, u32),
}

impl<'a> Spec<'a> {
    fn new(root: TypeId) -> Spec<'a> {
        Spec {
            root,
            path: Vec::new(),
            bit_offset: 0,
            enumerator: None,
        }
    }

    /// What the relocation asks for, in the program's own BTF.
    pub(super) fn parse(asked: Asked<'a>) -> Result<Spec<'a>, Error> {
        let access = asked.relo.access.as_str();
        let mut spec = Spec::new(asked.relo.type_id);
        match asked.relo.kind.subject() {
            Subject::Type if access == "0" => {}
            Subject::Type => return Err(asked.bad_access("is not 0, as a type's has to be")),
            Subject::Enumerator => spec.parse_enumerator(asked, &indices(asked)?)?,
            Subject::Field => spec.parse_field(asked, &indices(asked)?)?,
        }
        Ok(spec)
    }

    fn parse_enumerator(&mut self, asked: Asked<'a>, indices: &[u32]) -> Result<(), Error> {
        let (_, ty) = asked.resolved(Side::Program, self.root)?;
        let enumeration = ty
            .as_enum()
            .ok_or_else(|| asked.bad_access("is not of an enum"))?;
        let enumerator = match *indices {
            [index] => enumeration.value(index as usize),
            _ => None,
        };
        self.enumerator =
            Some(enumerator.ok_or_else(|| asked.bad_access("is no enumerator of it"))?);
        Ok(())
    }

    fn parse_field(&mut self, asked: Asked<'a>, indices: &[u32]) -> Result<(), Error> {
        let side = Side::Program;
        let (mut id, _) = asked.resolved(side, self.root)?;
        for (step, &index) in indices.iter().enumerate() {
            if step == 0 {
                self.step_to_element(asked, side, id, index)?;
                continue;
            }
            match asked.resolved(side, id)?.1 {
                Type::Struct(composite) | Type::Union(composite) => {
                    let member = composite.member(index as usize);
                    if inject::on(Bug::Cve2026_45839) && (index as i32) < 0 {
                        member.expect("a member that there is");
                    }
                    let member = member.ok_or_else(|| asked.bad_access("is no member of it"))?;
                    self.bit_offset = asked.add_bits(self.bit_offset, member.bit_offset)?;
                    if !member.name.is_empty() {
                        self.path
                            .push(Accessor::Member(composite, index as usize, member.name));
                    }
                    id = member.ty;
                }
                Type::Array(array) => {
                    if !self.index_in_bounds(array, index) {
                        return Err(asked.bad_access("is beyond the end of an array"));
                    }
                    (id, _) = asked.resolved(side, array.elem)?;
                    self.step_to_element(asked, side, id, index)?;
                }
                _ => return Err(asked.bad_access("leads into what has no members")),
            }
        }
        Ok(())
    }

    fn step_to_element(
        &mut self,
        asked: Asked<'a>,
        side: Side,
        elem: TypeId,
        index: u32,
    ) -> Result<(), Error> {
        self.path.push(Accessor::Element(elem, index));
        self.bit_offset = asked.index_bits(side, self.bit_offset, elem, index)?;
        Ok(())
    }

    /// Whether the array that the path leads to has this element; a flexible one
    /// (without length, the last member of its struct) has every.
    fn index_in_bounds(&self, array: Array, index: u32) -> bool {
        let flexible = array.len == 0
            && matches!(self.path.last(), Some(Accessor::Member(composite, at, _))
                if at + 1 == composite.len());
        flexible || index < array.len
    }
}

/// The numbers of the access string.
fn indices(asked: Asked<'_>) -> Result<Vec<u32>, Error> {
    let parts = asked.relo.access.split(':');
    let indices: Vec<u32> = parts
        .take(MAX_LEN + 1)
        .map(|part| match part.parse::<i32>() {
            Ok(negative) if inject::on(Bug::Cve2026_45839) => Ok(negative as u32),
            _ => part.parse(),
        })
        .collect::<Result<_, _>>()
        .map_err(|_| asked.bad_access("is not a list of numbers separated by colons"))?;
    if indices.len() > MAX_LEN {
        return Err(asked.bad_access("has too many parts"));
    }
    Ok(indices)
}

/// Looks for a [`Spec`] of the program in a candidate of the target.
pub(super) struct Matcher<'a> {
    asked: Asked<'a>,
    /// How deep the path is, anonymous structs counted in.
    raw_len: usize,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(asked: Asked<'a>) -> Matcher<'a> {
        Matcher { asked, raw_len: 0 }
    }

    /// What `local` is in `candidate`; `None` if it is not there.
    pub(super) fn find(
        &mut self,
        local: &Spec<'a>,
        candidate: TypeId,
    ) -> Result<Option<Spec<'a>>, Error> {
        let asked = self.asked;
        let mut found = Spec::new(candidate);
        let matches = match asked.relo.kind.subject() {
            Subject::Type if asked.relo.kind == super::ReloKind::TypeMatches => {
                matching::types_match(asked, local.root, candidate)?
            }
            Subject::Type => compat::types_are_compatible(asked, local.root, candidate)?,
            Subject::Enumerator => {
                found.enumerator = self.find_enumerator(local, candidate)?;
                found.enumerator.is_some()
            }
            Subject::Field => self.find_field(local, candidate, &mut found)?,
        };
        Ok(matches.then_some(found))
    }

    fn find_enumerator(
        &self,
        local: &Spec<'a>,
        candidate: TypeId,
    ) -> Result<Option<Enumerator<'a>>, Error> {
        let (_, ty) = self.asked.resolved(Side::Target, candidate)?;
        let Some((wanted, enumeration)) = local.enumerator.zip(ty.as_enum()) else {
            return Ok(None);
        };
        self.asked.spend(enumeration.len())?;
        Ok(enumeration
            .values()
            .find(|value| compat::names_compatible(wanted.name, value.name)))
    }

    fn find_field(
        &mut self,
        local: &Spec<'a>,
        candidate: TypeId,
        found: &mut Spec<'a>,
    ) -> Result<bool, Error> {
        let (asked, side) = (self.asked, Side::Target);
        let mut id = candidate;
        for (step, accessor) in local.path.iter().enumerate() {
            let (resolved, ty) = asked.resolved(side, id)?;
            match *accessor {
                Accessor::Member(composite, index, name) => {
                    let Some(member) = composite.member(index) else {
                        return Ok(false);
                    };
                    let wanted = Wanted {
                        name,
                        ty: member.ty,
                    };
                    let mut seen = HashSet::new();
                    match self.find_member(&wanted, resolved, found.bit_offset, &mut seen)? {
                        None => return Ok(false),
                        Some(hit) => {
                            found.path.push(hit.accessor);
                            found.bit_offset = hit.bit_offset;
                            id = hit.ty;
                        }
                    }
                }
                Accessor::Element(_, index) => {
                    // The first step is the candidate itself.
                    id = resolved;
                    if step > 0 {
                        let Type::Array(array) = ty else {
                            return Ok(false);
                        };
                        if !found.index_in_bounds(array, index) {
                            return Ok(false);
                        }
                        (id, _) = asked.resolved(side, array.elem)?;
                    }
                    self.deeper()?;
                    found.step_to_element(asked, side, id, index)?;
                }
            }
        }
        Ok(true)
    }

    /// Looks for a named member in a struct and the anonymous ones inside of it.
    ///
    /// Anonymous structs that were searched in vain (`seen`) are not searched
    /// again, so that a graph with many ways to one takes no longer.
    fn find_member(
        &mut self,
        wanted: &Wanted<'a>,
        id: TypeId,
        bit_offset: u32,
        seen: &mut HashSet<TypeId>,
    ) -> Result<Option<Hit<'a>>, Error> {
        let (id, ty) = self.asked.resolved(Side::Target, id)?;
        let Some(composite) = ty.as_composite() else {
            return Ok(None);
        };
        if !seen.insert(id) {
            return Ok(None);
        }
        self.deeper()?;
        self.asked.spend(composite.len())?;
        for (index, member) in composite.members().enumerate() {
            if !member.name.is_empty() && member.name != wanted.name {
                continue;
            }
            // Members may claim any offset; only those on the way have to add up.
            let bit_offset = self.asked.add_bits(bit_offset, member.bit_offset)?;
            if member.name.is_empty() {
                let hit = self.find_member(wanted, member.ty, bit_offset, seen)?;
                if hit.is_some() {
                    return Ok(hit);
                }
            } else {
                let compatible = compat::fields_are_compatible(self.asked, wanted.ty, member.ty)?;
                let accessor = Accessor::Member(composite, index, member.name);
                let hit = Hit {
                    accessor,
                    bit_offset,
                    ty: member.ty,
                };
                if !compatible {
                    self.raw_len -= 1;
                }
                return Ok(compatible.then_some(hit));
            }
        }
        self.raw_len -= 1;
        Ok(None)
    }

    fn deeper(&mut self) -> Result<(), Error> {
        if self.raw_len == MAX_LEN {
            return Err(self.asked.too_deep());
        }
        self.raw_len += 1;
        Ok(())
    }
}

/// A member of the program's struct to look for.
struct Wanted<'a> {
    name: &'a str,
    ty: TypeId,
}

/// A member of the target's struct that was looked for.
struct Hit<'a> {
    accessor: Accessor<'a>,
    bit_offset: u32,
    ty: TypeId,
}
