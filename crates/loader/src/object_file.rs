//! [`Object`]: an opened object file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use abi::{Initial, InitialEntry, MapDef, MapFlags, MapKind, Program};
use btf::core::Resolver;
use btf::ext::Ext;
use btf::{Btf, Kind, Type, TypeId};
use isa::Pc;

use crate::btf_maps;
use crate::code::{self, CodeSection, Function};
use crate::core_relo::CoreRelocation;
use crate::elf::{Elf, Home};
use crate::entries::{self, Entry};
use crate::error::{CoreError, Error, KconfigError, MapError};
use crate::externs::{self, ExternInfo, ExternSource, Externs};
use crate::globals::{self, Global};
use crate::kconfig;
use crate::legacy_maps;
use crate::link::Linker;
use crate::maps::{self, Maps};
use crate::note::Note;
use crate::options::Options;
use crate::reference::Context;
use crate::struct_ops;

/// Slots, lines and functions (for 64) of all programs of an object together that [`Object::programs`] makes:
/// many programs may share large functions, and each has a copy.
const MAX_TOTAL_SLOTS: usize = 8 * abi::limits::MAX_INSNS;
/// Maps of an object. Linux lets a program use 64.
const MAX_MAPS: usize = 1024;
/// Bytes of `.kconfig`.
const MAX_KCONFIG: u32 = 1 << 20;

/// An opened object file: its maps, variables and programs, as data.
///
/// Maps and variables may be changed until programs are made from it.
#[derive(Debug)]
pub struct Object {
    name: String,
    license: String,
    kern_version: u32,
    btf: Option<Arc<Btf>>,
    maps: Maps,
    globals: Vec<Global>,
    externs: Externs,
    /// `.kconfig` variables that have no value yet.
    missing: HashMap<String, KconfigError>,
    code: Vec<CodeSection>,
    functions: Vec<Function>,
    starts: HashMap<(usize, u32), usize>,
    entries: Vec<Entry>,
    /// The function that `bpf_throw` ends up in, by the function of the program.
    exception_callbacks: HashMap<usize, usize>,
    notes: Vec<Note>,
}

impl Object {
    /// Opens the object file with these bytes.
    ///
    /// # Errors
    ///
    /// Whatever keeps the object as a whole from being understood. What
    /// concerns one program only is reported when that program is made.
    pub fn parse(bytes: &[u8], options: &Options) -> Result<Object, Error> {
        let elf = Elf::parse(bytes)?;
        let mut notes = Vec::new();
        let mut code = code::sections(&elf)?;
        let functions = code::functions(&elf, &code, &mut notes)?;
        let starts = starts(&functions);
        let (btf, ext) = types(&elf, &mut notes)?;
        let opened = Opened {
            elf: &elf,
            options,
            notes: &mut notes,
        };
        let found = opened.data(btf, &code, &functions)?;
        let code_index: HashMap<_, _> = code
            .iter()
            .enumerate()
            .map(|(i, s)| (s.elf_index, i))
            .collect();
        let context = Context {
            elf: &elf,
            maps: &found.maps,
            externs: &found.externs,
            kconfig: found.kconfig,
            code: &code_index,
        };
        for (target, relocations) in elf.relocations() {
            let Some(section) = code_index.get(&target).and_then(|i| code.get_mut(*i)) else {
                continue;
            };
            context.references(section, relocations)?;
        }
        let Found {
            btf,
            mut maps,
            globals,
            externs,
            missing,
            ..
        } = found;
        if let Some(btf) = &btf {
            attach_ext(&mut code, ext, btf, options, &mut notes);
        }
        let entries = entries::find(&code, &functions, &starts, options, &mut notes);
        let exception_callbacks = match &btf {
            Some(btf) => exception_callbacks(btf, &code, &functions),
            None => HashMap::new(),
        };
        legacy_maps::fill_tail_calls(&mut maps, &entries);
        check_program_arrays(&maps, &entries)?;
        for def in &mut maps.defs {
            maps::complete(def, &mut notes);
        }
        let license = license(&elf);
        if license.is_none() {
            notes.push(Note::NoLicense);
        }
        note_rest(&elf, &code_index, &externs, &mut notes);
        Ok(Object {
            name: options.name.clone(),
            license: license.unwrap_or_default(),
            kern_version: kern_version(&elf)?,
            btf: btf.map(Arc::new),
            maps,
            globals,
            externs,
            missing,
            code,
            functions,
            starts,
            entries,
            exception_callbacks,
            notes,
        })
    }

