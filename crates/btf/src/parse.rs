//! Bytes to a [`Btf`]: header, then one walk that finds every record and checks
//! what can be checked without following references, then one that checks that
//! every reference leads somewhere.
//!
//! The checks are those of the kernel that are about the format; what a value
//! *means* (a member outside of its struct, a datasec of size 0 as compilers
//! write it) is left to whoever uses it, and so is what nothing depends on (the
//! size field of an array, where GCC leaves noise).

use std::{ops::Range, sync::Arc};

use crate::{
    Btf, Error, Kind, TypeId,
    graph::{Base, INFO_KIND_FLAG, Record},
    raw::{Records, u16_at, u32_at},
};

const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;
/// Magic, version, flags, header length, and four words.
const HEADER_LEN: u32 = 24;
/// Name, info, and size or type.
const RECORD_HEAD: usize = 12;
/// vlen, kind and kind flag; Linux refuses other bits.
const INFO_MASK: u32 = 0x9f00_ffff;

pub(crate) fn parse(bytes: &[u8], base: Option<Arc<Btf>>) -> Result<Btf, Error> {
    let header = Header::parse(bytes)?;
    let strings = parse_strings(section(bytes, &header.strings), base.is_none())?;
    let mut btf = Btf::empty(bytes.to_vec(), strings, base.map(Base::new));
    find_records(&mut btf, header.types)?;
    check_references(&btf)?;
    btf.guess_pointer_size();
    Ok(btf)
}

/// The fixed part common to `.BTF` and `.BTF.ext`: magic, version, flags, and
/// the header's length.
pub(crate) fn parse_preamble(bytes: &[u8], least: u32) -> Result<u32, Error> {
    let magic = u16_at(bytes, 0).ok_or_else(|| truncated("BTF header", 0, least, bytes))?;
    if magic == MAGIC.swap_bytes() {
        return Err(Error::BigEndian);
    }
    if magic != MAGIC {
        return Err(Error::BadMagic { found: magic });
    }
    let (Some(&version), Some(&flags), Some(header_len)) =
        (bytes.get(2), bytes.get(3), u32_at(bytes, 4))
    else {
        return Err(truncated("BTF header", 0, least, bytes));
    };
    if version != VERSION {
        return Err(Error::BadVersion { found: version });
    }
    if flags != 0 {
        return Err(Error::BadFlags { found: flags });
    }
    if header_len < least {
        return Err(Error::BadHeaderLen {
            found: header_len,
            least,
        });
    }
    if bytes.len() < header_len as usize {
        return Err(truncated("BTF header", 0, header_len, bytes));
    }
    Ok(header_len)
}

/// The range of a part that the header gives as offset (from the header's end)
/// and length, if it lies inside of the bytes.
pub(crate) fn part(
    bytes: &[u8],
    what: &'static str,
    header_len: u32,
    [offset, len]: [u32; 2],
) -> Result<Range<usize>, Error> {
    let start = u64::from(header_len) + u64::from(offset);
    let end = start + u64::from(len);
    if end > bytes.len() as u64 {
        return Err(Error::Truncated {
            what,
            offset: start,
            needed: len.into(),
            available: (bytes.len() as u64).saturating_sub(start),
        });
    }
    Ok(start as usize..end as usize)
}

fn truncated(what: &'static str, offset: usize, needed: u32, bytes: &[u8]) -> Error {
    let available = bytes.len().saturating_sub(offset) as u64;
    Error::Truncated {
        what,
        offset: offset as u64,
        needed: needed.into(),
        available,
    }
}

fn section<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or(&[])
}

struct Header {
    types: Range<usize>,
    strings: Range<usize>,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Header, Error> {
        let header_len = parse_preamble(bytes, HEADER_LEN)?;
        let word = |at| u32_at(bytes, at).unwrap_or(0);
        Ok(Header {
            types: part(bytes, "BTF types", header_len, [word(8), word(12)])?,
            strings: part(bytes, "BTF strings", header_len, [word(16), word(20)])?,
        })
    }
}

fn parse_strings(bytes: &[u8], is_base: bool) -> Result<String, Error> {
    if bytes.is_empty() && !is_base {
        return Ok(String::new());
    }
    // The first string of a base is the empty one, which offset 0 stands for.
    if bytes.last() != Some(&0) || is_base && bytes.first() != Some(&0) {
        return Err(Error::StringsNotTerminated);
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(Error::StringsNotUtf8 {
            offset: error.valid_up_to() as u64,
        }),
    }
}

/// Walks the records and notes where each starts.
fn find_records(btf: &mut Btf, types: Range<usize>) -> Result<(), Error> {
    // Records have 12 bytes at least and mostly more; grown when that is short.
    let mut offsets = Vec::with_capacity(types.len() / 24);
    let mut decl_tags = Vec::new();
    let bytes = section(&btf.bytes, &(0..types.end));
    let mut at = types.start;
    while at < types.end {
        let id = TypeId(btf.first_id.saturating_add(offsets.len() as u32));
        let (Some(info), Some(_)) = (u32_at(bytes, at + 4), u32_at(bytes, at + 8)) else {
            return Err(truncated("BTF type", at, RECORD_HEAD as u32, bytes));
        };
        let kind = check_info(id, at, info)?;
        let len = RECORD_HEAD + tail_len(kind, (info & 0xffff) as usize);
        if len > types.end - at {
            return Err(truncated("BTF type", at, len as u32, bytes));
        }
        if kind == Kind::DeclTag {
            decl_tags.push(id);
        }
        offsets.push(at as u32);
        at += len;
    }
    offsets.shrink_to_fit();
    btf.offsets = offsets;
    btf.decl_tags = decl_tags;
    Ok(())
}

