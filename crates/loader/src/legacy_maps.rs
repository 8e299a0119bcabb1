//! Map definitions from before BTF: structures of plain numbers in a section
//! `maps`, whose layout depends on the loader that they were written for.
//!
//! | bytes | written for | after type, key size, value size, max entries |
//! |---|---|---|
//! | 16 | the oldest | nothing |
//! | 20 | libbpf | flags |
//! | 28 | the kernel's samples | flags, index of the inner map, memory node |
//! | 28 | old iproute2, aya | flags, id, pinning |
//! | 36 | iproute2 | flags, id, pinning, id of the inner map, slot in the outer one |
//!
//! Of the two with 28 bytes, only maps of maps use the first one's index, and
//! only maps with `BPF_F_NUMA_NODE` its node.
//!
//! The size of a definition is the distance to the next symbol. Longer ones
//! begin as libbpf's and have something else behind that.

use abi::{Initial, InitialEntry, MapDef, MapFlags, MapType, Pinning};
use btf::{Btf, Kind, Type};

use crate::elf::{Elf, Symbol, SymbolKind, owned};
use crate::entries::Entry;
use crate::error::{Error, MapError, Place};
use crate::maps::{Maps, blank};
use crate::note::Note;

/// A definition as words.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    /// Word `index`; 0 behind the end.
    fn get(&self, index: usize) -> u32 {
        self.0
            .as_chunks::<4>()
            .0
            .get(index)
            .map_or(0, |w| u32::from_le_bytes(*w))
    }
}

/// How a definition refers to other ones.
#[derive(Clone, Copy, Default)]
struct Links {
    /// iproute2: what others call this map by; 0 for nothing.
    id: u32,
    /// iproute2: `id` of the map that is the template of this one's inner maps.
    inner_id: u32,
    /// iproute2: where this map is put into the map that names its `id`.
    inner_slot: u32,
    /// Samples: index of the map that is the template.
    inner_index: Option<u32>,
}

/// Puts programs of sections `ID/KEY` into the program array with that id, as
/// iproute2 does.
pub(crate) fn fill_tail_calls(maps: &mut Maps, entries: &[Entry]) {
    let tails = entries.iter().filter_map(|e| Some((e, e.tail_slot?)));
    for (entry, (id, slot)) in tails {
        let Some(map) = maps.by_id.get(&id).and_then(|i| maps.defs.get_mut(*i)) else {
            continue;
        };
        if map.map_type != MapType::ProgArray {
            continue;
        }
        let new = InitialEntry::Program {
            slot,
            program: entry.name.clone(),
        };
        match &mut map.initial {
            Initial::Entries(entries) => entries.push(new),
            initial => *initial = Initial::Entries(vec![new]),
        }
    }
}

/// Reads the definitions of all legacy sections into `maps`.
pub(crate) fn read(
    elf: &Elf<'_>,
    btf: Option<&Btf>,
    maps: &mut Maps,
    notes: &mut Vec<Note>,
) -> Result<(), Error> {
    let sections = elf.sections.iter().enumerate();
    let sections = sections
        .filter(|(_, s)| !s.executable && (s.name == "maps" || s.name.starts_with("maps/")));
    for (index, section) in sections {
        let first = maps.defs.len();
        let mut links = Vec::new();
        maps.map_sections.insert(index);
        for (symbol, bytes) in definitions(elf, index, section.data) {
            let place = Place::new(section.name, symbol.value).of(owned(symbol.name));
            let (mut def, found) = definition(symbol, bytes, place, notes)?;
            if let Some(btf) = btf {
                annotate(&mut def, btf);
            }
            let map = maps.push(def, section.name)?;
            maps.by_place.insert((index, symbol.value), map);
            if found.id != 0 {
                maps.by_id.insert(found.id, map);
            }
            links.push(found);
        }
        link(
            maps.defs.get_mut(first..).unwrap_or_default(),
            &links,
            first,
        );
    }
    Ok(())
}

/// The symbols of a section and the bytes up to the next one.
fn definitions<'a, 'e>(
    elf: &'a Elf<'e>,
    section: usize,
    data: &'e [u8],
) -> Vec<(&'a Symbol<'e>, &'e [u8])> {
    let mut symbols: Vec<_> = elf
        .symbols_in(section)
        .filter(|s| matches!(s.kind, SymbolKind::Object | SymbolKind::NoType))
        .filter(|s| !s.name.is_empty())
        .collect();
    symbols.sort_by_key(|s| s.value);
    symbols.dedup_by_key(|s| s.value);
    let ends = symbols.iter().skip(1).map(|s| s.value);
    let ends: Vec<u64> = ends.chain([data.len() as u64]).collect();
    let bytes = |start: u64, end: u64| data.get(start as usize..end as usize).unwrap_or_default();
    symbols
        .iter()
        .zip(ends)
        .map(|(symbol, end)| (*symbol, bytes(symbol.value, end)))
        .collect()
}

