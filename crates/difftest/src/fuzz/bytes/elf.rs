//! Objects: any bytes as an ELF file, all the way to linked programs.
//!
//! The mutation takes a file apart into sections, changes one of them (or what the
//! section table says of it), and puts the file together again with the offsets and
//! sizes that follow. Of a `.BTF` section it changes types.

use std::sync::Arc;

use loader::{Object, Options};

use super::binary::{part, put, u16_at, u32_at, u64_at};
use super::{Plain, btf};
use crate::families::{Random, Seed};

/// Opens an object, alone and against its own types, and links its programs.
pub(super) fn run(bytes: &[u8]) {
    let _ = loader::read_btf(bytes);
    let Ok(mut object) = Object::parse(bytes, &Options::default()) else {
        return;
    };
    look(&object);
    change(&mut object);
    if let Some(btf) = object.btf().map(Arc::clone) {
        let options = Options {
            name: "fuzzed.bpf.o".to_owned(),
            target_btf: Some(btf),
            ..Options::default()
        };
        if let Ok(object) = Object::parse(bytes, &options) {
            look(&object);
        }
    }
}

/// Looks at everything that an object shows.
fn look(object: &Object) {
    let _ = object.programs();
    for entry in object.entries() {
        let program = object.program(&entry.name);
        if let Ok(program) = program {
            let code = isa::Code::new(program.code);
            let _ = isa::disasm::listing(&code, &|_| None).to_string();
        }
    }
    for global in object.globals() {
        let _ = object.global_value(global);
    }
    for relocation in object.core_relocations() {
        let _ = format!("{relocation:?}");
    }
    for note in object.notes() {
        let _ = note.to_string();
    }
    for map in 0..object.maps().len() {
        let _ = object.map_section(map);
    }
    let _ = (object.externs(), object.license(), object.kern_version());
}

/// Changes what a user may change between opening and linking.
fn change(object: &mut Object) {
    let maps: Vec<_> = object.maps().iter().map(|map| map.name.clone()).collect();
    for name in maps {
        let _ = object.set_max_entries(&name, 3);
    }
    let globals: Vec<_> = object.globals().to_vec();
    for global in globals {
        if let Some(value) = object.global_value(&global) {
            let _ = object.set_global(&global.name, &value);
        }
    }
    let _ = object.programs();
}

/// Bytes of a section header.
const HEADER: usize = 64;
/// Bytes of the file header.
const FILE_HEADER: usize = 64;
/// More sections than any object here has are not taken apart.
const MOST_SECTIONS: usize = 256;

/// A section: its header as it stands, and its bytes.
struct Section {
    header: Vec<u8>,
    bytes: Vec<u8>,
}

impl Section {
    fn kind(&self) -> u32 {
        u32_at(&self.header, 4)
    }

    /// Bytes of a record of tables.
    fn record(&self) -> usize {
        match self.kind() {
            SHT_SYMTAB => 24,
            SHT_REL => 16,
            SHT_RELA => 24,
            _ => 8,
        }
    }
}

const SHT_SYMTAB: u32 = 2;
const SHT_RELA: u32 = 4;
const SHT_NOBITS: u32 = 8;
const SHT_REL: u32 = 9;

/// Takes a file apart; `None` when it has no table of sections.
fn apart(bytes: &[u8]) -> Option<(Vec<u8>, Vec<Section>)> {
    let head = bytes.get(..FILE_HEADER)?.to_vec();
    let (table, count) = (u64_at(&head, 0x28), usize::from(u16_at(&head, 0x3c)));
    let table = usize::try_from(table).ok()?;
    if count == 0 || count > MOST_SECTIONS {
        return None;
    }
    let mut sections = Vec::with_capacity(count);
    for index in 0..count {
        let header = part(bytes, table.checked_add(index * HEADER)?, HEADER).to_vec();
        if header.len() != HEADER {
            return None;
        }
        let at = usize::try_from(u64_at(&header, 0x18)).ok()?;
        let len = usize::try_from(u64_at(&header, 0x20)).ok()?;
        let stored = u32_at(&header, 4) != SHT_NOBITS;
        let bytes = match stored {
            true => part(bytes, at, len).to_vec(),
            false => Vec::new(),
        };
        sections.push(Section { header, bytes });
    }
    Some((head, sections))
}

/// The bytes of all sections.
pub(super) fn sections(bytes: &[u8]) -> Vec<Vec<u8>> {
    let parts = apart(bytes).map(|(_, sections)| sections);
    let sections = parts.into_iter().flatten();
    sections.map(|section| section.bytes).collect()
}

/// Puts a file together.
fn together(mut head: Vec<u8>, sections: &mut [Section]) -> Vec<u8> {
    let mut file = head.clone();
    for section in &mut *sections {
        if section.kind() == SHT_NOBITS {
            continue;
        }
        file.resize(file.len().next_multiple_of(8), 0);
        let (at, len) = (file.len() as u64, section.bytes.len() as u64);
        put(&mut section.header, 0x18, &at.to_le_bytes());
        put(&mut section.header, 0x20, &len.to_le_bytes());
        file.extend_from_slice(&section.bytes);
    }
    file.resize(file.len().next_multiple_of(8), 0);
    put(&mut head, 0x28, &(file.len() as u64).to_le_bytes());
    put(&mut head, 0x3c, &(sections.len() as u16).to_le_bytes());
    put(&mut file, 0, &head);
    for section in sections {
        file.extend_from_slice(&section.header);
    }
    file
}

