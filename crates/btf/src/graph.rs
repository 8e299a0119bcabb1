//! [`Btf`], the type graph: lookup by id and by name, and what is behind names
//! and modifiers.

use std::{
    ffi::CStr,
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use crate::{
    Array, Composite, Datasec, DeclTag, Enum, Error, Float, Func, FuncProto, Fwd, Int, Kind,
    Linkage, MAX_DEPTH, Named, Type, TypeId, Var,
    index::Index,
    parse,
    raw::{Records, u32_at},
    types::EnumRecords,
};

/// The longest name of a type, member, enumerator or parameter. Linux allows
/// 511 bytes; without any limit, many types could share one name of megabytes
/// and make every lookup slow. Other strings (source lines) may be longer.
const MAX_NAME_LEN: usize = 4096;

pub(crate) const INFO_KIND_FLAG: u32 = 1 << 31;

/// A parsed type graph. It owns its bytes; share it in an [`Arc`].
///
/// Split BTF (a kernel module's) continues the numbering of types and strings
/// of its base and answers for both.
#[derive(Clone)]
pub struct Btf {
    pub(crate) bytes: Vec<u8>,
    /// Where each own type's record starts in `bytes`.
    pub(crate) offsets: Vec<u32>,
    /// Own types of the kind that nothing refers to.
    pub(crate) decl_tags: Vec<TypeId>,
    strings: String,
    /// Offsets in `strings` from where a string is too long for a name.
    long_strings: Vec<Range<u32>>,
    base: Option<Base>,
    /// The id of the first own type: 1 without a base.
    pub(crate) first_id: u32,
    pub(crate) pointer_size: u32,
    index: OnceLock<Arc<Index>>,
}

#[derive(Clone)]
pub(crate) struct Base {
    btf: Arc<Btf>,
    strings_len: u32,
}

impl Base {
    pub(crate) fn new(btf: Arc<Btf>) -> Base {
        let strings_len = btf.strings_end();
        Base { btf, strings_len }
    }
}

/// The parts of a type's record.
pub(crate) struct Record<'a> {
    pub(crate) name: u32,
    pub(crate) kind: Kind,
    pub(crate) flag: bool,
    /// Linkage of a function; the length of the list otherwise.
    pub(crate) vlen: u16,
    pub(crate) size_or_type: u32,
    pub(crate) tail: &'a [u8],
}

impl Btf {
    /// Parses the contents of a `.BTF` section.
    ///
    /// # Errors
    ///
    /// Whatever is malformed, with its byte offset or type id; big-endian BTF.
    pub fn parse(bytes: &[u8]) -> Result<Btf, Error> {
        parse::parse(bytes, None)
    }

    /// Parses split BTF (of a kernel module), which continues `base`.
    ///
    /// # Errors
    ///
    /// As [`Btf::parse`].
    pub fn parse_split(bytes: &[u8], base: Arc<Btf>) -> Result<Btf, Error> {
        parse::parse(bytes, Some(base))
    }

    pub(crate) fn empty(bytes: Vec<u8>, strings: String, base: Option<Base>) -> Btf {
        let first_id = base.as_ref().map_or(1, |base| base.btf.len());
        let (offsets, index) = (Vec::new(), OnceLock::new());
        let long_strings = long_strings(&strings);
        Btf {
            bytes,
            offsets,
            decl_tags: Vec::new(),
            strings,
            long_strings,
            base,
            first_id,
            pointer_size: 8,
            index,
        }
    }