    /// The name that was given in the options.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The licence; empty when the object has none.
    pub fn license(&self) -> &str {
        &self.license
    }

    /// The kernel version that the object asks for; 0 when it does not.
    pub fn kern_version(&self) -> u32 {
        self.kern_version
    }

    /// The object's types, with sections of variables laid out.
    pub fn btf(&self) -> Option<&Arc<Btf>> {
        self.btf.as_ref()
    }

    /// What a user may want to know.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The maps. A program's references to maps are indices in this list.
    pub fn maps(&self) -> &[MapDef] {
        &self.maps.defs
    }

    /// Index of the map of this name. The maps of global data are also found by
    /// the names of their sections (`.rodata`).
    pub fn map_index(&self, name: &str) -> Option<usize> {
        self.maps.find(name)
    }

    /// The section that the map with this index comes from.
    pub fn map_section(&self, index: usize) -> Option<&str> {
        self.maps.sections.get(index).map(String::as_str)
    }

    /// The map of this name, to be changed before programs are made.
    pub fn map_mut(&mut self, name: &str) -> Option<&mut MapDef> {
        let index = self.maps.find(name)?;
        self.maps.defs.get_mut(index)
    }

    /// Sets the number of entries of a map; for a ring buffer its bytes, which
    /// are rounded up to what Linux takes.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMap`].
    pub fn set_max_entries(&mut self, name: &str, max_entries: u32) -> Result<(), Error> {
        let existing = || self.maps.defs.iter().map(|def| def.name.clone()).collect();
        let Some(index) = self.maps.find(name) else {
            return Err(Error::UnknownMap {
                name: name.to_owned(),
                existing: existing(),
            });
        };
        if let Some(def) = self.maps.defs.get_mut(index) {
            def.max_entries = max_entries;
            maps::adjust(def);
        }
        let done = |note: &Note| matches!(note, Note::NoMaxEntries { map } if map == name);
        self.notes.retain(|note| !done(note));
        Ok(())
    }

    /// The global variables, by map and offset.
    pub fn globals(&self) -> &[Global] {
        &self.globals
    }

    /// The first bytes of a global variable, before any program runs.
    pub fn global_value(&self, global: &Global) -> Option<Vec<u8>> {
        let (offset, size) = (global.offset as usize, global.size as usize);
        match &self.maps.defs.get(global.map)?.initial {
            Initial::Bytes(bytes) => Some(bytes.get(offset..offset.checked_add(size)?)?.to_vec()),
            _ => Some(vec![0; size]),
        }
    }

    /// Sets the value that a global variable starts with, constants included.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownGlobal`], [`Error::GlobalSize`].
    pub fn set_global(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let Some(global) = self.globals.iter().find(|g| g.name == name) else {
            let existing = self.globals.iter().map(|g| g.name.clone()).collect();
            return Err(Error::UnknownGlobal {
                name: name.to_owned(),
                existing,
            });
        };
        let wrong_size = Error::GlobalSize {
            name: name.to_owned(),
            expected: global.size,
            given: value.len(),
        };
        let Some(def) = self.maps.defs.get_mut(global.map) else {
            return Err(wrong_size);
        };
        if let Initial::Empty = def.initial {
            def.initial = Initial::Bytes(vec![0; def.value_size as usize]);
        }
        let Initial::Bytes(bytes) = &mut def.initial else {
            return Err(wrong_size);
        };
        let start = global.offset as usize;
        let place = bytes.get_mut(start..start.saturating_add(global.size as usize));
        match place {
            Some(place) if place.len() == value.len() => place.copy_from_slice(value),
            _ => return Err(wrong_size),
        }
        self.missing.remove(name);
        Ok(())
    }

    /// The externs, in libbpf's order.
    pub fn externs(&self) -> &[ExternInfo] {
        &self.externs.list
    }

    /// The CO-RE relocations of all code, with what each resolved to.
    pub fn core_relocations(&self) -> impl Iterator<Item = &CoreRelocation> {
        self.code.iter().flat_map(|section| &section.core)
    }