/// Changes one section, and mends the file.
pub(super) fn mutate(bytes: &mut Vec<u8>, max: usize, bits: u64, plain: Plain<'_>) {
    let mut random = Random::new(Seed(bits), 0);
    let random = &mut random;
    let parts = match random.percent(15) {
        true => None,
        false => apart(bytes),
    };
    let Some((head, mut sections)) = parts else {
        return plain(bytes, max);
    };
    for _ in 0..=random.below(3) {
        change_one(&mut sections, bytes.len(), max, random, plain);
    }
    let file = together(head, &mut sections);
    if file.len() <= max {
        *bytes = file;
    }
}

fn change_one(
    sections: &mut Vec<Section>,
    len: usize,
    max: usize,
    random: &mut Random,
    plain: Plain<'_>,
) {
    let count = sections.len() as u64;
    let index = random.below(count) as usize;
    let room = max.saturating_sub(len);
    let section = &mut sections[index];
    let most = section.bytes.len() + room.min(256);
    match random.below(10) {
        // What the table says of it: name, type, flags, link, info, alignment.
        0 => {
            let at = random.pick(&[0, 4, 8, 0x28, 0x2c, 0x30, 0x38]);
            let value = match random.percent(60) {
                true => random.below(count.max(16)),
                false => random.edge(),
            };
            put(&mut section.header, at, &(value as u32).to_le_bytes());
        }
        // A section twice, or a section's bytes in place of another's.
        1 => {
            let other = random.below(count) as usize;
            let taken = sections[other].bytes.clone();
            if taken.len() <= room {
                sections[index].bytes = taken;
            }
        }
        2 => {
            let again = Section {
                header: section.header.clone(),
                bytes: section.bytes.clone(),
            };
            if again.bytes.len() + HEADER <= room {
                sections.push(again);
            }
        }
        3..=5 => change_record(section, random),
        _ if section.bytes.starts_with(&btf::MAGIC) && random.percent(80) => {
            btf::mutate(&mut section.bytes, most, random.number(), plain);
        }
        _ => plain(&mut section.bytes, most),
    }
}

/// Changes a field of a symbol, relocation or instruction, or moves records.
fn change_record(section: &mut Section, random: &mut Random) {
    let size = section.record();
    let count = (section.bytes.len() / size) as u64;
    if count == 0 {
        return;
    }
    let at = random.below(count) as usize * size;
    match random.below(4) {
        0 => {
            let from = random.below(count) as usize * size;
            section.bytes.copy_within(from..from + size, at);
        }
        1 => {
            let field = random.below(size as u64) as usize;
            put(&mut section.bytes, at + field, &[random.number() as u8]);
        }
        _ => {
            let field = random.below(size as u64 / 4) as usize * 4;
            let value = match random.percent(60) {
                true => random.below(32),
                false => random.edge(),
            };
            put(
                &mut section.bytes,
                at + field,
                &(value as u32).to_le_bytes(),
            );
        }
    }
}

/// Names that mean something to a loader.
pub(super) fn words() -> Vec<Vec<u8>> {
    let names = [
        ".maps",
        "maps",
        "license",
        "version",
        ".text",
        ".data",
        ".rodata",
        ".bss",
        ".kconfig",
        ".ksyms",
        ".struct_ops",
        ".struct_ops.link",
        ".BTF",
        ".BTF.ext",
        ".rel",
        ".rela",
        "xdp",
        "xdp.frags",
        "tc",
        "classifier",
        "socket",
        "kprobe/",
        "tracepoint/",
        "GPL",
        "LINUX_KERNEL_VERSION",
        "CONFIG_",
        "?",
    ];
    let names = names.map(|name| name.as_bytes().to_vec());
    names.into_iter().chain(btf::words()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firewall() -> Vec<u8> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../corpus/objects/firewall.bpf.o"
        );
        std::fs::read(path).expect("an object of the corpus")
    }

    fn code(bytes: &[u8]) -> Option<Vec<isa::Slot>> {
        let object = Object::parse(bytes, &Options::default()).ok()?;
        Some(object.programs().ok()?.first()?.code.clone())
    }

    #[test]
    fn what_is_put_together_is_what_was_taken_apart() {
        let bytes = firewall();
        let (head, mut sections) = apart(&bytes).expect("sections");
        assert_eq!(code(&together(head, &mut sections)), code(&bytes));
    }

    #[test]
    fn many_changed_objects_can_still_be_read() {
        let bytes = firewall();
        let changed = (0..200).map(|bits| {
            let mut changed = bytes.clone();
            mutate(&mut changed, bytes.len() + 64, bits, &mut |_, _| {});
            changed
        });
        let changed: Vec<_> = changed.filter(|changed| *changed != bytes).collect();
        let read = changed.iter().filter(|bytes| code(bytes).is_some());
        let read = read.count();
        assert!(changed.len() > 120, "{} changed", changed.len());
        assert!(read * 10 > changed.len(), "{read} of {}", changed.len());
        assert!(read < changed.len(), "nothing is ever broken");
    }
}
