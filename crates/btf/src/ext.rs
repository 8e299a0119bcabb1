//! `.BTF.ext`: what ties the instructions of an object file to its BTF.
//!
//! Three tables, each grouped by the ELF section that it is about: functions
//! ([`FuncInfo`]), source lines ([`LineInfo`]) and CO-RE relocations
//! ([`Relo`]). Offsets are of the instruction, in bytes from
//! the start of its section; an instruction takes 8 bytes, which every offset
//! has been checked to be a multiple of.
//!
//! A table says how long its records are. Longer ones than known are read as
//! far as known, since the format grows at the end of records; shorter ones are
//! an error.

use crate::{
    Btf, Error, TypeId,
    core::{Relo, ReloKind},
    parse::{parse_preamble, part},
    raw::u32_at,
};

/// Magic to header length, then offset and length of two tables.
const HEADER_LEN: u32 = 24;
/// With the third table, for CO-RE relocations, since Linux 5.4.
const HEADER_LEN_WITH_CORE: u32 = 32;
const INSN_SIZE: u32 = 8;
/// Longest section name and CO-RE access string. An access of the most parts
/// that there may be (64, of ten digits) has 703 bytes.
const MAX_COPIED_LEN: usize = 1024;

/// A parsed `.BTF.ext` section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ext {
    /// Which function starts where.
    pub func_info: Vec<Section<FuncInfo>>,
    /// Which source line instructions come from.
    pub line_info: Vec<Section<LineInfo>>,
    /// Which instructions CO-RE has to adjust.
    pub core_relo: Vec<Section<Relo>>,
}

/// The records about one ELF section, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<T> {
    /// Name of the ELF section.
    pub name: String,
    /// What is said about it.
    pub records: Vec<T>,
}

/// A function starts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncInfo {
    /// Byte offset of its first instruction in the section.
    pub insn_off: u32,
    /// Its [`Func`](crate::Func).
    pub type_id: TypeId,
}

/// A source line starts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineInfo {
    /// Byte offset of the first instruction in the section.
    pub insn_off: u32,
    /// The file's name in the BTF's strings; read it with [`LineInfo::file`].
    pub file_name_off: u32,
    /// The line's text in the BTF's strings; read it with [`LineInfo::text`].
    pub line_off: u32,
    /// Line number, from 1.
    pub line: u32,
    /// Column number, from 1; 0 when unknown.
    pub column: u32,
}

impl LineInfo {
    /// Name of the source file.
    pub fn file<'a>(&self, btf: &'a Btf) -> &'a str {
        btf.str(self.file_name_off).unwrap_or("")
    }

    /// Text of the source line, as the compiler saw it; often empty.
    pub fn text<'a>(&self, btf: &'a Btf) -> &'a str {
        btf.str(self.line_off).unwrap_or("")
    }
}

impl Ext {
    /// Parses the contents of a `.BTF.ext` section; `btf` is that of the same
    /// file and has the strings.
    ///
    /// # Errors
    ///
    /// Whatever is malformed, with its byte offset or section.
    pub fn parse(bytes: &[u8], btf: &Btf) -> Result<Ext, Error> {
        let header_len = parse_preamble(bytes, HEADER_LEN)?;
        let table = |what, at| {
            let word = |at| u32_at(bytes, at).unwrap_or(0);
            let range = part(bytes, what, header_len, [word(at), word(at + 4)])?;
            Ok(Table {
                what,
                btf,
                bytes: bytes.get(..range.end).unwrap_or(&[]),
                at: range.start,
            })
        };
        let core_relo = if header_len >= HEADER_LEN_WITH_CORE {
            table("core_relo", 24)?.sections(16, relo)?
        } else {
            Vec::new()
        };
        Ok(Ext {
            func_info: table("func_info", 8)?.sections(8, func_info)?,
            line_info: table("line_info", 16)?.sections(16, line_info)?,
            core_relo,
        })
    }
}

fn func_info(context: &Context<'_>, record: &[u8]) -> Result<FuncInfo, Error> {
    let [insn_off, type_id] = words(record);
    let (id, last) = (TypeId(type_id), TypeId(context.btf.len().saturating_sub(1)));
    if id > last {
        let (what, section) = (context.what, context.section.to_owned());
        return Err(Error::BadTypeId {
            what,
            section,
            target: id,
            last,
        });
    }
    Ok(FuncInfo {
        insn_off: context.insn_off(insn_off)?,
        type_id: id,
    })
}

