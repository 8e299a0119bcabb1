//! How many bytes types take, and at what multiples they lie.

use std::collections::HashMap;

use crate::{Btf, Composite, MAX_DEPTH, Type, TypeId};

impl Btf {
    /// Bytes that a value of this type takes: `None` for what has no size (void,
    /// functions, forward declarations), for endless chains, and for arrays of
    /// 4 GiB or more. A variable has the size of its type.
    pub fn size_of(&self, mut id: TypeId) -> Option<u32> {
        let mut count = 1u32;
        for _ in 0..MAX_DEPTH {
            let size = match self.ty(id)? {
                Type::Int(t) => t.size,
                Type::Struct(t) | Type::Union(t) => t.size,
                Type::Enum(t) | Type::Enum64(t) => t.size,
                Type::Float(t) => t.size,
                Type::Datasec(t) => t.size,
                Type::Ptr(_) => self.pointer_size,
                Type::Array(t) => {
                    count = count.checked_mul(t.len)?;
                    id = t.elem;
                    continue;
                }
                Type::Typedef(t) | Type::TypeTag(t) => {
                    id = t.ty;
                    continue;
                }
                Type::Volatile(t) | Type::Const(t) | Type::Restrict(t) => {
                    id = t;
                    continue;
                }
                Type::Var(t) => {
                    id = t.ty;
                    continue;
                }
                Type::DeclTag(t) => {
                    id = t.ty;
                    continue;
                }
                Type::Void | Type::Fwd(_) | Type::Func(_) | Type::FuncProto(_) => return None,
            };
            return count.checked_mul(size);
        }
        None
    }

    /// Alignment in bytes that C gives this type; 1 for a struct whose members
    /// show that it is packed. `None` as for [`Btf::size_of`].
    pub fn align_of(&self, id: TypeId) -> Option<u32> {
        self.align_at_depth(id, 0, &mut HashMap::new())
    }

    /// `known` keeps a graph with many ways to the same struct from being walked
    /// once for each way.
    fn align_at_depth(
        &self,
        id: TypeId,
        depth: usize,
        known: &mut HashMap<TypeId, Option<u32>>,
    ) -> Option<u32> {
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(&align) = known.get(&id) {
            return align;
        }
        // A struct that contains itself has no alignment.
        known.insert(id, None);
        let align = match self.ty(id)? {
            Type::Int(t) => Some(t.size.clamp(1, self.pointer_size)),
            Type::Float(t) => Some(t.size.clamp(1, self.pointer_size)),
            Type::Enum(t) | Type::Enum64(t) => Some(t.size.clamp(1, self.pointer_size)),
            Type::Ptr(_) => Some(self.pointer_size),
            Type::Array(t) => self.align_at_depth(t.elem, depth + 1, known),
            Type::Struct(t) | Type::Union(t) => self.align_of_composite(t, depth, known),
            Type::Typedef(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::TypeTag(_)
            | Type::Var(_) => {
                let target = self.ty(id)?.target()?;
                self.align_at_depth(target, depth + 1, known)
            }
            _ => None,
        };
        known.insert(id, align);
        align
    }

    fn align_of_composite(
        &self,
        ty: Composite<'_>,
        depth: usize,
        known: &mut HashMap<TypeId, Option<u32>>,
    ) -> Option<u32> {
        let mut greatest = 1;
        for member in ty.members() {
            let align = self.align_at_depth(member.ty, depth + 1, known)?;
            greatest = greatest.max(align);
            let bits = align.saturating_mul(8);
            if member.bitfield_size == 0 && !member.bit_offset.is_multiple_of(bits) {
                return Some(1);
            }
        }
        Some(if ty.size.is_multiple_of(greatest) {
            greatest
        } else {
            1
        })
    }

    /// Bytes of a pointer: 8, or 4 where `long` has four bytes (the BTF of a
    /// 32-bit kernel).
    pub fn pointer_size(&self) -> u32 {
        self.pointer_size
    }

    pub(crate) fn guess_pointer_size(&mut self) {
        if let Some(base) = self.base() {
            self.pointer_size = base.pointer_size;
            return;
        }
        let long = self.types().find_map(|(_, ty)| match ty {
            Type::Int(t) if is_long(t.name) && matches!(t.size, 4 | 8) => Some(t.size),
            _ => None,
        });
        self.pointer_size = long.unwrap_or(8);
    }
}

/// The ways to write `long` and `unsigned long` that compilers name them by.
fn is_long(name: &str) -> bool {
    matches!(
        name,
        "long"
            | "long int"
            | "int long"
            | "unsigned long"
            | "long unsigned"
            | "unsigned long int"
            | "unsigned int long"
            | "long unsigned int"
            | "long int unsigned"
            | "int unsigned long"
            | "int long unsigned"
    )
}