/// The kind in an info word that has no bits that its kind knows not.
fn check_info(id: TypeId, at: usize, info: u32) -> Result<Kind, Error> {
    let offset = at as u64;
    let number = (info >> 24) as u8 & 0x1f;
    let bad = |what| Err(Error::BadType { id, offset, what });
    if info & !INFO_MASK != 0 {
        return bad("unknown bits in its info word");
    }
    let Some(kind) = Kind::from_number(number) else {
        return Err(Error::UnknownKind {
            id,
            offset,
            kind: number,
        });
    };
    let has_list = matches!(
        kind,
        Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::FuncProto | Kind::Datasec
    );
    if !has_list && kind != Kind::Func && info & 0xffff != 0 {
        return bad("a list length on a kind that has no list");
    }
    let has_flag = matches!(
        kind,
        Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Enum64
            | Kind::Fwd
            | Kind::DeclTag
            | Kind::TypeTag
    );
    if !has_flag && info & INFO_KIND_FLAG != 0 {
        return bad("a kind flag on a kind that has none");
    }
    if kind == Kind::Func && info & 0xffff > 2 {
        return bad("unknown linkage of a function");
    }
    Ok(kind)
}

/// Bytes that follow a record's first twelve.
pub(crate) fn tail_len(kind: Kind, vlen: usize) -> usize {
    match kind {
        Kind::Int | Kind::Var | Kind::DeclTag => 4,
        Kind::Array => 12,
        Kind::Struct | Kind::Union | Kind::Datasec | Kind::Enum64 => 12 * vlen,
        Kind::Enum | Kind::FuncProto => 8 * vlen,
        _ => 0,
    }
}

fn check_references(btf: &Btf) -> Result<(), Error> {
    let last = TypeId(btf.len().saturating_sub(1));
    for id in btf.own_ids() {
        let Some(record) = btf.record(id) else {
            continue;
        };
        let check = Check { btf, id, last };
        check.string(record.name)?;
        check.record(&record)?;
    }
    Ok(())
}

struct Check<'a> {
    btf: &'a Btf,
    id: TypeId,
    last: TypeId,
}

impl Check<'_> {
    fn record(&self, record: &Record<'_>) -> Result<(), Error> {
        let tail = record.tail;
        match record.kind {
            Kind::Int => self.int(record),
            Kind::Array => {
                self.reference(u32_at(tail, 0).unwrap_or(0))?;
                self.reference(u32_at(tail, 4).unwrap_or(0))
            }
            Kind::Struct | Kind::Union => {
                for [name, ty, _] in Records::<3>(tail).iter() {
                    self.string(name)?;
                    self.reference(ty)?;
                }
                Ok(())
            }
            Kind::Enum => Records::<2>(tail)
                .iter()
                .try_for_each(|[name, _]| self.string(name)),
            Kind::Enum64 => Records::<3>(tail)
                .iter()
                .try_for_each(|[name, ..]| self.string(name)),
            Kind::FuncProto => {
                for [name, ty] in Records::<2>(tail).iter() {
                    self.string(name)?;
                    self.reference(ty)?;
                }
                self.reference(record.size_or_type)
            }
            Kind::Datasec => Records::<3>(tail)
                .iter()
                .try_for_each(|[ty, ..]| self.reference(ty)),
            Kind::Var => {
                if u32_at(tail, 0).unwrap_or(0) > 2 {
                    return self.bad("unknown linkage of a variable");
                }
                self.reference(record.size_or_type)
            }
            Kind::Void | Kind::Fwd | Kind::Float => Ok(()),
            Kind::Ptr
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::Func
            | Kind::DeclTag
            | Kind::TypeTag => self.reference(record.size_or_type),
        }
    }

    /// Encoding, bit offset and bits of an integer, as Linux checks them.
    fn int(&self, record: &Record<'_>) -> Result<(), Error> {
        let data = u32_at(record.tail, 0).unwrap_or(0);
        let (offset, bits) = ((data >> 16) & 0xff, data & 0xff);
        if data & 0xf000_ff00 != 0 {
            return self.bad("unknown bits in the encoding of an integer");
        }
        if offset + bits > 128 || (offset + bits).div_ceil(8) > record.size_or_type {
            return self.bad("an integer of more bits than its size has or than 128");
        }
        Ok(())
    }

    fn string(&self, offset: u32) -> Result<(), Error> {
        if self.btf.has_name(offset) {
            Ok(())
        } else {
            Err(Error::BadName {
                id: self.id,
                offset,
            })
        }
    }

    fn reference(&self, target: u32) -> Result<(), Error> {
        let (id, last) = (self.id, self.last);
        if target > last.0 {
            return Err(Error::DanglingType {
                id,
                target: TypeId(target),
                last,
            });
        }
        Ok(())
    }

    fn bad(&self, what: &'static str) -> Result<(), Error> {
        let offset = self.btf.offset_of(self.id).unwrap_or(0).into();
        Err(Error::BadType {
            id: self.id,
            offset,
            what,
        })
    }
}
