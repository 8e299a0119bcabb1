//! Code sections and the functions in them.

use std::collections::HashMap;

use abi::{FuncInfo, LineInfo};
use inject::Bug;
use isa::{Pc, Slot};

use crate::core_relo::CoreRelocation;
use crate::elf::{Binding, Elf, Section, Symbol, SymbolKind, owned};
use crate::error::{Error, Place};
use crate::note::Note;
use crate::reference::Reference;

/// All code of an object.
#[derive(Debug)]
pub(crate) struct Code {
    /// The sections that are not empty, in file order.
    pub(crate) sections: Vec<CodeSection>,
    /// All functions, ascending by section and start.
    pub(crate) functions: Vec<Function>,
    /// Index of the function at a section and slot.
    starts: HashMap<(usize, u32), usize>,
    /// Index of the section by its ELF index.
    by_elf_index: HashMap<usize, usize>,
}

/// A section with instructions.
#[derive(Debug)]
pub(crate) struct CodeSection {
    /// Its index in the ELF file.
    pub(crate) elf_index: usize,
    pub(crate) name: String,
    pub(crate) code: Vec<Slot>,
    /// What instructions refer to, ascending by `pc`.
    pub(crate) references: Vec<Reference>,
    /// CO-RE relocations, ascending by `pc`.
    pub(crate) core: Vec<CoreRelocation>,
    /// Ascending by `pc`, which counts from the start of the section.
    pub(crate) func_info: Vec<FuncInfo>,
    /// Ascending by `pc`, which counts from the start of the section.
    pub(crate) line_info: Vec<LineInfo>,
}

/// A function: a range of a code section.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Index in the list of code sections.
    pub(crate) section: usize,
    /// First slot, from the start of the section.
    pub(crate) start: u32,
    /// Number of slots, at least 1.
    pub(crate) len: u32,
    /// Whether other files could call it.
    pub(crate) global: bool,
}

impl Code {
    pub(crate) fn read(elf: &Elf<'_>, notes: &mut Vec<Note>) -> Result<Code, Error> {
        let sections = elf.sections.iter().enumerate();
        let sections: Vec<_> = sections
            .filter(|(_, s)| s.executable && !s.data.is_empty())
            .map(|(elf_index, s)| section(elf_index, s))
            .collect::<Result<_, _>>()?;
        let mut functions = Vec::new();
        for (index, section) in sections.iter().enumerate() {
            let symbols: Vec<_> = elf.symbols_in(section.elf_index).collect();
            functions.extend(functions_of(index, section, &symbols, notes)?);
        }
        let starts = functions.iter().enumerate();
        let starts = starts.map(|(i, f)| ((f.section, f.start), i)).collect();
        let by_elf_index = sections.iter().enumerate();
        let by_elf_index = by_elf_index.map(|(i, s)| (s.elf_index, i)).collect();
        Ok(Code {
            sections,
            functions,
            starts,
            by_elf_index,
        })
    }

    /// Index of the code section with this ELF index.
    pub(crate) fn section_at(&self, elf_index: usize) -> Option<usize> {
        self.by_elf_index.get(&elf_index).copied()
    }

    /// Index of the function that starts at this slot of a section.
    pub(crate) fn function_at(&self, section: usize, slot: u32) -> Option<usize> {
        self.starts.get(&(section, slot)).copied()
    }

    /// A function and its section.
    pub(crate) fn function(&self, index: usize) -> Option<(&CodeSection, &Function)> {
        let function = self.functions.get(index)?;
        Some((self.sections.get(function.section)?, function))
    }

    /// The name of the function at each ELF section and byte offset.
    pub(crate) fn by_place(&self) -> HashMap<(usize, u64), &str> {
        let place = |f: &Function| {
            let section = self.sections.get(f.section)?;
            Some((section.elf_index, u64::from(f.start) * 8))
        };
        let functions = self.functions.iter();
        functions
            .filter_map(|f| Some((place(f)?, f.name.as_str())))
            .collect()
    }
}

