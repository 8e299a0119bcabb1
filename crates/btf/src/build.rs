//! Writing BTF: for types that no compiler emitted (legacy map definitions), and
//! for tests.
//!
//! ```
//! use btf::{Kind, build::BtfBuilder};
//!
//! let mut build = BtfBuilder::new();
//! let u32_ = build.int("unsigned int", 4, Default::default());
//! let four = build.array(u32_, 4);
//! let foo = build.struct_("foo", 20, &[("n", u32_, 0).into(), ("list", four, 32).into()]);
//! let btf = build.finish()?;
//! assert_eq!(btf.find("foo", Kind::Struct), Some(foo));
//! assert_eq!(btf.type_name(four).to_string(), "unsigned int[4]");
//! # Ok::<(), btf::Error>(())
//! ```

use std::{collections::HashMap, sync::Arc};

use crate::{Btf, Error, Kind, Linkage, TypeId};

/// Collects types and writes them down. Ids are given in order, from 1 or from
/// the base's end, and may be used before their type exists.
///
/// What is written is not checked; [`BtfBuilder::finish`] parses it and so
/// finds what is wrong. Lists are cut at the format's limit of 65,535 entries.
#[derive(Clone, Debug, Default)]
pub struct BtfBuilder {
    types: Vec<u8>,
    count: u32,
    strings: Vec<u8>,
    offsets: HashMap<String, u32>,
    base: Option<(Arc<Btf>, u32)>,
}

/// Encoding of an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// No flags.
    #[default]
    Unsigned,
    /// `BTF_INT_SIGNED`.
    Signed,
    /// `BTF_INT_CHAR`.
    Char,
    /// `BTF_INT_BOOL`.
    Bool,
}

/// A member of a struct or union to build.
#[derive(Clone, Copy, Debug)]
pub struct MemberDef<'a> {
    /// Its name, empty for none.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Bits from the start.
    pub bit_offset: u32,
    /// Bits of a bitfield; 0 for an ordinary member.
    pub bitfield_size: u8,
}

impl<'a> From<(&'a str, TypeId, u32)> for MemberDef<'a> {
    fn from((name, ty, bit_offset): (&'a str, TypeId, u32)) -> Self {
        MemberDef {
            name,
            ty,
            bit_offset,
            bitfield_size: 0,
        }
    }
}

impl<'a> From<(&'a str, TypeId, u32, u8)> for MemberDef<'a> {
    fn from((name, ty, bit_offset, bitfield_size): (&'a str, TypeId, u32, u8)) -> Self {
        MemberDef {
            name,
            ty,
            bit_offset,
            bitfield_size,
        }
    }
}

impl BtfBuilder {
    /// An empty graph.
    pub fn new() -> BtfBuilder {
        BtfBuilder {
            strings: vec![0],
            ..BtfBuilder::default()
        }
    }

    /// An empty graph that continues `base`.
    pub fn split(base: Arc<Btf>) -> BtfBuilder {
        let strings_end = base.strings_end();
        BtfBuilder {
            base: Some((base, strings_end)),
            ..BtfBuilder::default()
        }
    }

    /// The id that the next type gets.
    pub fn next_id(&self) -> TypeId {
        let first = self.base.as_ref().map_or(1, |(base, _)| base.len());
        TypeId(first.saturating_add(self.count))
    }

