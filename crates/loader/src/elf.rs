//! The ELF file as sections, symbols and relocations, checked once.
//!
//! Everything borrows from the file's bytes; the rest of the crate never sees
//! the `object` crate.

use std::collections::HashMap;

use ::object::LittleEndian as LE;
use ::object::elf::{self, FileHeader64, SectionHeader64, Sym64};
use ::object::read::SectionIndex;
use ::object::read::elf::{FileHeader, SectionHeader, SectionTable, SymbolTable};

use crate::error::{Error, Place};

/// A checked ELF file.
pub(crate) struct Elf<'a> {
    /// All sections, at their ELF index.
    pub(crate) sections: Vec<Section<'a>>,
    /// All symbols, at their ELF index.
    pub(crate) symbols: Vec<Symbol<'a>>,
    /// Indices of the symbols that are defined in each section.
    by_section: HashMap<usize, Vec<usize>>,
    /// Index of the first section of each name.
    by_name: HashMap<&'a str, usize>,
}

/// One section.
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: SectionKind,
    pub(crate) executable: bool,
    /// The bytes in the file; empty for `.bss`.
    pub(crate) data: &'a [u8],
    /// Declared size; differs from the data's only for `.bss`, where nothing
    /// bounds it.
    pub(crate) size: u64,
    /// `sh_info`: for relocations, the section that they apply to.
    pub(crate) info: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Progbits,
    Nobits,
    Rel,
    Rela,
    Other,
}

/// One symbol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol<'a> {
    /// Empty for section symbols.
    pub(crate) name: &'a str,
    pub(crate) value: u64,
    pub(crate) size: u64,
    pub(crate) kind: SymbolKind,
    pub(crate) binding: Binding,
    pub(crate) home: Home,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    NoType,
    Object,
    Function,
    Section,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    Local,
    Global,
    Weak,
}

/// Where a symbol is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Undefined,
    /// ELF index of the section.
    Section(usize),
    /// A reserved index: absolute, common.
    Special(u16),
}

/// One `SHT_REL` entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relocation {
    /// Byte offset in the relocated section.
    pub(crate) offset: u64,
    /// Index of the symbol.
    pub(crate) symbol: usize,
}

impl<'a> Elf<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Elf<'a>, Error> {
        check_ident(bytes)?;
        let header = FileHeader64::<LE>::parse(bytes).map_err(broken)?;
        check_header(header)?;
        let table = header.sections(LE, bytes).map_err(broken)?;
        let symbols = table.symbols(LE, bytes, elf::SHT_SYMTAB).map_err(broken)?;
        let names = header.shstrndx(LE, bytes).map_err(broken)?;
        let names = strings(&table, SectionIndex(names as usize), bytes)?;
        let sections = table
            .iter()
            .map(|section| read_section(section, names, bytes))
            .collect::<Result<Vec<_>, _>>()?;
        check_overlap(&sections, bytes.len())?;
        let names = match symbols.is_empty() {
            true => &[],
            false => strings(&table, symbols.string_section(), bytes)?,
        };
        let symbols = symbols
            .enumerate()
            .map(|(index, symbol)| read_symbol(index, symbol, &symbols, names, sections.len()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut by_section: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, symbol) in symbols.iter().enumerate() {
            if let Home::Section(section) = symbol.home {
                by_section.entry(section).or_default().push(index);
            }
        }
        let mut by_name = HashMap::with_capacity(sections.len());
        for (index, section) in sections.iter().enumerate() {
            by_name.entry(section.name).or_insert(index);
        }
        Ok(Elf {
            sections,
            symbols,
            by_section,
            by_name,
        })
    }

    /// The section of this name with its index; the first, if there are several.
    pub(crate) fn section(&self, name: &str) -> Option<(usize, &Section<'a>)> {
        let index = *self.by_name.get(name)?;
        Some((index, self.sections.get(index)?))
    }