fn line_info(context: &Context<'_>, record: &[u8]) -> Result<LineInfo, Error> {
    let [insn_off, file_name_off, line_off, line_col] = words(record);
    context.string(file_name_off)?;
    context.string(line_off)?;
    Ok(LineInfo {
        insn_off: context.insn_off(insn_off)?,
        file_name_off,
        line_off,
        line: line_col >> 10,
        column: line_col & 0x3ff,
    })
}

fn relo(context: &Context<'_>, record: &[u8]) -> Result<Relo, Error> {
    let [insn_off, type_id, access_str_off, kind] = words(record);
    let insn_off = context.insn_off(insn_off)?;
    let Some(kind) = ReloKind::from_number(kind) else {
        let section = context.section.to_owned();
        return Err(Error::UnknownReloKind {
            section,
            insn_off,
            kind,
        });
    };
    let access = context.short_string(access_str_off)?.to_owned();
    Ok(Relo {
        insn_off,
        type_id: TypeId(type_id),
        access,
        kind,
    })
}

fn words<const N: usize>(record: &[u8]) -> [u32; N] {
    std::array::from_fn(|i| u32_at(record, 4 * i).unwrap_or(0))
}

/// One of the three tables: record size, then sections, each a name, a count and
/// that many records.
struct Table<'a> {
    what: &'static str,
    btf: &'a Btf,
    /// Everything up to the table's end, so that offsets are the file's.
    bytes: &'a [u8],
    at: usize,
}

/// Where a record stands.
struct Context<'a> {
    what: &'static str,
    btf: &'a Btf,
    section: &'a str,
}

impl<'a> Table<'a> {
    fn sections<T>(
        mut self,
        least: u32,
        read: impl Fn(&Context<'_>, &[u8]) -> Result<T, Error>,
    ) -> Result<Vec<Section<T>>, Error> {
        let mut sections = Vec::new();
        if self.at == self.bytes.len() {
            return Ok(sections);
        }
        let record_size = self.word()?;
        if record_size < least || !record_size.is_multiple_of(4) {
            let what = self.what;
            return Err(Error::BadRecordSize {
                what,
                found: record_size,
                least,
            });
        }
        while self.at < self.bytes.len() {
            let name = self.word()?;
            let count = self.word()?;
            let records = self.take(u64::from(count) * u64::from(record_size))?;
            let context = Context {
                what: self.what,
                btf: self.btf,
                section: "",
            };
            let context = Context {
                section: context.short_string(name)?,
                ..context
            };
            sections.push(Section {
                name: context.section.to_owned(),
                records: records
                    .chunks_exact(record_size as usize)
                    .map(|record| read(&context, record))
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(sections)
    }

    fn word(&mut self) -> Result<u32, Error> {
        Ok(u32_at(self.take(4)?, 0).unwrap_or(0))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let taken = usize::try_from(len).ok().and_then(|len| rest.get(..len));
        let taken = taken.ok_or(Error::Truncated {
            what: self.what,
            offset: self.at as u64,
            needed: len,
            available: rest.len() as u64,
        })?;
        self.at += taken.len();
        Ok(taken)
    }
}

impl<'a> Context<'a> {
    fn insn_off(&self, offset: u32) -> Result<u32, Error> {
        if offset.is_multiple_of(INSN_SIZE) {
            return Ok(offset);
        }
        let (what, section) = (self.what, self.section.to_owned());
        Err(Error::BadInsnOffset {
            what,
            section,
            offset,
        })
    }

    /// A string that is copied for each record: were it long, a small table
    /// could ask for any amount of memory.
    fn short_string(&self, offset: u32) -> Result<&'a str, Error> {
        let string = self.string(offset)?;
        if string.len() > MAX_COPIED_LEN {
            let what = self.what;
            return Err(Error::LongString { what, offset });
        }
        Ok(string)
    }

    fn string(&self, offset: u32) -> Result<&'a str, Error> {
        self.btf.str(offset).ok_or(Error::BadString {
            what: self.what,
            offset,
        })
    }
}
