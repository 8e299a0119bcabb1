//! The maps of an object, in libbpf's order: legacy definitions, BTF
//! definitions by their place in `.maps`, global data by section, `.kconfig`.

use std::collections::{HashMap, HashSet};

use abi::limits::PAGE_SIZE;
use abi::{MapDef, MapKind, MapType, Pinning};

use crate::error::Error;
use crate::note::Note;

/// Maps of an object. Linux lets a program use 64.
const MAX_MAPS: usize = 1024;

/// The maps and where in the file each stands.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    pub(crate) defs: Vec<MapDef>,
    /// Name of the ELF section of each map.
    pub(crate) sections: Vec<String>,
    /// Defined maps by ELF section and offset.
    pub(crate) by_place: HashMap<(usize, u64), usize>,
    /// Global data maps by ELF section.
    pub(crate) data: HashMap<usize, usize>,
    /// iproute2's maps by their id.
    pub(crate) by_id: HashMap<u32, usize>,
    /// Sections with map definitions.
    pub(crate) map_sections: HashSet<usize>,
}

impl Maps {
    /// Adds a map and says its index.
    pub(crate) fn push(&mut self, def: MapDef, section: &str) -> Result<usize, Error> {
        let index = self.defs.len();
        if index == MAX_MAPS {
            return Err(Error::TooManyMaps { limit: MAX_MAPS });
        }
        self.defs.push(def);
        self.sections.push(section.to_owned());
        Ok(index)
    }

    /// The map of this name, or the global data map of this section.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let by_name = self.defs.iter().position(|def| def.name == name);
        by_name.or_else(|| {
            let mut both = self.defs.iter().zip(&self.sections);
            both.position(|(def, section)| def.kind != MapKind::User && section == name)
        })
    }
}

/// A definition with nothing but name and type.
pub(crate) fn blank(name: String, map_type: MapType) -> MapDef {
    MapDef {
        name,
        ..MapDef::bare(map_type, 0, 0, 0)
    }
}

/// Fills in what libbpf, or the loaders that wild objects were written for, fill
/// in, and says what the user may want to know.
pub(crate) fn complete(def: &mut MapDef, notes: &mut Vec<Note>) {
    let map = || def.name.clone();
    if def.pinning != Pinning::None {
        notes.push(Note::PinningIgnored { map: map() });
    }
    let no_sizes = def.key_size == 0 && def.value_size == 0;
    if def.map_type == MapType::PerfEventArray && no_sizes {
        notes.push(Note::PerfEventSizes { map: map() });
        (def.key_size, def.value_size) = (4, 4);
    }
    if is_ringbuf(def) && ringbuf_size(def.max_entries) != def.max_entries {
        let (from, to) = (def.max_entries, ringbuf_size(def.max_entries));
        notes.push(Note::RingbufRounded {
            map: map(),
            from,
            to,
        });
        def.max_entries = to;
    }
    if def.max_entries == 0 && needs_max_entries(def.map_type) {
        notes.push(Note::NoMaxEntries { map: map() });
    }
    if let Some(inner) = &mut def.inner {
        complete(inner, notes);
    }
}

/// Makes sizes that a user has set into ones that Linux takes.
pub(crate) fn adjust(def: &mut MapDef) {
    if is_ringbuf(def) {
        def.max_entries = ringbuf_size(def.max_entries);
    }
}

fn is_ringbuf(def: &MapDef) -> bool {
    matches!(def.map_type, MapType::Ringbuf | MapType::UserRingbuf)
}

/// Whether Linux refuses 0 entries. A perf event array has as many as there are
/// CPUs then, which the runtime knows.
fn needs_max_entries(map_type: MapType) -> bool {
    !matches!(
        map_type,
        MapType::PerfEventArray
            | MapType::CgroupStorage
            | MapType::PercpuCgroupStorage
            | MapType::SkStorage
            | MapType::InodeStorage
            | MapType::TaskStorage
            | MapType::CgrpStorage
            | MapType::StructOps
    )
}

/// The next power-of-two number of pages, as libbpf chooses it. 0 stays 0, for
/// the user to see that it is missing; what is too large stays too.
pub(crate) fn ringbuf_size(size: u32) -> u32 {
    if size == 0 {
        return 0;
    }
    let pages = size.div_ceil(PAGE_SIZE).checked_next_power_of_two();
    pages.and_then(|p| p.checked_mul(PAGE_SIZE)).unwrap_or(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_buffers_have_powers_of_two_of_pages() {
        for (asked, had) in [
            (0, 0),
            (1, 4096),
            (4096, 4096),
            (4097, 8192),
            (12288, 16384),
            (1 << 31, 1 << 31),
            ((1 << 31) + 1, (1 << 31) + 1),
        ] {
            assert_eq!(ringbuf_size(asked), had, "{asked}");
        }
    }

    #[test]
    fn a_perf_event_array_gets_sizes_and_keeps_zero_entries() {
        let mut def = blank("events".into(), MapType::PerfEventArray);
        let mut notes = Vec::new();
        complete(&mut def, &mut notes);
        assert_eq!((def.key_size, def.value_size, def.max_entries), (4, 4, 0));
        assert_eq!(
            notes,
            [Note::PerfEventSizes {
                map: "events".into()
            }]
        );
    }
}