    /// Symbols that are defined in the section with ELF index `section`.
    pub(crate) fn symbols_in(&self, section: usize) -> impl Iterator<Item = &Symbol<'a>> {
        let indices = self.by_section.get(&section).into_iter().flatten();
        indices.filter_map(|i| self.symbols.get(*i))
    }

    /// The relocations of all sections: the index of the relocated section and
    /// each entry.
    pub(crate) fn relocations(
        &self,
    ) -> impl Iterator<Item = (usize, impl Iterator<Item = Relocation>)> {
        self.sections
            .iter()
            .filter(|s| s.kind == SectionKind::Rel)
            .map(|s| (s.info as usize, read_relocations(s.data)))
    }

    /// What to call the target of a symbol: its name, or that of its section.
    pub(crate) fn symbol_name(&self, symbol: &Symbol<'a>) -> &'a str {
        match symbol.home {
            Home::Section(index) if symbol.name.is_empty() => {
                self.sections.get(index).map_or("", |s| s.name)
            }
            _ => symbol.name,
        }
    }
}

fn read_relocations(data: &[u8]) -> impl Iterator<Item = Relocation> {
    data.as_chunks::<16>().0.iter().map(|entry| {
        let [o0, o1, o2, o3, o4, o5, o6, o7, _, _, _, _, s0, s1, s2, s3] = *entry;
        Relocation {
            offset: u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
            symbol: u32::from_le_bytes([s0, s1, s2, s3]) as usize,
        }
    })
}

/// Says what a file is that is not the ELF file we want.
fn check_ident(bytes: &[u8]) -> Result<(), Error> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(Error::NotElf { hint: guess(bytes) });
    }
    match (bytes.get(4), bytes.get(5)) {
        (Some(1), _) => Err(Error::Class32),
        (Some(2), Some(2)) => Err(Error::BigEndian),
        _ => Ok(()),
    }
}

fn guess(bytes: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"", "the file is empty"),
        (
            b"!<arch>\n",
            "it is an archive; extract the object with `ar x`",
        ),
        (
            b"BC\xc0\xde",
            "it is LLVM bitcode; compile it with `llc -march=bpf -filetype=obj`",
        ),
        (
            b"\xde\xc0\x17\x0b",
            "it is wrapped LLVM bitcode; compile it with `llc -march=bpf -filetype=obj`",
        ),
        (b"\x1f\x8b", "it is compressed with gzip; unpack it first"),
        (
            b"\x28\xb5\x2f\xfd",
            "it is compressed with zstd; unpack it first",
        ),
        (b"\xfd7zXZ", "it is compressed with xz; unpack it first"),
        (
            b"\x9f\xeb",
            "it is raw BTF, which describes types and has no program",
        ),
        (b"\xd4\xc3\xb2\xa1", "it is a packet capture"),
        (b"\xa1\xb2\xc3\xd4", "it is a packet capture"),
        (b"\x0a\x0d\x0d\x0a", "it is a packet capture"),
        (
            b"#include",
            "it is C source; compile it with `clang -O2 -g -target bpf -c`",
        ),
        (
            b"// SPDX",
            "it is C source; compile it with `clang -O2 -g -target bpf -c`",
        ),
        (
            b"/* SPDX",
            "it is C source; compile it with `clang -O2 -g -target bpf -c`",
        ),
    ];
    KNOWN
        .iter()
        .find(|(magic, _)| match magic.is_empty() {
            true => bytes.is_empty(),
            false => bytes.starts_with(magic),
        })
        .map(|(_, hint)| *hint)
}

fn check_header(header: &FileHeader64<LE>) -> Result<(), Error> {
    let machine = header.e_machine.get(LE);
    // Old compilers leave the machine empty.
    if machine != elf::EM_NONE && machine != elf::EM_BPF {
        return Err(Error::Machine { machine: machine.0 });
    }
    let found = header.e_type.get(LE);
    if found != elf::ET_REL {
        return Err(Error::NotRelocatable { found: found.0 });
    }
    Ok(())
}

