//! Finding the member that a read of a structure hits.

use btf::{Btf, Composite, Member, Type, TypeId};

use crate::reason::{Kernel, Result};
use crate::state::Flags;

/// The bytes that are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) off: i64,
    pub(super) size: u32,
}

/// What a read hits.
#[derive(Debug)]
pub(super) enum Found<'b> {
    /// A number.
    Number,
    /// A pointer to something that is no structure.
    Memory,
    /// A pointer to a structure.
    Pointer(Pointer<'b>),
}

/// A pointer to a structure, in a member.
#[derive(Debug)]
pub(super) struct Pointer<'b> {
    /// What it points to.
    pub(super) target: TypeId,
    /// What the type tags say, and whether a union was crossed.
    pub(super) flags: Flags,
    /// The member.
    pub(super) member: &'b str,
}

/// One structure on the way to the member.
struct Level<'b> {
    btf: &'b Btf,
    outer: Composite<'b>,
    off: i64,
    size: u32,
    /// [`Flags::UNTRUSTED`] once a union was crossed.
    flags: Flags,
}

/// What to do after a look at one structure.
enum Step<'b> {
    Done(Found<'b>),
    Into { type_id: TypeId, off: i64 },
}

/// How deep structures are nested.
const MAX_DEPTH: usize = 64;

/// The member of structure `type_id` that the bytes belong to.
pub(super) fn find(btf: &Btf, type_id: TypeId, wanted: Wanted) -> Result<Found<'_>> {
    let (mut type_id, mut off) = (type_id, wanted.off);
    let mut flags = Flags::NONE;
    for _ in 0..MAX_DEPTH {
        let resolved = btf.resolved(type_id);
        let outer = match resolved {
            Some((_, ty @ Type::Struct(_))) => ty.as_composite(),
            Some((_, ty @ Type::Union(_))) => {
                if ty.as_composite().is_some_and(|union| union.len() != 1) {
                    flags |= Flags::UNTRUSTED;
                }
                ty.as_composite()
            }
            _ => None,
        };
        let Some(outer) = outer else {
            return Err(Kernel::NotStruct(btf.name(type_id).to_owned()).into());
        };
        let level = Level {
            btf,
            outer,
            off,
            size: wanted.size,
            flags,
        };
        match level.look()? {
            Step::Done(found) => return Ok(found),
            Step::Into {
                type_id: inner,
                off: rest,
            } => (type_id, off) = (inner, rest),
        }
    }
    Err(Kernel::NotStruct(btf.name(type_id).to_owned()).into())
}

impl<'b> Level<'b> {
    fn name(&self) -> String {
        named(self.outer.name)
    }

    fn end(&self) -> i64 {
        self.off + i64::from(self.size)
    }

    fn look(&self) -> Result<Step<'b>> {
        if self.end() > i64::from(self.outer.size) {
            return self.look_behind();
        }
        for member in self.outer.members() {
            let start = i64::from(member.bit_offset / 8);
            if self.end() <= start {
                break;
            }
            if member.bitfield_size != 0 {
                let end_bit = member.bit_offset + u32::from(member.bitfield_size);
                let end = i64::from(end_bit.div_ceil(8));
                if self.off <= start && end <= self.end() {
                    return Ok(Step::Done(Found::Number));
                }
                continue;
            }
            if self.off < start {
                break;
            }
            if let Some(step) = self.look_at(&member, start)? {
                return Ok(step);
            }
        }
        let (name, off) = (self.name(), self.off);
        Err(Kernel::NoField { name, off }.into())
    }

    /// Behind the structure there may be more elements of its last member, an
    /// array without a length.
    fn look_behind(&self) -> Result<Step<'b>> {
        let beyond = || Kernel::BeyondStruct {
            name: self.name(),
            off: self.off,
            size: self.size,
        };
        let last = self.outer.members().last().ok_or_else(beyond)?;
        let Some((_, Type::Array(array))) = self.btf.resolved(last.ty) else {
            return Err(beyond().into());
        };
        let start = i64::from(last.bit_offset / 8);
        if array.len != 0 || self.off < start {
            return Err(beyond().into());
        }
        match self.btf.resolved(array.elem) {
            Some((_, Type::Int(_))) => Ok(Step::Done(Found::Number)),
            Some((type_id, Type::Struct(_) | Type::Union(_))) => {
                let size = self.btf.size_of(type_id).filter(|size| *size > 0);
                let size = i64::from(size.ok_or_else(beyond)?);
                let off = (self.off - start) % size;
                Ok(Step::Into { type_id, off })
            }
            _ => Err(beyond().into()),
        }
    }

    /// Looks at a member that begins at or before the bytes; nothing if it also
    /// ends before them.
    fn look_at(&self, member: &Member<'b>, start: i64) -> Result<Option<Step<'b>>> {
        let size = self.btf.size_of(member.ty).unwrap_or(0);
        let end = start + i64::from(size);
        if self.off >= end {
            return Ok(None);
        }
        let (type_id, start) = self.element(member.ty, start);
        match self.btf.resolved(type_id) {
            Some((type_id, Type::Struct(_) | Type::Union(_))) => {
                let off = self.off - start;
                Ok(Some(Step::Into { type_id, off }))
            }
            Some((type_id, Type::Ptr(_))) => self.pointer(member, type_id, start).map(Some),
            _ => {
                if self.end() > end && !self.flags.contains(Flags::UNTRUSTED) {
                    return Err(Kernel::BeyondMember {
                        member: named(member.name),
                        end: end as u32,
                        name: self.name(),
                        off: self.off,
                        size: self.size,
                    }
                    .into());
                }
                Ok(Some(Step::Done(Found::Number)))
            }
        }
    }

    /// The element of an array, of any dimension, that the bytes begin in, and
    /// where it begins; what is no array is its own element.
    fn element(&self, ty: TypeId, start: i64) -> (TypeId, i64) {
        let mut elem = ty;
        let mut is_array = false;
        while let Some((_, Type::Array(array))) = self.btf.resolved(elem) {
            elem = array.elem;
            is_array = true;
        }
        let size = i64::from(self.btf.size_of(elem).unwrap_or(0));
        if !is_array || size == 0 {
            return (elem, start);
        }
        (elem, start + (self.off - start) / size * size)
    }

    fn pointer(&self, member: &Member<'b>, pointer: TypeId, start: i64) -> Result<Step<'b>> {
        if self.size != self.btf.pointer_size() || self.off != start {
            return Err(Kernel::PartialPointer {
                member: named(member.name),
                start: start as u32,
                name: self.name(),
                off: self.off,
                size: self.size,
            }
            .into());
        }
        let target = self.btf.ty(pointer).and_then(|ty| ty.target());
        let mut flags = self.flags;
        if let Some(Type::TypeTag(tag)) = target.and_then(|target| self.btf.ty(target)) {
            flags |= match tag.name {
                "user" => Flags::USER,
                "percpu" => Flags::PERCPU,
                "rcu" => Flags::RCU,
                _ => Flags::NONE,
            };
        }
        let resolved = target.and_then(|target| self.btf.resolved(target));
        Ok(Step::Done(match resolved {
            Some((target, Type::Struct(_) | Type::Union(_))) => Found::Pointer(Pointer {
                target,
                flags,
                member: member.name,
            }),
            _ => Found::Memory,
        }))
    }
}

/// A name as Linux writes it.
fn named(name: &str) -> String {
    match name {
        "" => "(anon)".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
