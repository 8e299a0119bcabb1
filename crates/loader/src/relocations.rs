//! ELF relocations, understood: what instructions refer to.
//!
//! A relocation says "the address of symbol S goes here"; what that means
//! follows from the instruction and from what S is. Relocations that make no
//! sense are kept as such and reported when a program contains them: objects
//! hold dead code, and code for other programs than the one wanted.

use crate::code::{Code, CodeSection};
use crate::declared::Declared;
use crate::elf::{Elf, Home, Relocation, Symbol, SymbolKind, owned};
use crate::error::{Error, Place, RelocationError};
use crate::externs::ExternSource;
use crate::reference::{Reference, Target};
use crate::wire::Referrer;

/// Gives every code section its references, ascending by position.
pub(crate) fn read(elf: &Elf<'_>, declared: &Declared, code: &mut Code) -> Result<(), Error> {
    let mut found: Vec<(usize, Vec<Reference>)> = Vec::new();
    let context = Context {
        elf,
        declared,
        code,
    };
    for (target, relocations) in elf.relocations() {
        let Some(index) = code.section_at(target) else {
            continue;
        };
        if let Some(section) = code.sections.get(index) {
            let references = relocations.map(|r| context.reference(section, r));
            found.push((index, references.collect::<Result<_, _>>()?));
        }
    }
    for (index, references) in found {
        if let Some(section) = code.sections.get_mut(index) {
            section.references.extend(references);
            section.references.sort_by_key(|r| r.pc);
            section.references.dedup_by_key(|r| r.pc);
        }
    }
    Ok(())
}

/// What relocations may lead to.
struct Context<'a> {
    elf: &'a Elf<'a>,
    declared: &'a Declared,
    code: &'a Code,
}

impl Context<'_> {
    fn reference(&self, section: &CodeSection, relocation: Relocation) -> Result<Reference, Error> {
        let broken = |what| Error::Elf {
            what,
            place: Some(Place::new(&section.name, relocation.offset)),
        };
        let pc = u32::try_from(relocation.offset / 8).ok();
        let pc = pc.filter(|pc| (*pc as usize) < section.code.len());
        let pc = pc
            .filter(|_| relocation.offset.is_multiple_of(8))
            .ok_or_else(|| {
                broken("a relocation lies outside of its section or inside of an instruction")
            })?;
        let symbol = self.elf.symbols.get(relocation.symbol);
        let symbol =
            symbol.ok_or_else(|| broken("a relocation names a symbol that does not exist"))?;
        let target = self.target(section, pc, relocation.symbol, symbol);
        let target = target.unwrap_or_else(|error| Target::Broken(Box::new(error)));
        Ok(Reference { pc, target })
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
        if let Some(index) = self.declared.externs.by_symbol.get(&index) {
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
        if let Some(code) = self.code.section_at(home) {
            return Ok(Target::Code {
                section: code,
                offset: symbol.value,
            });
        }
        let Referrer::Wide(_) = referrer else {
            let home = self.elf.sections.get(home).map_or("", |s| s.name);
            return Err(broken(RelocationError::Section(owned(home))));
        };
        if let Some(map) = self.declared.maps.data.get(&home) {
            return Ok(Target::Data {
                map: *map,
                offset: symbol.value,
            });
        }
        if self.declared.maps.map_sections.contains(&home) {
            // A static map is its section and, in the instruction, its offset.
            let addend = match symbol.kind {
                SymbolKind::Section => u64::from(head.imm as u32),
                _ => 0,
            };
            let offset = symbol.value.wrapping_add(addend);
            let map = self.declared.maps.by_place.get(&(home, offset));
            return match map {
                Some(map) => Ok(Target::Map(*map)),
                None => Err(broken(RelocationError::NoMap(offset))),
            };
        }
        let home = self.elf.sections.get(home).map_or("", |s| s.name);
        Err(broken(RelocationError::Section(owned(home))))
    }

    fn external(&self, index: usize) -> Option<Target> {
        match self.declared.externs.list.get(index)?.source {
            ExternSource::Kconfig { offset, .. } => Some(Target::Kconfig {
                map: self.declared.kconfig.map?,
                offset,
            }),
            ExternSource::Ksym { .. } => Some(Target::Ksym(index)),
        }
    }
}