/// Sections of a file do not overlap. One that made them overlap could have
/// many times its size read into memory.
fn check_overlap(sections: &[Section<'_>], file: usize) -> Result<(), Error> {
    let total: usize = sections.iter().map(|s| s.data.len()).sum();
    match total <= file {
        true => Ok(()),
        false => Err(Error::Elf {
            what: "the sections overlap: together they are larger than the file",
            place: None,
        }),
    }
}

fn read_section<'a>(
    header: &SectionHeader64<LE>,
    names: &'a [u8],
    bytes: &'a [u8],
) -> Result<Section<'a>, Error> {
    let name = name(names, header.sh_name.get(LE))?;
    let kind = match header.sh_type(LE) {
        elf::SHT_PROGBITS => SectionKind::Progbits,
        elf::SHT_NOBITS => SectionKind::Nobits,
        elf::SHT_REL => SectionKind::Rel,
        elf::SHT_RELA => SectionKind::Rela,
        _ => SectionKind::Other,
    };
    let data = header.data(LE, bytes).map_err(|_| Error::Elf {
        what: "the section reaches beyond the end of the file",
        place: Some(Place::new(name, 0)),
    })?;
    let flags = header.sh_flags.get(LE);
    Ok(Section {
        name,
        kind,
        executable: kind == SectionKind::Progbits && flags.0 & elf::SHF_EXECINSTR.0 != 0,
        data,
        size: match kind {
            SectionKind::Nobits => header.sh_size.get(LE),
            _ => data.len() as u64,
        },
        info: header.sh_info.get(LE),
    })
}

fn read_symbol<'a>(
    index: ::object::SymbolIndex,
    symbol: &Sym64<LE>,
    table: &SymbolTable<'a, FileHeader64<LE>>,
    names: &'a [u8],
    sections: usize,
) -> Result<Symbol<'a>, Error> {
    let name = name(names, symbol.st_name.get(LE))?;
    let home = match table.symbol_section(LE, symbol, index).map_err(broken)? {
        Some(section) if section.0 < sections => Home::Section(section.0),
        Some(section) => {
            return Err(Error::Elf {
                what: "a symbol names a section that does not exist",
                place: Some(Place::new(format!("#{}", section.0), 0).of(name)),
            });
        }
        None => match symbol.st_shndx.get(LE).0 {
            0 => Home::Undefined,
            special => Home::Special(special),
        },
    };
    Ok(Symbol {
        name,
        value: symbol.st_value.get(LE),
        size: symbol.st_size.get(LE),
        kind: match symbol.st_type() {
            elf::STT_NOTYPE => SymbolKind::NoType,
            elf::STT_OBJECT => SymbolKind::Object,
            elf::STT_FUNC => SymbolKind::Function,
            elf::STT_SECTION => SymbolKind::Section,
            _ => SymbolKind::Other,
        },
        binding: match symbol.st_bind() {
            elf::STB_LOCAL => Binding::Local,
            elf::STB_WEAK => Binding::Weak,
            _ => Binding::Global,
        },
        home,
    })
}

/// The bytes of a section of names.
fn strings<'a>(
    table: &SectionTable<'a, FileHeader64<LE>>,
    index: SectionIndex,
    bytes: &'a [u8],
) -> Result<&'a [u8], Error> {
    let section = table.section(index).map_err(broken)?;
    section.data(LE, bytes).map_err(broken)
}

/// The name at `offset`. Names may overlap, so that a small file can have many
/// long ones: a limit on their length bounds the work.
fn name(strings: &[u8], offset: u32) -> Result<&str, Error> {
    const LIMIT: usize = 4096;
    let bad = |what| Error::Elf { what, place: None };
    let rest = strings.get(offset as usize..);
    let rest = rest.ok_or_else(|| bad("a name lies outside of its string table"))?;
    let rest = rest.get(..LIMIT.min(rest.len())).unwrap_or_default();
    let end = rest.iter().position(|b| *b == 0);
    let end = end.ok_or_else(|| bad("a name is longer than 4,096 bytes or cut off"))?;
    let name = rest.get(..end).unwrap_or_default();
    std::str::from_utf8(name).map_err(|_| bad("a name is not UTF-8"))
}

/// A name to keep. Cut at 511 bytes, as long as Linux lets a symbol be, so that many
/// symbols over one long string cannot use much memory.
pub(crate) fn owned(name: &str) -> String {
    const LIMIT: usize = 511;
    let end = name.floor_char_boundary(LIMIT.min(name.len()));
    name.get(..end).unwrap_or_default().to_owned()
}

fn broken(error: ::object::read::Error) -> Error {
    Error::Structure {
        what: error.to_string(),
    }
}