    /// The bytes that were parsed (of split BTF: without its base).
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The base that this split BTF continues.
    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref().map(|base| &base.btf)
    }

    /// Number of types, `void` and those of the base counted in: the first id
    /// that does not exist.
    #[expect(clippy::len_without_is_empty, reason = "void is always there")]
    pub fn len(&self) -> u32 {
        self.first_id.saturating_add(self.offsets.len() as u32)
    }

    /// Ids of all types except `void`, those of the base first.
    pub fn ids(&self) -> impl Iterator<Item = TypeId> + use<> {
        (1..self.len()).map(TypeId)
    }

    /// Ids of the types that are not the base's.
    pub fn own_ids(&self) -> impl Iterator<Item = TypeId> + use<> {
        (self.first_id..self.len()).map(TypeId)
    }

    /// All types except `void`, with their ids.
    pub fn types(&self) -> impl Iterator<Item = (TypeId, Type<'_>)> {
        self.ids().filter_map(|id| Some((id, self.ty(id)?)))
    }

    /// All tags of declarations, those of the base first.
    pub fn decl_tags(&self) -> impl Iterator<Item = DeclTag<'_>> {
        let base = self.base().map_or(&[][..], |base| &base.decl_tags);
        let ids = base.iter().chain(&self.decl_tags);
        ids.filter_map(|id| match self.ty(*id)? {
            Type::DeclTag(tag) => Some(tag),
            _ => None,
        })
    }

    /// The type with this id; `None` when there is none.
    pub fn ty(&self, id: TypeId) -> Option<Type<'_>> {
        if id == TypeId::VOID {
            return Some(Type::Void);
        }
        match &self.base {
            Some(base) if id.0 < self.first_id => base.btf.ty(id),
            _ => Some(self.decode(&self.record(id)?)),
        }
    }

    /// The kind of the type with this id.
    pub fn kind(&self, id: TypeId) -> Option<Kind> {
        if id == TypeId::VOID {
            return Some(Kind::Void);
        }
        match &self.base {
            Some(base) if id.0 < self.first_id => base.btf.kind(id),
            _ => Some(self.record(id)?.kind),
        }
    }

    /// The name of a type, empty for one without a name or that does not exist.
    pub fn name(&self, id: TypeId) -> &str {
        match &self.base {
            Some(base) if id.0 < self.first_id => base.btf.name(id),
            _ => self
                .record(id)
                .and_then(|record| self.str(record.name))
                .unwrap_or(""),
        }
    }

    /// The string at this offset of the string table.
    pub fn str(&self, offset: u32) -> Option<&str> {
        let own = match &self.base {
            Some(base) if offset < base.strings_len => return base.btf.str(offset),
            Some(base) => offset - base.strings_len,
            None => offset,
        };
        let rest = self.strings.get(own as usize..)?;
        // Strings may be long: the standard library looks at words.
        let string = CStr::from_bytes_until_nul(rest.as_bytes()).ok()?;
        rest.get(..string.count_bytes())
    }

    /// Whether there is a string at this offset of the string table.
    pub fn has_str(&self, offset: u32) -> bool {
        let own = match &self.base {
            Some(base) if offset < base.strings_len => return base.btf.has_str(offset),
            Some(base) => offset - base.strings_len,
            None => offset,
        };
        // The last string ends where the table does.
        let at = own as usize;
        at < self.strings.len() && self.strings.is_char_boundary(at)
    }

    /// Whether there is a string at this offset that may be a name: one of up
    /// to [`MAX_NAME_LEN`] bytes.
    pub(crate) fn has_name(&self, offset: u32) -> bool {
        match &self.base {
            Some(base) if offset < base.strings_len => base.btf.has_name(offset),
            Some(base) => self.has_own_name(offset - base.strings_len),
            None => self.has_own_name(offset),
        }
    }

    fn has_own_name(&self, offset: u32) -> bool {
        let at = offset as usize;
        let next = self.long_strings.partition_point(|long| long.end <= offset);
        let long = self
            .long_strings
            .get(next)
            .is_some_and(|long| long.contains(&offset));
        at < self.strings.len() && self.strings.is_char_boundary(at) && !long
    }

    pub(crate) fn strings_end(&self) -> u32 {
        let base = self.base.as_ref().map_or(0, |base| base.strings_len);
        base.saturating_add(self.strings.len() as u32)
    }

    /// Where an own type's record starts.
    pub(crate) fn offset_of(&self, id: TypeId) -> Option<u32> {
        let index = id.0.checked_sub(self.first_id)?;
        self.offsets.get(index as usize).copied()
    }

    /// The record of an own type.
    pub(crate) fn record(&self, id: TypeId) -> Option<Record<'_>> {
        let bytes = self.bytes.get(self.offset_of(id)? as usize..)?;
        let info = u32_at(bytes, 4)?;
        let kind = Kind::from_number((info >> 24) as u8 & 0x1f)?;
        let vlen = info as u16;
        let tail_len = parse::tail_len(kind, vlen.into());
        Some(Record {
            name: u32_at(bytes, 0)?,
            kind,
            flag: info & INFO_KIND_FLAG != 0,
            vlen,
            size_or_type: u32_at(bytes, 8)?,
            tail: bytes.get(12..12 + tail_len)?,
        })
    }

    fn decode<'a>(&'a self, record: &Record<'a>) -> Type<'a> {
        let btf = self;
        let &Record {
            flag,
            size_or_type: size,
            tail,
            ..
        } = record;
        let name = self.str(record.name).unwrap_or("");
        let ty = TypeId(size);
        let word = |at| u32_at(tail, at).unwrap_or(0);
        let linkage = |number| Linkage::from_number(number).unwrap_or(Linkage::Static);
        let composite = || Composite {
            name,
            size,
            bitfields: flag,
            members: Records(tail),
            btf,
        };
        let enumeration = |values| Enum {
            name,
            size,
            signed: flag,
            values,
            btf,
        };
        match record.kind {
            Kind::Void => Type::Void,
            Kind::Int => Type::Int(decode_int(name, size, word(0))),
            Kind::Ptr => Type::Ptr(ty),
            Kind::Array => Type::Array(Array {
                elem: TypeId(word(0)),
                index: TypeId(word(4)),
                len: word(8),
            }),
            Kind::Struct => Type::Struct(composite()),
            Kind::Union => Type::Union(composite()),
            Kind::Enum => Type::Enum(enumeration(EnumRecords::Narrow(Records(tail)))),
            Kind::Enum64 => Type::Enum64(enumeration(EnumRecords::Wide(Records(tail)))),
            Kind::Fwd => Type::Fwd(Fwd { name, union: flag }),
            Kind::Typedef => Type::Typedef(Named { name, ty }),
            Kind::Volatile => Type::Volatile(ty),
            Kind::Const => Type::Const(ty),
            Kind::Restrict => Type::Restrict(ty),
            Kind::Func => Type::Func(Func {
                name,
                proto: ty,
                linkage: linkage(record.vlen.into()),
            }),
            Kind::FuncProto => Type::FuncProto(FuncProto {
                ret: ty,
                params: Records(tail),
                btf,
            }),
            Kind::Var => Type::Var(Var {
                name,
                ty,
                linkage: linkage(word(0)),
            }),
            Kind::Datasec => Type::Datasec(Datasec {
                name,
                size,
                vars: Records(tail),
            }),
            Kind::Float => Type::Float(Float { name, size }),
            Kind::DeclTag => {
                let component = (word(0) != u32::MAX).then_some(word(0));
                Type::DeclTag(DeclTag {
                    name,
                    ty,
                    component,
                })
            }
            Kind::TypeTag => Type::TypeTag(Named { name, ty }),
        }
    }

    /// The type behind modifiers (`const`, `volatile`, `restrict`, type tags)
    /// and typedefs; `None` when the chain is endless or `id` does not exist.
    pub fn resolve(&self, id: TypeId) -> Option<TypeId> {
        self.resolve_where(id, |kind| kind.is_modifier() || kind == Kind::Typedef)
    }

    /// As [`Btf::resolve`], but stops at a typedef.
    pub fn strip_modifiers(&self, id: TypeId) -> Option<TypeId> {
        self.resolve_where(id, Kind::is_modifier)
    }

    /// The type behind modifiers and typedefs, with its id.
    pub fn resolved(&self, id: TypeId) -> Option<(TypeId, Type<'_>)> {
        let id = self.resolve(id)?;
        Some((id, self.ty(id)?))
    }

    fn resolve_where(&self, mut id: TypeId, skip: impl Fn(Kind) -> bool) -> Option<TypeId> {
        for _ in 0..MAX_DEPTH {
            if !skip(self.kind(id)?) {
                return Some(id);
            }
            id = self.ty(id)?.target()?;
        }
        None
    }

    /// The first type with exactly this name and kind, the base's first.
    pub fn find(&self, name: &str, kind: Kind) -> Option<TypeId> {
        self.find_all(name).find(|&id| self.kind(id) == Some(kind))
    }

    /// All types with exactly this name, the base's first, then by id.
    pub fn find_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = TypeId> + 'a {
        self.flavors(crate::index::essential_name(name))
            .filter(move |&id| self.name(id) == name)
    }

    /// All types whose name without its `___flavor` suffix is `essential`, the
    /// base's first, then by id.
    pub fn flavors<'a>(&'a self, essential: &'a str) -> impl Iterator<Item = TypeId> + 'a {
        // A base has no base of its own in practice, but nothing forbids it.
        let mut layers = Vec::new();
        let mut layer = Some(self);
        while let Some(btf) = layer {
            layers.push(btf);
            layer = btf.base().map(Arc::as_ref);
        }
        layers
            .into_iter()
            .rev()
            .flat_map(move |btf| btf.own_flavors(essential))
    }

    /// As [`Btf::flavors`], without those of the base.
    pub fn own_flavors<'a>(&'a self, essential: &'a str) -> impl Iterator<Item = TypeId> + 'a {
        self.index
            .get_or_init(|| Arc::new(Index::new(self)))
            .find(self, essential)
    }

    /// Fills in what compilers leave open in a section of variables: its size
    /// and, from `offset_of` (variable, its name), where each variable lies. The
    /// entries are sorted by offset, as Linux wants them.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] when `id` is no own datasec.
    pub fn lay_out_datasec(
        &mut self,
        id: TypeId,
        size: u32,
        mut offset_of: impl FnMut(TypeId, &str) -> Option<u32>,
    ) -> Result<(), Error> {
        let wrong = Error::WrongKind {
            id,
            expected: "datasec",
        };
        let (Some(at), Some(Type::Datasec(datasec))) = (self.offset_of(id), self.ty(id)) else {
            return Err(wrong);
        };
        let mut vars: Vec<_> = datasec.vars().collect();
        for var in &mut vars {
            var.offset = offset_of(var.ty, self.name(var.ty)).unwrap_or(var.offset);
        }
        vars.sort_by_key(|var| var.offset);
        let words = vars.iter().flat_map(|var| [var.ty.0, var.offset, var.size]);
        let bytes: Vec<u8> = std::iter::once(size)
            .chain(words)
            .flat_map(u32::to_le_bytes)
            .collect();
        let start = at as usize + 8;
        if let Some(place) = self.bytes.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(&bytes);
        }
        Ok(())
    }
}

/// Where in the table strings have more than [`MAX_NAME_LEN`] bytes to their end.
fn long_strings(strings: &str) -> Vec<Range<u32>> {
    let mut found = Vec::new();
    // A string that long fills a whole chunk of half its length. Real tables
    // have none, and this sees so without reading all of them.
    let mut chunks = strings.as_bytes().chunks(MAX_NAME_LEN / 2);
    if chunks.all(|chunk| chunk.contains(&0)) {
        return found;
    }
    let mut start = 0;
    for string in strings.split('\0') {
        if string.len() > MAX_NAME_LEN {
            found.push(start as u32..(start + string.len() - MAX_NAME_LEN) as u32);
        }
        start += string.len() + 1;
    }
    found
}

fn decode_int(name: &str, size: u32, data: u32) -> Int<'_> {
    let encoding = data >> 24;
    Int {
        name,
        size,
        bits: data as u8,
        bit_offset: (data >> 16) as u8,
        signed: encoding & 1 != 0,
        char: encoding & 2 != 0,
        bool: encoding & 4 != 0,
    }
}

impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("bytes", &self.bytes.len())
            .field("first_id", &self.first_id)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
