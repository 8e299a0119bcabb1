//! Which functions are programs, and of which type.
//!
//! libbpf's rule: global functions outside of `.text` are programs, functions
//! in `.text` are what they call. Wild objects need more: static programs in
//! sections of their own, and objects with nothing but `.text`. A function that
//! nobody calls must be a program there.

use std::collections::HashSet;

use abi::{AttachType, Initial, InitialEntry, ProgFlags, ProgType};

use crate::code::{Code, Function};
use crate::error::{Error, MapError};
use crate::link;
use crate::maps::Maps;
use crate::note::Note;
use crate::options::Options;
use crate::sections;

/// A program of an object, as its section describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name of the function.
    pub name: String,
    /// Name of its section, without a `?` in front.
    pub section: String,
    /// Its type; `None` when neither the section nor the user says.
    pub prog_type: Option<ProgType>,
    /// Expected attach type.
    pub attach_type: Option<AttachType>,
    /// Load flags.
    pub flags: ProgFlags,
    /// What it attaches to; empty when the section does not say.
    pub attach_target: String,
    /// Not loaded by default (`?` in front of the section name).
    pub optional: bool,
    /// For iproute2's tail calls (a section `ID/KEY`): the program array with
    /// that id, and the slot.
    pub(crate) tail_slot: Option<(u32, u32)>,
    /// Index of the function.
    pub(crate) function: usize,
}

/// Whether a section holds functions that programs call; with
/// `-ffunction-sections` each has one of its own.
fn is_text(section: &str) -> bool {
    section == ".text" || section.starts_with(".text.")
}

/// The programs, in the order of their functions.
pub(crate) fn find(code: &Code, options: &Options, notes: &mut Vec<Note>) -> Vec<Entry> {
    let called = called(code);
    let functions = &code.functions;
    let section = |f: &Function| code.sections.get(f.section).map_or("", |s| s.name.as_str());
    let only_text = functions.iter().all(|f| is_text(section(f)));
    let is_entry = |index: usize, f: &Function| {
        let called = called.contains(&index);
        match section(f) {
            name if is_text(name) => only_text && !called,
            name if sections::find(name).is_some() => f.global || !called,
            _ => !called,
        }
    };
    let mut noted = HashSet::new();
    let entries = functions.iter().enumerate();
    let mut entries: Vec<_> = entries
        .filter(|(index, f)| is_entry(*index, f))
        .map(|(index, f)| entry(index, f, section(f), options, notes, &mut noted))
        .collect();
    type_tails(&mut entries);
    entries
}

/// A program of a tail call has the type of those that call it: where all
/// others have one type, that one.
fn type_tails(entries: &mut [Entry]) {
    let typed = |e: &Entry| Some((e.prog_type?, e.attach_type));
    let mut types = entries.iter().filter_map(typed);
    let Some((prog_type, attach_type)) = types.next() else {
        return;
    };
    if !types.all(|(other, _)| other == prog_type) {
        return;
    }
    for entry in entries {
        if entry.tail_slot.is_some() && entry.prog_type.is_none() {
            (entry.prog_type, entry.attach_type) = (Some(prog_type), attach_type);
        }
    }
}

/// Functions that code outside of them calls or takes the address of.
fn called(code: &Code) -> HashSet<usize> {
    let mut called = HashSet::new();
    for (index, section) in code.sections.iter().enumerate() {
        for pc in 0..section.code.len() as u32 {
            let target = link::target_slot(index, section, pc);
            let target = target.and_then(|(s, slot)| Some((s, u32::try_from(slot).ok()?)));
            let callee = target.and_then(|(s, slot)| code.function_at(s, slot));
            let itself = |callee: usize| {
                let f = code.functions.get(callee);
                f.is_some_and(|f| f.section == index && (f.start..f.end()).contains(&pc))
            };
            called.extend(callee.filter(|callee| !itself(*callee)));
        }
    }
    called
}

fn entry(
    index: usize,
    function: &Function,
    section: &str,
    options: &Options,
    notes: &mut Vec<Note>,
    noted: &mut HashSet<String>,
) -> Entry {
    let mut entry = Entry {
        name: function.name.clone(),
        section: section.strip_prefix('?').unwrap_or(section).to_owned(),
        prog_type: None,
        attach_type: None,
        flags: ProgFlags::default(),
        attach_target: String::new(),
        optional: section.starts_with('?'),
        tail_slot: tail_slot(section),
        function: index,
    };
    match (sections::find(section), options.prog_type) {
        (Some(found), given)
            if found.exact || given.is_none_or(|given| given == found.def.prog_type) =>
        {
            if !found.exact && noted.insert(section.to_owned()) {
                let (section, taken_for) = (section.to_owned(), found.def.name);
                notes.push(Note::SectionPrefix { section, taken_for });
            }
            entry.prog_type = Some(found.def.prog_type);
            entry.attach_type = found.def.attach_type;
            entry.flags = found.def.flags;
            entry.attach_target = found.target.to_owned();
        }
        (_, Some(prog_type)) => {
            notes.push(Note::TypeGiven {
                program: function.name.clone(),
                section: section.to_owned(),
                prog_type,
            });
            entry.prog_type = Some(prog_type);
            entry.attach_type = sections::default_attach_type(prog_type);
        }
        (_, None) => {}
    }
    entry
}

/// Reads `ID/KEY`, both numbers.
fn tail_slot(section: &str) -> Option<(u32, u32)> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    let (id, key) = section.split_once('/')?;
    Some((number(id)?, number(key)?))
}

/// Only programs can stand in program arrays.
pub(crate) fn check_program_arrays(maps: &Maps, entries: &[Entry]) -> Result<(), Error> {
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