    /// Offset of `text` in the string table, where it is put if need be.
    pub fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(&offset) = self.offsets.get(text) {
            return offset;
        }
        let base = self.base.as_ref().map_or(0, |&(_, end)| end);
        let offset = base.saturating_add(self.strings.len() as u32);
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        self.offsets.insert(text.to_owned(), offset);
        offset
    }

    /// `size` bytes of integer.
    pub fn int(&mut self, name: &str, size: u32, encoding: Encoding) -> TypeId {
        let flags = match encoding {
            Encoding::Unsigned => 0,
            Encoding::Signed => 1,
            Encoding::Char => 2,
            Encoding::Bool => 4,
        };
        self.int_bits(name, size, encoding_word(flags, 0, (size * 8) as u8))
    }

    fn int_bits(&mut self, name: &str, size: u32, data: u32) -> TypeId {
        self.record(Kind::Int, name, 0, size, &[data])
    }

    /// Pointer to `to`.
    pub fn ptr(&mut self, to: TypeId) -> TypeId {
        self.record(Kind::Ptr, "", 0, to.0, &[])
    }

    /// `len` elements of `elem`; the index type is the element's, for want of
    /// another, which readers ignore.
    pub fn array(&mut self, elem: TypeId, len: u32) -> TypeId {
        self.record(Kind::Array, "", 0, 0, &[elem.0, elem.0, len])
    }

    /// `struct name` of `size` bytes.
    pub fn struct_(&mut self, name: &str, size: u32, members: &[MemberDef<'_>]) -> TypeId {
        self.composite(Kind::Struct, name, size, members)
    }

    /// `union name` of `size` bytes.
    pub fn union_(&mut self, name: &str, size: u32, members: &[MemberDef<'_>]) -> TypeId {
        self.composite(Kind::Union, name, size, members)
    }

    fn composite(
        &mut self,
        kind: Kind,
        name: &str,
        size: u32,
        members: &[MemberDef<'_>],
    ) -> TypeId {
        let bitfields = members.iter().any(|member| member.bitfield_size != 0);
        let words: Vec<u32> = members
            .iter()
            .take(u16::MAX.into())
            .flat_map(|member| {
                let offset = if bitfields {
                    member.bit_offset & 0xff_ffff | u32::from(member.bitfield_size) << 24
                } else {
                    member.bit_offset
                };
                [self.string(member.name), member.ty.0, offset]
            })
            .collect();
        self.record(
            kind,
            name,
            list_info(words.len() / 3, bitfields),
            size,
            &words,
        )
    }

    /// `enum name` of `size` bytes with values of 32 bits.
    pub fn enum_(&mut self, name: &str, size: u32, signed: bool, values: &[(&str, i32)]) -> TypeId {
        let words: Vec<u32> = values
            .iter()
            .take(u16::MAX.into())
            .flat_map(|&(name, value)| [self.string(name), value as u32])
            .collect();
        self.record(
            Kind::Enum,
            name,
            list_info(words.len() / 2, signed),
            size,
            &words,
        )
    }

    /// `enum name` of `size` bytes with values of 64 bits.
    pub fn enum64(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: &[(&str, i64)],
    ) -> TypeId {
        let words: Vec<u32> = values
            .iter()
            .take(u16::MAX.into())
            .flat_map(|&(name, value)| [self.string(name), value as u32, (value >> 32) as u32])
            .collect();
        self.record(
            Kind::Enum64,
            name,
            list_info(words.len() / 3, signed),
            size,
            &words,
        )
    }

    /// `struct name;` or `union name;`.
    pub fn fwd(&mut self, name: &str, union: bool) -> TypeId {
        self.record(Kind::Fwd, name, list_info(0, union), 0, &[])
    }

    /// A type that is `name` for or on `to`: typedef, `const`, `volatile`,
    /// `restrict` (without name), type tag.
    pub fn alias(&mut self, kind: Kind, name: &str, to: TypeId) -> TypeId {
        self.record(kind, name, 0, to.0, &[])
    }

    /// `typedef to name`.
    pub fn typedef(&mut self, name: &str, to: TypeId) -> TypeId {
        self.alias(Kind::Typedef, name, to)
    }

    /// A signature; a trailing `...` is `("", TypeId::VOID)`.
    pub fn func_proto(&mut self, ret: TypeId, params: &[(&str, TypeId)]) -> TypeId {
        let words: Vec<u32> = params
            .iter()
            .take(u16::MAX.into())
            .flat_map(|&(name, ty)| [self.string(name), ty.0])
            .collect();
        self.record(
            Kind::FuncProto,
            "",
            list_info(words.len() / 2, false),
            ret.0,
            &words,
        )
    }

    /// A function.
    pub fn func(&mut self, name: &str, proto: TypeId, linkage: Linkage) -> TypeId {
        self.record(Kind::Func, name, linkage as u32, proto.0, &[])
    }

    /// A variable.
    pub fn var(&mut self, name: &str, ty: TypeId, linkage: Linkage) -> TypeId {
        self.record(Kind::Var, name, 0, ty.0, &[linkage as u32])
    }

    /// A section of (variable, offset, size).
    pub fn datasec(&mut self, name: &str, size: u32, vars: &[(TypeId, u32, u32)]) -> TypeId {
        let words: Vec<u32> = vars
            .iter()
            .take(u16::MAX.into())
            .flat_map(|&(ty, offset, size)| [ty.0, offset, size])
            .collect();
        self.record(
            Kind::Datasec,
            name,
            list_info(words.len() / 3, false),
            size,
            &words,
        )
    }

    /// `size` bytes of floating point.
    pub fn float(&mut self, name: &str, size: u32) -> TypeId {
        self.record(Kind::Float, name, 0, size, &[])
    }

    /// A tag on a declaration or on one of its members or parameters.
    pub fn decl_tag(&mut self, tag: &str, on: TypeId, component: Option<u32>) -> TypeId {
        self.record(
            Kind::DeclTag,
            tag,
            0,
            on.0,
            &[component.unwrap_or(u32::MAX)],
        )
    }

    /// All types of another graph that has no base; what to add to its ids.
    pub fn append(&mut self, other: &Btf) -> u32 {
        let shift = self.next_id().0.saturating_sub(1);
        let moved = |id: u32| match id {
            0 => 0,
            id => id.saturating_add(shift),
        };
        for id in other.own_ids() {
            let Some(record) = other.record(id) else {
                continue;
            };
            let words: Vec<u32> = record
                .tail
                .as_chunks()
                .0
                .iter()
                .copied()
                .map(u32::from_le_bytes)
                .collect();
            let mut text = |offset: u32| self.string(other.str(offset).unwrap_or_default());
            let tail: Vec<u32> = match record.kind {
                Kind::Struct | Kind::Union => {
                    let members = words.as_chunks().0.iter();
                    members
                        .flat_map(|[name, ty, offset]| [text(*name), moved(*ty), *offset])
                        .collect()
                }
                Kind::FuncProto => {
                    let params = words.as_chunks().0.iter();
                    params
                        .flat_map(|[name, ty]| [text(*name), moved(*ty)])
                        .collect()
                }
                Kind::Enum => {
                    let values = words.as_chunks().0.iter();
                    values
                        .flat_map(|[name, value]| [text(*name), *value])
                        .collect()
                }
                Kind::Enum64 => {
                    let values = words.as_chunks().0.iter();
                    values
                        .flat_map(|[name, low, high]| [text(*name), *low, *high])
                        .collect()
                }
                Kind::Datasec => {
                    let vars = words.as_chunks().0.iter();
                    vars.flat_map(|[ty, offset, size]| [moved(*ty), *offset, *size])
                        .collect()
                }
                Kind::Array => words
                    .iter()
                    .zip([true, true, false])
                    .map(|(word, ty)| if ty { moved(*word) } else { *word })
                    .collect(),
                _ => words,
            };
            let info = list_info(record.vlen.into(), record.flag);
            let size_or_type = match record.kind.is_sized() {
                true => record.size_or_type,
                false => moved(record.size_or_type),
            };
            let name = other.str(record.name).unwrap_or_default();
            self.record(record.kind, name, info, size_or_type, &tail);
        }
        shift
    }

    /// Any record at all: `info` holds the list's length and the kind flag.
    pub(crate) fn record(
        &mut self,
        kind: Kind,
        name: &str,
        info: u32,
        size_or_type: u32,
        tail: &[u32],
    ) -> TypeId {
        let id = self.next_id();
        let head = [self.string(name), info | (kind as u32) << 24, size_or_type];
        self.types
            .extend(head.iter().chain(tail).flat_map(|word| word.to_le_bytes()));
        self.count += 1;
        id
    }

    /// The bytes, as they would stand in a `.BTF` section.
    pub fn bytes(&self) -> Vec<u8> {
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let mut out = vec![0x9f, 0xeb, 1, 0];
        out.extend(
            [24, 0, types, types, strings]
                .iter()
                .flat_map(|word| word.to_le_bytes()),
        );
        out.extend_from_slice(&self.types);
        out.extend_from_slice(&self.strings);
        out
    }

    /// The graph.
    ///
    /// # Errors
    ///
    /// Whatever [`Btf::parse`] finds wrong with what was asked for.
    pub fn finish(&self) -> Result<Btf, Error> {
        match &self.base {
            Some((base, _)) => Btf::parse_split(&self.bytes(), Arc::clone(base)),
            None => Btf::parse(&self.bytes()),
        }
    }
}

fn encoding_word(flags: u32, bit_offset: u8, bits: u8) -> u32 {
    flags << 24 | u32::from(bit_offset) << 16 | u32::from(bits)
}

fn list_info(len: usize, flag: bool) -> u32 {
    len as u32 | u32::from(flag) << 31
}
