//! Code sections and the functions in them.

use abi::{FuncInfo, LineInfo};
use isa::{Pc, Slot};

use crate::core_relo::CoreRelocation;
use crate::elf::{Binding, Elf, Section, Symbol, SymbolKind, owned};
use crate::error::{Error, Place};
use crate::note::Note;
use crate::reference::Reference;

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

/// All code sections that are not empty, in file order.
pub(crate) fn sections(elf: &Elf<'_>) -> Result<Vec<CodeSection>, Error> {
    let sections = elf.sections.iter().enumerate();
    sections
        .filter(|(_, s)| s.executable && !s.data.is_empty())
        .map(|(elf_index, s)| section(elf_index, s))
        .collect()
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

/// All functions, ascending by section and start.
pub(crate) fn functions(
    elf: &Elf<'_>,
    sections: &[CodeSection],
    notes: &mut Vec<Note>,
) -> Result<Vec<Function>, Error> {
    let mut functions = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        let symbols: Vec<_> = elf.symbols_in(section.elf_index).collect();
        functions.extend(functions_of(index, section, &symbols, notes)?);
    }
    Ok(functions)
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
