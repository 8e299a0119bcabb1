//! What an instruction refers to: ELF relocations, understood.
//!
//! A relocation says "the address of symbol S goes here"; what that means
//! follows from the instruction and from what S is. Relocations that make no
//! sense are kept as such and reported when a program contains them: objects
//! hold dead code, and code for other programs than the one wanted.

use crate::code::CodeSection;
use crate::elf::{Elf, Home, Relocation, Symbol, SymbolKind, owned};
use crate::error::{Error, RelocationError};
use crate::externs::{ExternSource, Externs};
use crate::maps::Maps;
use crate::wire::Referrer;

/// A reference from a slot to something outside of its function.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// The slot, from the start of its section.
    pub(crate) pc: u32,
    pub(crate) target: Target,
}

/// What is referred to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A map by its index.
    Map(usize),
    /// A byte of the value of a global data map; what the instruction holds is
    /// added.
    Data { map: usize, offset: u64 },
    /// A byte of the value of the `.kconfig` map.
    Kconfig { map: usize, offset: u32 },
    /// Code in the code section with this index; what the instruction holds is
    /// added.
    Code { section: usize, offset: u64 },
    /// An extern of `.ksyms` by its index.
    Ksym(usize),
    /// Nothing: why not.
    Broken(Box<Error>),
}

/// What relocations may lead to.
pub(crate) struct Context<'a> {
    pub(crate) elf: &'a Elf<'a>,
    pub(crate) maps: &'a Maps,
    pub(crate) externs: &'a Externs,
    /// Index of the `.kconfig` map.
    pub(crate) kconfig: Option<usize>,
    /// Index of each code section by its ELF index.
    pub(crate) code: &'a std::collections::HashMap<usize, usize>,
}

impl Context<'_> {
    /// Adds the references that `relocations` of a code section make.
    pub(crate) fn references(
        &self,
        section: &mut CodeSection,
        relocations: impl Iterator<Item = Relocation>,
    ) -> Result<(), Error> {
        let mut references = std::mem::take(&mut section.references);
        for relocation in relocations {
            let pc = u32::try_from(relocation.offset / 8).ok();
            let pc = pc.filter(|pc| {
                relocation.offset.is_multiple_of(8) && (*pc as usize) < section.code.len()
            });
            let Some(pc) = pc else {
                return Err(Error::Elf {
                    what: "a relocation lies outside of its section or inside of an instruction",
                    place: Some(crate::Place::new(&section.name, relocation.offset)),
                });
            };
            let Some(symbol) = self.elf.symbols.get(relocation.symbol) else {
                return Err(Error::Elf {
                    what: "a relocation names a symbol that does not exist",
                    place: Some(crate::Place::new(&section.name, relocation.offset)),
                });
            };
            let target = self.target(section, pc, relocation.symbol, symbol);
            let target = target.unwrap_or_else(|error| Target::Broken(Box::new(error)));
            references.push(Reference { pc, target });
        }
        references.sort_by_key(|r| r.pc);
        references.dedup_by_key(|r| r.pc);
        section.references = references;
        Ok(())
    }

    fn target(
        &self,
        section: &CodeSection,
        pc: u32,
        index: usize,
        symbol: &Symbol<'_>,
    ) -> Result<Target, Error> {
        let broken = |what| Error::Relocation {
            place: section.place(pc),
            symbol: owned(self.elf.symbol_name(symbol)),
            what,
        };
        let slot = |pc: u32| section.code.get(pc as usize).copied();
        let head = slot(pc).unwrap_or_default();
        let Some(referrer) = Referrer::of(head, slot(pc + 1)) else {
            return Err(broken(RelocationError::Opcode(head.opcode)));
        };
        if let Some(index) = self.externs.by_symbol.get(&index) {
            return self
                .external(*index)
                .ok_or_else(|| broken(RelocationError::CutOff));
        }
        let home = match symbol.home {
            Home::Section(home) => home,
            Home::Special(special) => return Err(broken(RelocationError::Special(special))),
            Home::Undefined if matches!(referrer, Referrer::Wide(_)) => {
                return Err(broken(RelocationError::Undefined));
            }
            Home::Undefined => {
                let (place, symbol) = (section.place(pc), owned(symbol.name));
                return Err(Error::Undefined { place, symbol });
            }
        };
        if let Some(code) = self.code.get(&home) {
            return Ok(Target::Code {
                section: *code,
                offset: symbol.value,
            });
        }
        let Referrer::Wide(_) = referrer else {
            let home = self.elf.sections.get(home).map_or("", |s| s.name);
            return Err(broken(RelocationError::Section(owned(home))));
        };
        if let Some(map) = self.maps.data.get(&home) {
            return Ok(Target::Data {
                map: *map,
                offset: symbol.value,
            });
        }
        if self.maps.map_sections.contains(&home) {
            // A static map is its section and, in the instruction, its offset.
            let addend = match symbol.kind {
                SymbolKind::Section => u64::from(head.imm as u32),
                _ => 0,
            };
            let offset = symbol.value.wrapping_add(addend);
            let map = self.maps.by_place.get(&(home, offset));
            return match map {
                Some(map) => Ok(Target::Map(*map)),
                None => Err(broken(RelocationError::NoMap(offset))),
            };
        }
        let home = self.elf.sections.get(home).map_or("", |s| s.name);
        Err(broken(RelocationError::Section(owned(home))))
    }

    fn external(&self, index: usize) -> Option<Target> {
        match self.externs.list.get(index)?.source {
            ExternSource::Kconfig { offset, .. } => Some(Target::Kconfig {
                map: self.kconfig?,
                offset,
            }),
            ExternSource::Ksym { .. } => Some(Target::Ksym(index)),
        }
    }
}