    /// The programs as their sections describe them, without linking them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All programs, linked.
    ///
    /// # Errors
    ///
    /// What is wrong with the first program that cannot be had;
    /// [`Object::program`] gives the others.
    pub fn programs(&self) -> Result<Vec<Program>, Error> {
        let maps: Arc<[MapDef]> = self.maps.defs.clone().into();
        let mut programs = Vec::new();
        let mut slots = 0;
        for entry in &self.entries {
            let program = self.make(entry, &maps)?;
            slots += program.code.len() + program.line_info.len() + 64 * program.functions.len();
            if slots > MAX_TOTAL_SLOTS {
                let program = program.name;
                return Err(Error::TooLong {
                    program,
                    limit: MAX_TOTAL_SLOTS,
                });
            }
            programs.push(program);
        }
        match programs.is_empty() {
            true => Err(Error::NoProgram),
            false => Ok(programs),
        }
    }

    /// The program of this name, linked.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownProgram`] with the names that there are; whatever is
    /// wrong with the program.
    pub fn program(&self, name: &str) -> Result<Program, Error> {
        let Some(entry) = self.entries.iter().find(|e| e.name == name) else {
            let existing = self.entries.iter().map(|e| e.name.clone()).collect();
            return Err(Error::UnknownProgram {
                name: name.to_owned(),
                existing,
            });
        };
        self.make(entry, &self.maps.defs.clone().into())
    }

    fn make(&self, entry: &Entry, maps: &Arc<[MapDef]>) -> Result<Program, Error> {
        let Some(prog_type) = entry.prog_type else {
            let (program, section) = (entry.name.clone(), entry.section.clone());
            return Err(Error::ProgramType { program, section });
        };
        let first_missing = self.missing.iter().min_by_key(|(name, _)| *name);
        if let Some((name, what)) = first_missing {
            return Err(Error::Kconfig {
                name: name.clone(),
                what: what.clone(),
            });
        }
        let linker = Linker {
            sections: &self.code,
            functions: &self.functions,
            starts: &self.starts,
            externs: &self.externs.list,
        };
        let also = self.exception_callbacks.get(&entry.function).copied();
        let linked = linker.link(entry.function, also)?;
        Ok(Program {
            name: entry.name.clone(),
            section: entry.section.clone(),
            prog_type,
            attach_type: entry.attach_type,
            flags: entry.flags,
            license: self.license.clone(),
            kern_version: self.kern_version,
            code: linked.code,
            functions: linked.functions,
            maps: Arc::clone(maps),
            externs: linked.externs.into(),
            btf: self.btf.clone(),
            func_info: linked.func_info,
            line_info: linked.line_info,
            attach_target: entry.attach_target.clone(),
            optional: entry.optional,
        })
    }
}

/// What an object declares besides code.
struct Found {
    btf: Option<Btf>,
    maps: Maps,
    kconfig: Option<usize>,
    globals: Vec<Global>,
    externs: Externs,
    missing: HashMap<String, KconfigError>,
}

/// What reading the declarations needs.
struct Opened<'a> {
    elf: &'a Elf<'a>,
    options: &'a Options,
    notes: &'a mut Vec<Note>,
}

impl Opened<'_> {
    /// Maps, global data, externs, in libbpf's order.
    fn data(
        self,
        mut btf: Option<Btf>,
        code: &[CodeSection],
        functions: &[Function],
    ) -> Result<Found, Error> {
        let Opened {
            elf,
            options,
            notes,
        } = self;
        let mut maps = Maps::default();
        let (mut globals, mut externs) = (Vec::new(), Externs::default());
        let mut missing = HashMap::new();
        if let Some(btf) = &btf {
            externs = externs::collect(elf, btf, |name| options.present.contains(name))
                .map_err(|(name, what)| Error::Kconfig { name, what })?;
        }
        if let Some(btf) = &mut btf {
            lay_out(elf, btf, &externs);
        }
        legacy_maps::read(elf, btf.as_ref(), &mut maps, notes)?;
        check_count(&maps)?;
        let mut defined = Vec::new();
        if let Some(btf) = &btf {
            defined = btf_maps::read(elf, btf, &mut maps)?;
        } else if elf.section(btf_maps::SECTION).is_some() {
            return Err(Error::NoBtf {
                needed_by: "the maps in section '.maps'",
            });
        }
        check_count(&maps)?;
        let programs = programs_by_place(code, functions);
        btf_maps::read_values(elf, &defined, &mut maps, &programs)?;
        globals::read(elf, btf.as_ref(), &options.name, &mut maps, &mut globals)?;
        check_count(&maps)?;
        let kconfig = match &btf {
            Some(btf) if externs.kconfig_size > 0 => {
                let map = kconfig_map(
                    btf,
                    &externs,
                    options,
                    &mut maps,
                    &mut globals,
                    &mut missing,
                )?;
                Some(map)
            }
            _ => None,
        };
        if let Some(btf) = &btf {
            struct_ops::read(elf, btf, &mut maps)?;
            check_count(&maps)?;
        }
        Ok(Found {
            btf,
            maps,
            kconfig,
            globals,
            externs,
            missing,
        })
    }
}

