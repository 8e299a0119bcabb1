//! The nineteen kinds of type, as views into the bytes.
//!
//! A [`Type`] borrows from its [`Btf`] and is decoded anew each time: a kernel
//! has more than a hundred thousand types, of which a program touches a few.
//! Lists (members, enumerators, …) are iterators over the records.

use std::fmt;

use crate::{Btf, raw::Records};

/// Number of a type in its [`Btf`]; 0 is `void`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`, the type that has no record.
    pub const VOID: TypeId = TypeId(0);
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of a type, numbered as in the file (`BTF_KIND_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the kernel's")]
#[repr(u8)]
pub enum Kind {
    Void = 0,
    Int = 1,
    Ptr = 2,
    Array = 3,
    Struct = 4,
    Union = 5,
    Enum = 6,
    Fwd = 7,
    Typedef = 8,
    Volatile = 9,
    Const = 10,
    Restrict = 11,
    Func = 12,
    FuncProto = 13,
    Var = 14,
    Datasec = 15,
    Float = 16,
    DeclTag = 17,
    TypeTag = 18,
    Enum64 = 19,
}

impl Kind {
    /// Every kind that a record can have, in the order of their numbers.
    pub const ALL: [Kind; 19] = [
        Kind::Int,
        Kind::Ptr,
        Kind::Array,
        Kind::Struct,
        Kind::Union,
        Kind::Enum,
        Kind::Fwd,
        Kind::Typedef,
        Kind::Volatile,
        Kind::Const,
        Kind::Restrict,
        Kind::Func,
        Kind::FuncProto,
        Kind::Var,
        Kind::Datasec,
        Kind::Float,
        Kind::DeclTag,
        Kind::TypeTag,
        Kind::Enum64,
    ];

    /// The kind with this number, unless it is 0 or unknown.
    pub fn from_number(number: u8) -> Option<Kind> {
        let kind = Kind::ALL.get(usize::from(number).checked_sub(1)?)?;
        Some(*kind)
    }

    /// Its name as bpftool prints it, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Void => "void",
            Kind::Int => "int",
            Kind::Ptr => "ptr",
            Kind::Array => "array",
            Kind::Struct => "struct",
            Kind::Union => "union",
            Kind::Enum => "enum",
            Kind::Fwd => "fwd",
            Kind::Typedef => "typedef",
            Kind::Volatile => "volatile",
            Kind::Const => "const",
            Kind::Restrict => "restrict",
            Kind::Func => "func",
            Kind::FuncProto => "func_proto",
            Kind::Var => "var",
            Kind::Datasec => "datasec",
            Kind::Float => "float",
            Kind::DeclTag => "decl_tag",
            Kind::TypeTag => "type_tag",
            Kind::Enum64 => "enum64",
        }
    }

    /// Whether types of this kind only qualify the type they refer to:
    /// `volatile`, `const`, `restrict` and type tags.
    pub fn is_modifier(self) -> bool {
        matches!(
            self,
            Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag
        )
    }

    /// Struct or union.
    pub fn is_composite(self) -> bool {
        matches!(self, Kind::Struct | Kind::Union)
    }

    /// Whether a record of it says a size, and no other type.
    pub(crate) fn is_sized(self) -> bool {
        let none = matches!(self, Kind::Void | Kind::Array | Kind::Fwd | Kind::Datasec);
        let sized = matches!(self, Kind::Int | Kind::Float) || self.is_composite();
        none || sized || self.is_enum()
    }

    /// Enum of either width.
    pub fn is_enum(self) -> bool {
        matches!(self, Kind::Enum | Kind::Enum64)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A type, by kind.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each variant's payload is documented")]
pub enum Type<'a> {
    Void,
    Int(Int<'a>),
    /// Pointer to the type given.
    Ptr(TypeId),
    Array(Array),
    Struct(Composite<'a>),
    Union(Composite<'a>),
    Enum(Enum<'a>),
    Fwd(Fwd<'a>),
    Typedef(Named<'a>),
    /// `volatile` on the type given.
    Volatile(TypeId),
    /// `const` on the type given.
    Const(TypeId),
    /// `restrict` on the type given.
    Restrict(TypeId),
    Func(Func<'a>),
    FuncProto(FuncProto<'a>),
    Var(Var<'a>),
    Datasec(Datasec<'a>),
    Float(Float<'a>),
    DeclTag(DeclTag<'a>),
    /// `__attribute__((btf_type_tag("…")))` on a type; the name is the tag.
    TypeTag(Named<'a>),
    Enum64(Enum<'a>),
}

impl<'a> Type<'a> {
    /// The kind alone.
    pub fn kind(&self) -> Kind {
        match self {
            Type::Void => Kind::Void,
            Type::Int(_) => Kind::Int,
            Type::Ptr(_) => Kind::Ptr,
            Type::Array(_) => Kind::Array,
            Type::Struct(_) => Kind::Struct,
            Type::Union(_) => Kind::Union,
            Type::Enum(_) => Kind::Enum,
            Type::Fwd(_) => Kind::Fwd,
            Type::Typedef(_) => Kind::Typedef,
            Type::Volatile(_) => Kind::Volatile,
            Type::Const(_) => Kind::Const,
            Type::Restrict(_) => Kind::Restrict,
            Type::Func(_) => Kind::Func,
            Type::FuncProto(_) => Kind::FuncProto,
            Type::Var(_) => Kind::Var,
            Type::Datasec(_) => Kind::Datasec,
            Type::Float(_) => Kind::Float,
            Type::DeclTag(_) => Kind::DeclTag,
            Type::TypeTag(_) => Kind::TypeTag,
            Type::Enum64(_) => Kind::Enum64,
        }
    }

    /// The type's name, empty when it has none. Of a tag it is the tag's text.
    pub fn name(&self) -> &'a str {
        match *self {
            Type::Int(t) => t.name,
            Type::Struct(t) | Type::Union(t) => t.name,
            Type::Enum(t) | Type::Enum64(t) => t.name,
            Type::Fwd(t) => t.name,
            Type::Typedef(t) | Type::TypeTag(t) => t.name,
            Type::Func(t) => t.name,
            Type::Var(t) => t.name,
            Type::Datasec(t) => t.name,
            Type::Float(t) => t.name,
            Type::DeclTag(t) => t.name,
            Type::Void
            | Type::Ptr(_)
            | Type::Array(_)
            | Type::Volatile(_)
            | Type::Const(_)
            | Type::Restrict(_)
            | Type::FuncProto(_) => "",
        }
    }

    /// The type that a pointer, modifier, typedef, function, variable or tag is
    /// about. An array refers to its elements through [`Array::elem`] instead.
    pub fn target(&self) -> Option<TypeId> {
        match *self {
            Type::Ptr(id) | Type::Volatile(id) | Type::Const(id) | Type::Restrict(id) => Some(id),
            Type::Typedef(t) | Type::TypeTag(t) => Some(t.ty),
            Type::Func(t) => Some(t.proto),
            Type::Var(t) => Some(t.ty),
            Type::DeclTag(t) => Some(t.ty),
            _ => None,
        }
    }

    /// The struct or union, if it is one.
    pub fn as_composite(&self) -> Option<Composite<'a>> {
        match *self {
            Type::Struct(t) | Type::Union(t) => Some(t),
            _ => None,
        }
    }

    /// The enum of either width, if it is one.
    pub fn as_enum(&self) -> Option<Enum<'a>> {
        match *self {
            Type::Enum(t) | Type::Enum64(t) => Some(t),
            _ => None,
        }
    }
}

/// An integer, `char` or `bool` type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int<'a> {
    /// Its C name.
    pub name: &'a str,
    /// Bytes that it takes in memory.
    pub size: u32,
    /// Bits that carry the value; `8 * size` except in very old BTF.
    pub bits: u8,
    /// Where the bits start; 0 except in very old BTF.
    pub bit_offset: u8,
    /// The value is signed (`BTF_INT_SIGNED`).
    pub signed: bool,
    /// It is a character (`BTF_INT_CHAR`). Neither clang nor pahole sets this
    /// for C's `char`.
    pub char: bool,
    /// It is a truth value (`BTF_INT_BOOL`).
    pub bool: bool,
}

/// An array type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// Type of the elements.
    pub elem: TypeId,
    /// Type of the index, which nobody needs.
    pub index: TypeId,
    /// Number of elements; 0 also stands for a flexible array.
    pub len: u32,
}

/// A typedef or type tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The typedef's name or the tag's text.
    pub name: &'a str,
    /// The type that is named.
    pub ty: TypeId,
}

/// A forward declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fwd<'a> {
    /// The declared name.
    pub name: &'a str,
    /// `union NAME;` instead of `struct NAME;`.
    pub union: bool,
}

/// A floating point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Float<'a> {
    /// Its C name.
    pub name: &'a str,
    /// Size in bytes.
    pub size: u32,
}

/// A struct or union.
#[derive(Clone, Copy)]
pub struct Composite<'a> {
    /// Its tag, empty for an anonymous one.
    pub name: &'a str,
    /// Size in bytes.
    pub size: u32,
    pub(crate) bitfields: bool,
    pub(crate) members: Records<'a, 3>,
    pub(crate) btf: &'a Btf,
}

impl<'a> Composite<'a> {
    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members in the order of their declaration.
    pub fn members(self) -> impl ExactSizeIterator<Item = Member<'a>> + DoubleEndedIterator {
        self.members
            .iter()
            .map(move |record| self.member_of(record))
    }

    /// The member with this index.
    pub fn member(self, index: usize) -> Option<Member<'a>> {
        self.members.get(index).map(|record| self.member_of(record))
    }

    fn member_of(self, [name, ty, offset]: [u32; 3]) -> Member<'a> {
        let (bit_offset, bitfield_size) = if self.bitfields {
            (offset & 0xff_ffff, (offset >> 24) as u8)
        } else {
            (offset, 0)
        };
        Member {
            name: self.btf.str(name).unwrap_or(""),
            ty: TypeId(ty),
            bit_offset,
            bitfield_size,
        }
    }
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name, empty for an anonymous struct or union.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Bits from the start of the struct.
    pub bit_offset: u32,
    /// Bits of a bitfield; 0 for an ordinary member.
    pub bitfield_size: u8,
}

/// An enum, 32 or 64 bits wide.
#[derive(Clone, Copy)]
pub struct Enum<'a> {
    /// Its tag, empty for an anonymous one.
    pub name: &'a str,
    /// Size in bytes.
    pub size: u32,
    /// Whether its values are signed.
    pub signed: bool,
    pub(crate) values: EnumRecords<'a>,
    pub(crate) btf: &'a Btf,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EnumRecords<'a> {
    Narrow(Records<'a, 2>),
    Wide(Records<'a, 3>),
}

impl<'a> Enum<'a> {
    /// Number of enumerators.
    pub fn len(&self) -> usize {
        match self.values {
            EnumRecords::Narrow(records) => records.len(),
            EnumRecords::Wide(records) => records.len(),
        }
    }

    /// Whether it has no enumerators.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The enumerators in the order of their declaration.
    pub fn values(self) -> impl ExactSizeIterator<Item = Enumerator<'a>> {
        (0..self.len()).map(move |index| self.value(index).unwrap_or_default())
    }

    /// The enumerator with this index.
    pub fn value(self, index: usize) -> Option<Enumerator<'a>> {
        let (name, bits) = match self.values {
            EnumRecords::Narrow(records) => {
                let [name, value] = records.get(index)?;
                (name, i64::from(value as i32) as u64)
            }
            EnumRecords::Wide(records) => {
                let [name, low, high] = records.get(index)?;
                (name, u64::from(low) | u64::from(high) << 32)
            }
        };
        let value = match (self.values, self.signed) {
            (_, true) => i128::from(bits as i64),
            (EnumRecords::Narrow(_), false) => i128::from(bits as u32),
            (EnumRecords::Wide(_), false) => i128::from(bits),
        };
        Some(Enumerator {
            name: self.btf.str(name).unwrap_or(""),
            value,
            bits,
        })
    }
}

/// A named value of an enum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// The value as C sees it.
    pub value: i128,
    /// The value as CO-RE relocations take it: the record's 32 bits
    /// sign-extended even in an unsigned enum, or its 64 bits.
    pub bits: u64,
}

/// How a function or variable is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Seen in its file only.
    Static,
    /// Defined here, seen by other files.
    Global,
    /// Defined elsewhere.
    Extern,
}

impl Linkage {
    pub(crate) fn from_number(number: u32) -> Option<Linkage> {
        match number {
            0 => Some(Linkage::Static),
            1 => Some(Linkage::Global),
            2 => Some(Linkage::Extern),
            _ => None,
        }
    }
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its [`FuncProto`].
    pub proto: TypeId,
    /// How it is linked.
    pub linkage: Linkage,
}

/// The signature of a function.
#[derive(Clone, Copy)]
pub struct FuncProto<'a> {
    /// The type returned.
    pub ret: TypeId,
    pub(crate) params: Records<'a, 2>,
    pub(crate) btf: &'a Btf,
}

impl<'a> FuncProto<'a> {
    /// Number of parameters, a trailing `...` counted in.
    pub fn len(&self) -> usize {
        self.params.len()
    }

    /// Whether it takes no parameters.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parameters in order; a trailing `...` is one without name and type.
    pub fn params(self) -> impl ExactSizeIterator<Item = Param<'a>> + DoubleEndedIterator {
        self.params.iter().map(move |[name, ty]| Param {
            name: self.btf.str(name).unwrap_or(""),
            ty: TypeId(ty),
        })
    }
}

/// A parameter of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name, often empty.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
}

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// How it is linked.
    pub linkage: Linkage,
}

/// A section of variables.
#[derive(Clone, Copy, Debug)]
pub struct Datasec<'a> {
    /// The section's name.
    pub name: &'a str,
    /// Size in bytes. Compilers leave 0 here for the loader to fill in.
    pub size: u32,
    pub(crate) vars: Records<'a, 3>,
}

impl<'a> Datasec<'a> {
    /// Number of variables.
    pub fn len(&self) -> usize {
        self.vars.len()
    }

    /// Whether it holds no variables.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The variables in the order of the file.
    pub fn vars(self) -> impl ExactSizeIterator<Item = DatasecVar> + DoubleEndedIterator + 'a {
        self.vars.iter().map(|[ty, offset, size]| DatasecVar {
            ty: TypeId(ty),
            offset,
            size,
        })
    }
}

/// Where a variable lies in its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatasecVar {
    /// The [`Var`], or the [`Func`] for an extern function.
    pub ty: TypeId,
    /// Bytes from the start of the section. Compilers leave 0 here.
    pub offset: u32,
    /// Size in bytes.
    pub size: u32,
}

/// `__attribute__((btf_decl_tag("…")))` on a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclTag<'a> {
    /// The tag's text.
    pub name: &'a str,
    /// The declaration.
    pub ty: TypeId,
    /// The member or parameter meant; `None` for the declaration itself.
    pub component: Option<u32>,
}

macro_rules! debug_with_list {
    ($type:ident, $list:ident, $($field:ident),*) => {
        impl fmt::Debug for $type<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut out = f.debug_struct(stringify!($type));
                $(out.field(stringify!($field), &self.$field);)*
                out.field(stringify!($list), &self.$list().collect::<Vec<_>>()).finish()
            }
        }
    };
}

debug_with_list!(Composite, members, name, size);
debug_with_list!(Enum, values, name, size, signed);
debug_with_list!(FuncProto, params, ret);