fn section(elf_index: usize, section: &Section<'_>) -> Result<CodeSection, Error> {
    Ok(CodeSection {
        elf_index,
        name: owned(section.name),
        code: Slot::read_all(section.data).ok_or_else(|| Error::CodeSize {
            section: owned(section.name),
            size: section.size,
        })?,
        references: Vec::new(),
        core: Vec::new(),
        func_info: Vec::new(),
        line_info: Vec::new(),
    })
}

fn functions_of(
    index: usize,
    section: &CodeSection,
    symbols: &[&Symbol<'_>],
    notes: &mut Vec<Note>,
) -> Result<Vec<Function>, Error> {
    let mut chosen: Vec<&Symbol<'_>> = symbols
        .iter()
        .copied()
        .filter(|s| s.kind == SymbolKind::Function)
        .collect();
    if chosen.is_empty() {
        chosen = untyped(section, symbols, notes);
    }
    chosen.sort_by_key(|s| (s.value, s.binding == Binding::Local));
    let mut functions: Vec<Function> = Vec::with_capacity(chosen.len());
    for (i, symbol) in chosen.iter().enumerate() {
        let end = match symbol.size {
            0 => chosen
                .iter()
                .skip(i)
                .map(|s| s.value)
                .find(|v| *v > symbol.value)
                .unwrap_or(section.code.len() as u64 * 8),
            size if inject::on(Bug::SolanaElf) => symbol.value.strict_add(size),
            size => symbol.value.saturating_add(size),
        };
        let (start, end) = bounds(section, symbol, end)?;
        // An alias, or another function that starts inside of this one.
        if let Some(last) = functions.last().filter(|last| start < last.end()) {
            if (last.start, last.end()) == (start, end) {
                continue;
            }
            return Err(Error::Elf {
                what: "functions overlap",
                place: Some(section.place(start).of(owned(symbol.name))),
            });
        }
        if start < end {
            functions.push(Function {
                name: owned(symbol.name),
                section: index,
                start,
                len: end - start,
                global: symbol.binding != Binding::Local,
            });
        }
    }
    if functions.is_empty() {
        functions.push(Function {
            name: section.name.clone(),
            section: index,
            start: 0,
            len: section.code.len() as u32,
            global: true,
        });
    }
    Ok(functions)
}

/// Old compilers give the symbols of functions no type. Those of basic blocks
/// are untyped too, but local.
fn untyped<'a, 'e>(
    section: &CodeSection,
    symbols: &[&'a Symbol<'e>],
    notes: &mut Vec<Note>,
) -> Vec<&'a Symbol<'e>> {
    let chosen: Vec<_> = symbols
        .iter()
        .copied()
        .filter(|s| {
            s.kind == SymbolKind::NoType && s.binding != Binding::Local && !s.name.is_empty()
        })
        .collect();
    notes.extend(chosen.iter().map(|s| Note::Untyped {
        function: owned(s.name),
        section: section.name.clone(),
    }));
    chosen
}

fn bounds(section: &CodeSection, symbol: &Symbol<'_>, end: u64) -> Result<(u32, u32), Error> {
    let size = section.code.len() as u64 * 8;
    let fits = symbol.value.is_multiple_of(8) && end.is_multiple_of(8) && end <= size;
    let slots = |bytes: u64| u32::try_from(bytes / 8).ok();
    match (fits, slots(symbol.value), slots(end)) {
        (true, Some(start), Some(end)) => Ok((start, end)),
        _ => Err(Error::FunctionBounds {
            place: Place::new(&section.name, symbol.value).of(owned(symbol.name)),
            size: symbol.size,
        }),
    }
}

impl CodeSection {
    /// The place of a slot, for messages.
    pub(crate) fn place(&self, pc: u32) -> Place {
        Place::new(&self.name, u64::from(pc) * 8)
    }
}

impl Function {
    pub(crate) fn end(&self) -> u32 {
        self.start + self.len
    }

    /// The part of `items`, ascending by `pc`, that lies in this function.
    pub(crate) fn part<'a, T>(&self, items: &'a [T], pc: impl Fn(&T) -> Pc) -> &'a [T] {
        let first = items.partition_point(|item| pc(item).0 < self.start);
        let last = items.partition_point(|item| pc(item).0 < self.end());
        items.get(first..last).unwrap_or_default()
    }
}
