//! The types of an object: `.BTF`, made complete, and what `.BTF.ext` says of
//! its code.

use std::collections::{HashMap, HashSet};

use btf::core::{Relo, Resolver};
use btf::ext::{Ext, Section};
use btf::{Btf, Kind, Type, TypeId};
use isa::Pc;

use crate::btf_maps;
use crate::code::{Code, CodeSection, Function};
use crate::core_relo::CoreRelocation;
use crate::elf::Elf;
use crate::error::{CoreError, Error};
use crate::externs::{ExternSource, Externs};
use crate::note::Note;
use crate::options::Options;

/// Reads `.BTF` and `.BTF.ext`. Broken ones are passed over when nothing needs
/// them.
pub(crate) fn read(
    elf: &Elf<'_>,
    notes: &mut Vec<Note>,
) -> Result<(Option<Btf>, Option<Ext>), Error> {
    let Some((_, section)) = elf.section(".BTF") else {
        return Ok((None, None));
    };
    let btf = match Btf::parse(section.data) {
        Ok(btf) => btf,
        Err(source) if elf.section(btf_maps::SECTION).is_some() => {
            let needed_by = "the maps in section '.maps'";
            return Err(Error::Btf { needed_by, source });
        }
        Err(error) => {
            notes.push(Note::BtfIgnored {
                section: ".BTF",
                error,
            });
            return Ok((None, None));
        }
    };
    let ext = match elf.section(".BTF.ext") {
        Some((_, section)) => match Ext::parse(section.data, &btf) {
            Ok(ext) => Some(ext),
            Err(error) => {
                notes.push(Note::BtfIgnored {
                    section: ".BTF.ext",
                    error,
                });
                None
            }
        },
        None => None,
    };
    Ok((Some(btf), ext))
}

/// Writes sizes and offsets of variables into the sections of BTF, which
/// compilers leave to relocations.
pub(crate) fn lay_out(elf: &Elf<'_>, btf: &mut Btf, externs: &Externs) {
    let datasecs: Vec<(TypeId, String)> = btf
        .own_ids()
        .filter(|id| btf.kind(*id) == Some(Kind::Datasec))
        .map(|id| (id, btf.name(id).to_owned()))
        .collect();
    let kconfig: HashMap<&str, u32> = externs
        .list
        .iter()
        .filter_map(|e| match e.source {
            ExternSource::Kconfig { offset, .. } => Some((e.name.as_str(), offset)),
            ExternSource::Ksym { .. } => None,
        })
        .collect();
    let mut seen = HashSet::new();
    for (id, name) in datasecs {
        if !seen.insert(name.clone()) {
            continue;
        }
        // Only a datasec that does not exist is refused.
        let _ = match elf.section(&name) {
            Some((index, section)) => {
                let offsets: HashMap<&str, u64> =
                    elf.symbols_in(index).map(|s| (s.name, s.value)).collect();
                let size = u32::try_from(section.size).unwrap_or(u32::MAX);
                btf.lay_out_datasec(id, size, |_, name| {
                    offsets.get(name).and_then(|o| u32::try_from(*o).ok())
                })
            }
            None if name == ".kconfig" => {
                btf.lay_out_datasec(id, externs.kconfig_size, |_, name| {
                    kconfig.get(name).copied()
                })
            }
            None => Ok(()),
        };
    }
}

/// Sorts what `.BTF.ext` says to the code that it is about.
pub(crate) fn attach(
    code: &mut Code,
    ext: Ext,
    btf: &Btf,
    options: &Options,
    notes: &mut Vec<Note>,
) {
    for_sections(code, ext.func_info, |section, records| {
        section
            .func_info
            .extend(records.into_iter().map(|r| abi::FuncInfo {
                pc: Pc(r.insn_off / 8),
                type_id: r.type_id,
            }));
        section.func_info.sort_by_key(|i| i.pc);
    });
    for_sections(code, ext.line_info, |section, records| {
        section
            .line_info
            .extend(records.into_iter().map(|r| abi::LineInfo {
                pc: Pc(r.insn_off / 8),
                file_name_off: r.file_name_off,
                line_off: r.line_off,
                line: r.line,
                column: r.column,
            }));
        section.line_info.sort_by_key(|i| i.pc);
    });
    resolve(code, ext.core_relo, btf, options, notes);
}

/// Answers the CO-RE relocations. What goes wrong with one is kept with it.
fn resolve(
    code: &mut Code,
    relocations: Vec<Section<Relo>>,
    btf: &Btf,
    options: &Options,
    notes: &mut Vec<Note>,
) {
    let mut resolver = match &options.target_btf {
        Some(target) => Resolver::new(btf, target),
        None => Resolver::alone(btf),
    };
    let (mut count, mut poisoned) = (0, 0);
    for_sections(code, relocations, |section, records| {
        for (index, relo) in records.into_iter().enumerate() {
            let fixup = resolver.resolve(&relo).map_err(CoreError::Btf);
            count += 1;
            poisoned += usize::from(matches!(&fixup, Ok(fixup) if fixup.poison));
            section.core.push(CoreRelocation {
                section: section.name.clone(),
                index,
                pc: Pc(relo.insn_off / 8),
                relo,
                fixup,
            });
        }
        section.core.sort_by_key(|r| r.pc);
    });
    if count > 0 && options.target_btf.is_none() {
        notes.push(Note::CoreWithoutTarget { count });
    }
    if poisoned > 0 {
        notes.push(Note::CorePoisoned { count: poisoned });
    }
}

/// Gives the records about each code section to `put`.
fn for_sections<T>(
    code: &mut Code,
    parts: Vec<Section<T>>,
    mut put: impl FnMut(&mut CodeSection, Vec<T>),
) {
    let names: HashMap<String, usize> = code
        .sections
        .iter()
        .enumerate()
        .map(|(i, s)| (s.name.clone(), i))
        .collect();
    for part in parts {
        if let Some(section) = names
            .get(&part.name)
            .and_then(|i| code.sections.get_mut(*i))
        {
            put(section, part.records);
        }
    }
}

/// Functions that a tag `exception_callback:NAME` of a program names: nothing
/// calls them, but they belong to it.
pub(crate) fn exception_callbacks(btf: &Btf, code: &Code) -> HashMap<usize, usize> {
    let tags: HashMap<TypeId, &str> = btf
        .types()
        .filter_map(|(_, ty)| match ty {
            Type::DeclTag(tag) => {
                let name = tag.name.strip_prefix("exception_callback:")?;
                Some((tag.ty, name))
            }
            _ => None,
        })
        .collect();
    if tags.is_empty() {
        return HashMap::new();
    }
    let all = || code.functions.iter().enumerate();
    let names: HashMap<&str, usize> = all().map(|(i, f)| (f.name.as_str(), i)).collect();
    let callback = |f: &Function| {
        let info = f
            .part(&code.sections.get(f.section)?.func_info, |i| i.pc)
            .first()?;
        names.get(tags.get(&info.type_id)?).copied()
    };
    all().filter_map(|(i, f)| Some((i, callback(f)?))).collect()
}
