//! [`Object`]: an opened object file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use abi::{Initial, MapDef, Program};
use btf::Btf;

use crate::code::Code;
use crate::core_relo::CoreRelocation;
use crate::declared::Declared;
use crate::elf::{Elf, Home, owned};
use crate::entries::{self, Entry};
use crate::error::Error;
use crate::externs::{ExternInfo, ExternSource};
use crate::globals::Global;
use crate::legacy_maps;
use crate::link::Linker;
use crate::maps;
use crate::note::Note;
use crate::options::Options;
use crate::relocations;
use crate::types;

/// Slots, lines and functions (each for 64) of all programs together that
/// [`Object::programs`] makes: programs may share large functions, and each has
/// a copy.
const MAX_TOTAL_SLOTS: usize = 8 * abi::limits::MAX_INSNS;

/// An opened object file: its maps, variables and programs, as data.
///
/// Maps and variables may be changed until programs are made from it.
#[derive(Debug)]
pub struct Object {
    name: String,
    license: String,
    kern_version: u32,
    btf: Option<Arc<Btf>>,
    declared: Declared,
    code: Code,
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
        let mut code = Code::read(&elf, &mut notes)?;
        let (mut btf, ext) = types::read(&elf, &mut notes)?;
        let mut declared = Declared::read(&elf, btf.as_mut(), &code, options, &mut notes)?;
        relocations::read(&elf, &declared, &mut code)?;
        if let (Some(btf), Some(ext)) = (&btf, ext) {
            types::attach(&mut code, ext, btf, options, &mut notes);
        }
        let entries = entries::find(&code, options, &mut notes);
        let exception_callbacks = match &btf {
            Some(btf) => types::exception_callbacks(btf, &code),
            None => HashMap::new(),
        };
        legacy_maps::fill_tail_calls(&mut declared.maps, &entries);
        entries::check_program_arrays(&declared.maps, &entries)?;
        for def in &mut declared.maps.defs {
            maps::complete(def, &mut notes);
        }
        let license = license(&elf);
        if license.is_none() {
            notes.push(Note::NoLicense);
        }
        note_rest(&elf, &declared, &mut notes);
        Ok(Object {
            name: options.name.clone(),
            license: license.unwrap_or_default(),
            kern_version: kern_version(&elf)?,
            btf: btf.map(Arc::new),
            declared,
            code,
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
        &self.declared.maps.defs
    }

    /// Index of the map of this name. The maps of global data are also found by
    /// the names of their sections (`.rodata`).
    pub fn map_index(&self, name: &str) -> Option<usize> {
        self.declared.maps.find(name)
    }

    /// The section that the map with this index comes from.
    pub fn map_section(&self, index: usize) -> Option<&str> {
        self.declared.maps.sections.get(index).map(String::as_str)
    }

    /// The map of this name, to be changed before programs are made.
    pub fn map_mut(&mut self, name: &str) -> Option<&mut MapDef> {
        let index = self.declared.maps.find(name)?;
        self.declared.maps.defs.get_mut(index)
    }

    /// Sets the number of entries of a map; for a ring buffer its bytes, which
    /// are rounded up to what Linux takes.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownMap`].
    pub fn set_max_entries(&mut self, name: &str, max_entries: u32) -> Result<(), Error> {
        let existing = || {
            self.declared
                .maps
                .defs
                .iter()
                .map(|def| def.name.clone())
                .collect()
        };
        let Some(index) = self.declared.maps.find(name) else {
            return Err(Error::UnknownMap {
                name: name.to_owned(),
                existing: existing(),
            });
        };
        if let Some(def) = self.declared.maps.defs.get_mut(index) {
            def.max_entries = max_entries;
            maps::adjust(def);
        }
        let done = |note: &Note| matches!(note, Note::NoMaxEntries { map } if map == name);
        self.notes.retain(|note| !done(note));
        Ok(())
    }

    /// The global variables, by map and offset.
    pub fn globals(&self) -> &[Global] {
        &self.declared.globals
    }

    /// The first bytes of a global variable, before any program runs.
    pub fn global_value(&self, global: &Global) -> Option<Vec<u8>> {
        let (offset, size) = (global.offset as usize, global.size as usize);
        match &self.declared.maps.defs.get(global.map)?.initial {
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
        let Some(global) = self.declared.globals.iter().find(|g| g.name == name) else {
            let existing = self
                .declared
                .globals
                .iter()
                .map(|g| g.name.clone())
                .collect();
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
        let Some(def) = self.declared.maps.defs.get_mut(global.map) else {
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
        self.declared.kconfig.missing.remove(name);
        Ok(())
    }

    /// The externs, in libbpf's order.
    pub fn externs(&self) -> &[ExternInfo] {
        &self.declared.externs.list
    }

    /// The CO-RE relocations of all code, with what each resolved to.
    pub fn core_relocations(&self) -> impl Iterator<Item = &CoreRelocation> {
        self.code.sections.iter().flat_map(|section| &section.core)
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
        let maps = self.final_maps();
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
        self.make(entry, &self.final_maps())
    }

    /// Fails if a `.kconfig` variable at one of these offsets has no value.
    fn check_kconfig(&self, offsets: &HashSet<u32>) -> Result<(), Error> {
        for info in &self.declared.externs.list {
            let used = match info.source {
                ExternSource::Kconfig { offset, .. } => offsets.contains(&offset),
                ExternSource::Ksym { .. } => false,
            };
            if let Some(what) = self
                .declared
                .kconfig
                .missing
                .get(&info.name)
                .filter(|_| used)
            {
                let (name, what) = (info.name.clone(), what.clone());
                return Err(Error::Kconfig { name, what });
            }
        }
        Ok(())
    }

    /// The maps as programs carry them: what the user has set is made into what
    /// Linux takes.
    fn final_maps(&self) -> Arc<[MapDef]> {
        let mut defs = self.declared.maps.defs.clone();
        defs.iter_mut().for_each(maps::adjust);
        defs.into()
    }

    fn make(&self, entry: &Entry, maps: &Arc<[MapDef]>) -> Result<Program, Error> {
        let Some(prog_type) = entry.prog_type else {
            let (program, section) = (entry.name.clone(), entry.section.clone());
            return Err(Error::ProgramType { program, section });
        };
        let linker = Linker {
            code: &self.code,
            externs: &self.declared.externs.list,
        };
        let also = self.exception_callbacks.get(&entry.function).copied();
        let linked = linker.link(entry.function, also)?;
        self.check_kconfig(&linked.kconfig)?;
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
fn note_rest(elf: &Elf<'_>, declared: &Declared, notes: &mut Vec<Note>) {
    for (target, relocations) in elf.relocations() {
        if !declared.maps.data.contains_key(&target) {
            continue;
        }
        let defined = |symbol: usize| {
            let symbol = elf.symbols.get(symbol);
            symbol.is_some_and(|s| s.home != Home::Undefined)
        };
        let count = relocations.filter(|r| defined(r.symbol)).count();
        let section = elf.sections.get(target).map_or("", |s| s.name);
        let section = owned(section);
        notes.push(Note::DataRelocations { section, count });
    }
    let absent = declared.externs.list.iter().filter_map(|e| match e.source {
        ExternSource::Ksym { present: false, .. } => Some(e.name.clone()),
        _ => None,
    });
    notes.extend(absent.map(|name| Note::WeakAbsent { name }));
}