fn check_count(maps: &Maps) -> Result<(), Error> {
    match maps.defs.len() <= MAX_MAPS {
        true => Ok(()),
        false => Err(Error::TooManyMaps {
            count: maps.defs.len(),
            limit: MAX_MAPS,
        }),
    }
}

/// Only programs can stand in program arrays.
fn check_program_arrays(maps: &Maps, entries: &[Entry]) -> Result<(), Error> {
    let names: HashSet<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    for def in &maps.defs {
        let Initial::Entries(initial) = &def.initial else {
            continue;
        };
        for entry in initial {
            if let InitialEntry::Program { slot, program } = entry
                && !names.contains(program.as_str())
            {
                let what = MapError::NotAProgram {
                    slot: *slot,
                    function: program.clone(),
                };
                return Err(Error::Map {
                    map: def.name.clone(),
                    what,
                });
            }
        }
    }
    Ok(())
}

fn starts(functions: &[Function]) -> HashMap<(usize, u32), usize> {
    let mut starts = HashMap::with_capacity(functions.len());
    for (index, function) in functions.iter().enumerate() {
        starts
            .entry((function.section, function.start))
            .or_insert(index);
    }
    starts
}

/// Functions that a tag `exception_callback:NAME` of a program names: nothing
/// calls them, but they belong to it.
fn exception_callbacks(
    btf: &Btf,
    code: &[CodeSection],
    functions: &[Function],
) -> HashMap<usize, usize> {
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
    let all = || functions.iter().enumerate();
    let names: HashMap<&str, usize> = all().map(|(i, f)| (f.name.as_str(), i)).collect();
    let callback = |f: &Function| {
        let info = f.part(&code.get(f.section)?.func_info, |i| i.pc).first()?;
        names.get(tags.get(&info.type_id)?).copied()
    };
    all().filter_map(|(i, f)| Some((i, callback(f)?))).collect()
}

fn programs_by_place<'a>(
    code: &[CodeSection],
    functions: &'a [Function],
) -> HashMap<(usize, u64), &'a str> {
    let place = |f: &Function| Some((code.get(f.section)?.elf_index, u64::from(f.start) * 8));
    let named = functions
        .iter()
        .filter_map(|f| Some((place(f)?, f.name.as_str())));
    named.collect()
}

