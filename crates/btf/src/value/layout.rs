//! Structs as a flat list of fields, and what kinds of value there are.

use std::{
    collections::{HashMap, hash_map::Entry},
    rc::Rc,
};

use super::MAX_NESTING;
use crate::{Btf, Composite, Enum, Int, Type, TypeId};

/// Fields of all structs together that one value may touch.
const MAX_FIELDS: usize = 1 << 20;

/// A type as a value sees it, modifiers and typedefs gone.
pub(super) enum Shape<'a> {
    Int(Int<'a>),
    Enum(Enum<'a>),
    Ptr,
    Float,
    Array {
        elem: TypeId,
        len: u32,
        elem_size: u32,
        text: bool,
    },
    Fields(Rc<Fields<'a>>),
}

/// What a struct, union or section consists of.
pub(super) struct Fields<'a> {
    pub(super) list: Vec<Field<'a>>,
    by_name: HashMap<&'a str, usize>,
}

impl<'a> Fields<'a> {
    pub(super) fn find(&self, name: &str) -> Option<&Field<'a>> {
        self.list.get(*self.by_name.get(name)?)
    }
}

pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) ty: TypeId,
    /// Bits from the start of the struct.
    pub(super) bit_offset: u64,
    /// 0 for an ordinary member.
    pub(super) bitfield_size: u32,
}

/// Why a type has no [`Shape`].
pub(super) enum NoShape {
    Unsized,
    TooDeep,
}

/// Shapes, with each struct flattened once.
pub(super) struct Layouts<'a> {
    pub(super) btf: &'a Btf,
    known: HashMap<TypeId, Rc<Fields<'a>>>,
    /// How many more fields may be listed.
    left: usize,
}

impl<'a> Layouts<'a> {
    pub(super) fn new(btf: &'a Btf) -> Layouts<'a> {
        Layouts {
            btf,
            known: HashMap::new(),
            left: MAX_FIELDS,
        }
    }

    pub(super) fn shape(&mut self, id: TypeId) -> Result<Shape<'a>, NoShape> {
        let (id, ty) = self.btf.resolved(id).ok_or(NoShape::Unsized)?;
        Ok(match ty {
            Type::Int(int) => Shape::Int(int),
            Type::Enum(t) | Type::Enum64(t) => Shape::Enum(t),
            Type::Ptr(_) => Shape::Ptr,
            Type::Float(_) => Shape::Float,
            Type::Array(array) => Shape::Array {
                elem: array.elem,
                len: array.len,
                elem_size: self.btf.size_of(array.elem).ok_or(NoShape::Unsized)?,
                text: is_char(self.btf, array.elem),
            },
            Type::Struct(_) | Type::Union(_) | Type::Datasec(_) => {
                Shape::Fields(self.fields(id, ty)?)
            }
            Type::Var(var) => return self.shape_of_var(var.ty),
            _ => return Err(NoShape::Unsized),
        })
    }

    /// A variable's type is never a variable, so that this goes one step.
    fn shape_of_var(&mut self, id: TypeId) -> Result<Shape<'a>, NoShape> {
        match self.btf.resolved(id) {
            Some((_, Type::Var(_))) | None => Err(NoShape::Unsized),
            Some(_) => self.shape(id),
        }
    }

    fn fields(&mut self, id: TypeId, ty: Type<'a>) -> Result<Rc<Fields<'a>>, NoShape> {
        if let Some(fields) = self.known.get(&id) {
            return Ok(Rc::clone(fields));
        }
        let mut list = Vec::new();
        match ty {
            Type::Struct(t) | Type::Union(t) => self.flatten(t, 0, 0, &mut list)?,
            Type::Datasec(section) => {
                for var in section.vars() {
                    self.spend()?;
                    list.push(Field {
                        name: self.btf.name(var.ty),
                        ty: var.ty,
                        bit_offset: u64::from(var.offset) * 8,
                        bitfield_size: 0,
                    });
                }
            }
            _ => return Err(NoShape::Unsized),
        }
        let mut by_name = HashMap::with_capacity(list.len());
        for (index, field) in list.iter().enumerate() {
            if let Entry::Vacant(entry) = by_name.entry(field.name) {
                entry.insert(index);
            }
        }
        let fields = Rc::new(Fields { list, by_name });
        self.known.insert(id, Rc::clone(&fields));
        Ok(fields)
    }

    /// Lists members, those of anonymous structs and unions in their place.
    /// Other members without name are padding.
    fn flatten(
        &mut self,
        composite: Composite<'a>,
        bit_offset: u64,
        depth: usize,
        list: &mut Vec<Field<'a>>,
    ) -> Result<(), NoShape> {
        if depth > MAX_NESTING {
            return Err(NoShape::TooDeep);
        }
        for member in composite.members() {
            self.spend()?;
            let bit_offset = bit_offset + u64::from(member.bit_offset);
            if !member.name.is_empty() {
                list.push(Field {
                    name: member.name,
                    ty: member.ty,
                    bit_offset,
                    bitfield_size: member.bitfield_size.into(),
                });
            } else if let Some((_, Type::Struct(inner) | Type::Union(inner))) =
                self.btf.resolved(member.ty)
            {
                self.flatten(inner, bit_offset, depth + 1, list)?;
            }
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), NoShape> {
        self.left = self.left.checked_sub(1).ok_or(NoShape::TooDeep)?;
        Ok(())
    }
}

/// Whether arrays of this type are text: `char`, not a typedef of it, as bpftool
/// has it.
fn is_char(btf: &Btf, id: TypeId) -> bool {
    let ty = btf.strip_modifiers(id).and_then(|id| btf.ty(id));
    matches!(ty, Some(Type::Int(int)) if int.size == 1 && int.bits == 8 && is_char_int(&int))
}

pub(super) fn is_char_int(int: &Int<'_>) -> bool {
    int.char || int.name == "char"
}