fn definition(
    symbol: &Symbol<'_>,
    bytes: &[u8],
    place: Place,
    notes: &mut Vec<Note>,
) -> Result<(MapDef, Links), Error> {
    let size = match usize::try_from(symbol.size) {
        Ok(size) if size > 0 && size <= bytes.len() => size,
        _ => bytes.len(),
    };
    let words = Words(bytes.get(..size).unwrap_or_default());
    if size < 16 || !size.is_multiple_of(4) {
        return Err(Error::LegacyMapSize {
            place,
            size: size as u64,
        });
    }
    let name = owned(symbol.name);
    let map_type = MapType::new(words.get(0)).ok_or(Error::Map {
        map: name.clone(),
        what: MapError::Type(words.get(0)),
    })?;
    let mut def = MapDef {
        key_size: words.get(1),
        value_size: words.get(2),
        max_entries: words.get(3),
        flags: MapFlags(words.get(4)),
        ..blank(name, map_type)
    };
    let mut links = Links::default();
    match size {
        16 | 20 => {}
        28 => {
            match map_type.is_map_in_map() {
                true => links.inner_index = Some(words.get(5)),
                false => links.id = words.get(5),
            }
            match def.flags.contains(MapFlags::NUMA_NODE) {
                true => def.numa_node = words.get(6),
                false => def.pinning = pinning(words.get(6)),
            }
        }
        36 => {
            links.id = words.get(5);
            links.inner_id = words.get(7);
            links.inner_slot = words.get(8);
            def.pinning = pinning(words.get(6));
        }
        _ => note_rest(&def.name, words.0, notes),
    }
    Ok((def, links))
}

/// iproute2 knows several places to pin to.
fn pinning(word: u32) -> Pinning {
    match word {
        0 => Pinning::None,
        _ => Pinning::ByName,
    }
}

/// The types of key and value, which `BPF_ANNOTATE_KV_PAIR` left in BTF as the
/// two members of a structure `____btf_map_NAME`.
fn annotate(def: &mut MapDef, btf: &Btf) {
    let name = format!("____btf_map_{}", def.name);
    let Some(Type::Struct(pair)) = btf.find(&name, Kind::Struct).and_then(|id| btf.ty(id)) else {
        return;
    };
    let (Some(key), Some(value)) = (pair.member(0), pair.member(1)) else {
        return;
    };
    let fits = |ty, size| btf.size_of(ty) == Some(size);
    if fits(key.ty, def.key_size) && fits(value.ty, def.value_size) {
        (def.key_type, def.value_type) = (key.ty, value.ty);
    }
}

fn note_rest(name: &str, bytes: &[u8], notes: &mut Vec<Note>) {
    let rest = bytes.get(20..).unwrap_or_default();
    if rest.iter().any(|b| *b != 0) {
        let (map, bytes) = (name.to_owned(), rest.len() as u64);
        notes.push(Note::LegacyMapRest { map, bytes });
    }
}

/// Gives maps of maps their templates and first entries. The index in the
/// object's list of `defs[0]` is `first`.
fn link(defs: &mut [MapDef], links: &[Links], first: usize) {
    for index in 0..defs.len() {
        let (Some(def), Some(link)) = (defs.get(index), links.get(index)) else {
            continue;
        };
        if !def.map_type.is_map_in_map() {
            continue;
        }
        let same_id = |l: &Links| link.inner_id != 0 && l.id == link.inner_id;
        let template = match link.inner_index {
            Some(template) => Some(template as usize),
            None => links.iter().position(same_id),
        };
        let template = template.filter(|t| *t != index).and_then(|t| defs.get(t));
        let template = template.filter(|t| !t.map_type.is_map_in_map()).cloned();
        let entries = links.iter().enumerate().filter(|(_, l)| same_id(l));
        let entries: Vec<_> = entries
            .filter(|(i, l)| *i != index && i32::try_from(l.inner_slot).is_ok())
            .map(|(i, l)| InitialEntry::Map {
                slot: l.inner_slot,
                map: first + i,
            })
            .collect();
        if let Some(def) = defs.get_mut(index) {
            def.inner = template.map(Box::new);
            if !entries.is_empty() {
                def.initial = Initial::Entries(entries);
            }
        }
    }
}