/// Reads `.BTF` and `.BTF.ext`. Broken ones are passed over when nothing needs
/// them.
fn types(elf: &Elf<'_>, notes: &mut Vec<Note>) -> Result<(Option<Btf>, Option<Ext>), Error> {
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
fn lay_out(elf: &Elf<'_>, btf: &mut Btf, externs: &Externs) {
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
    for (id, name) in datasecs {
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

/// Makes the map of `.kconfig` variables and fills in what is known.
fn kconfig_map(
    btf: &Btf,
    externs: &Externs,
    options: &Options,
    maps: &mut Maps,
    globals: &mut Vec<Global>,
    missing: &mut HashMap<String, KconfigError>,
) -> Result<usize, Error> {
    const SECTION: &str = ".kconfig";
    if externs.kconfig_size > MAX_KCONFIG {
        return Err(Error::DataSize {
            section: SECTION.into(),
            size: externs.kconfig_size.into(),
            limit: MAX_KCONFIG.into(),
        });
    }
    let mut bytes = vec![0; externs.kconfig_size as usize];
    let index = maps.defs.len();
    for info in &externs.list {
        let ExternSource::Kconfig { offset, size } = info.source else {
            continue;
        };
        let value = kconfig::value(&options.kconfig, btf, &info.name, info.type_id, size);
        match value {
            Ok(Some(value)) => {
                let start = offset as usize;
                if let Some(place) = bytes.get_mut(start..start + value.len()) {
                    place.copy_from_slice(&value);
                }
            }
            Ok(None) if info.weak => {}
            Ok(None) => {
                missing.insert(info.name.clone(), KconfigError::Unknown);
            }
            Err(KconfigError::Virtual) if info.weak => {}
            Err(what) => {
                missing.insert(info.name.clone(), what);
            }
        }
        globals.push(Global {
            name: info.name.clone(),
            map: index,
            section: SECTION.into(),
            offset,
            size,
            type_id: info.type_id,
        });
    }
    let mut def = globals::map(
        &options.name,
        SECTION,
        MapKind::Kconfig,
        externs.kconfig_size,
    );
    def.initial = Initial::Bytes(bytes);
    def.value_type = btf.find(SECTION, Kind::Datasec).unwrap_or(TypeId::VOID);
    def.flags = MapFlags(def.flags.0 | MapFlags::MMAPABLE.0);
    Ok(maps.push(def, SECTION))
}

/// Sorts what `.BTF.ext` says to the sections that it is about.
fn attach_ext(
    code: &mut [CodeSection],
    ext: Option<Ext>,
    btf: &Btf,
    options: &Options,
    notes: &mut Vec<Note>,
) {
    let Some(ext) = ext else {
        return;
    };
    let names: HashMap<String, usize> = code
        .iter()
        .enumerate()
        .map(|(i, s)| (s.name.clone(), i))
        .collect();
    for part in ext.func_info {
        let section = names.get(&part.name).and_then(|i| code.get_mut(*i));
        if let Some(section) = section {
            section
                .func_info
                .extend(part.records.iter().map(|r| abi::FuncInfo {
                    pc: Pc(r.insn_off / 8),
                    type_id: r.type_id,
                }));
            section.func_info.sort_by_key(|i| i.pc);
        }
    }
    for part in ext.line_info {
        let section = names.get(&part.name).and_then(|i| code.get_mut(*i));
        if let Some(section) = section {
            section
                .line_info
                .extend(part.records.iter().map(|r| abi::LineInfo {
                    pc: Pc(r.insn_off / 8),
                    file_name_off: r.file_name_off,
                    line_off: r.line_off,
                    line: r.line,
                    column: r.column,
                }));
            section.line_info.sort_by_key(|i| i.pc);
        }
    }
    let mut resolver = match &options.target_btf {
        Some(target) => Resolver::new(btf, target),
        None => Resolver::alone(btf),
    };
    let (mut count, mut poisoned) = (0, 0);
    for part in ext.core_relo {
        let Some(section) = names.get(&part.name).and_then(|i| code.get_mut(*i)) else {
            continue;
        };
        for (index, relo) in part.records.into_iter().enumerate() {
            count += 1;
            let fixup = resolver.resolve(&relo).map_err(CoreError::Btf);
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
    }
    if count > 0 && options.target_btf.is_none() {
        notes.push(Note::CoreWithoutTarget { count });
    }
    if poisoned > 0 {
        notes.push(Note::CorePoisoned { count: poisoned });
    }
}

/// The text of the licence section up to the first NUL.
fn license(elf: &Elf<'_>) -> Option<String> {
    let (_, section) = elf.section("license")?;
    let text = section.data.split(|b| *b == 0).next().unwrap_or_default();
    // Linux keeps 127 bytes.
    let text = text.get(..127.min(text.len())).unwrap_or_default();
    Some(String::from_utf8_lossy(text).into_owned())
}

fn kern_version(elf: &Elf<'_>) -> Result<u32, Error> {
    let Some((_, section)) = elf.section("version") else {
        return Ok(0);
    };
    match section.data.first_chunk() {
        Some(bytes) if section.data.len() == 4 => Ok(u32::from_le_bytes(*bytes)),
        _ => Err(Error::Version { size: section.size }),
    }
}

/// Notes on what was passed over.
fn note_rest(
    elf: &Elf<'_>,
    code: &HashMap<usize, usize>,
    externs: &Externs,
    notes: &mut Vec<Note>,
) {
    for (target, relocations) in elf.relocations() {
        let section = elf.sections.get(target);
        let data = section.filter(|s| globals::kind(s).is_some() && !code.contains_key(&target));
        if let Some(section) = data {
            let count = relocations
                .filter(|r| {
                    elf.symbols
                        .get(r.symbol)
                        .is_some_and(|s| s.home != Home::Undefined)
                })
                .count();
            let section = crate::elf::owned(section.name);
            notes.push(Note::DataRelocations { section, count });
        }
    }
    notes.extend(externs.list.iter().filter_map(|e| match e.source {
        ExternSource::Ksym { present: false, .. } => Some(Note::WeakAbsent {
            name: e.name.clone(),
        }),
        _ => None,
    }));
}
