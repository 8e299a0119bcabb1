//! What is asked about.

use std::ops::Range;

use abi::{AttachType, MapDef, MapType, ProgType, Program};
use isa::Slot;
use vm::world::Network;

/// Programs and maps that questions are put to.
#[derive(Debug)]
pub struct Subject {
    /// Its name in reports and in the list of known differences.
    pub name: String,
    /// The programs of one object.
    pub programs: Vec<Program>,
    /// The name of the one that packets are given to.
    pub entry: String,
    /// What is put into maps first, in this order.
    pub contents: Vec<Content>,
    /// Bytes that derive from something that no party controls.
    pub derived: Vec<Derived>,
    /// The network around; whoever makes the subject answers for its being that of
    /// the reference.
    pub network: Network,
    /// CPUs that are possible: values of a per-CPU map.
    pub cpus: u32,
}

/// One entry to be put into a map.
///
/// Values that stand for something else hold indices in the subject: of a map in
/// maps of maps, of a program in program arrays; index + 1 of a program, or 0, in
/// the program field of devmap and cpumap. Answers come in the same form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Index of the map.
    pub map: usize,
    /// The key; empty for queues, stacks and bloom filters.
    pub key: Vec<u8>,
    /// The value; of per-CPU maps those of all CPUs, each rounded up to 8 bytes.
    pub value: Vec<u8>,
}

/// Bytes of answers that are not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Of which answers.
    pub of: Where,
    /// Which bytes.
    pub bytes: Range<usize>,
}

/// Which byte strings of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// The packet after the program.
    Packet,
    /// Its metadata.
    Metadata,
    /// Every record of this map.
    Records(usize),
    /// Every value of this map.
    Values(usize),
}

impl Subject {
    /// The programs of an object, one of which is given packets.
    pub fn new(
        name: impl Into<String>,
        programs: Vec<Program>,
        entry: impl Into<String>,
    ) -> Subject {
        Subject {
            name: name.into(),
            programs,
            entry: entry.into(),
            contents: Vec::new(),
            derived: Vec::new(),
            network: Network::loopback(),
            cpus: 1,
        }
    }

    /// An XDP program of these instructions, with these maps: `ldimm64` with
    /// `src` 5 or 6 names a map by its index.
    pub fn xdp(name: impl Into<String>, code: Vec<Slot>, maps: Vec<MapDef>) -> Subject {
        let name = name.into();
        let program = Program {
            name: "entry".to_owned(),
            section: "xdp".to_owned(),
            attach_type: Some(AttachType::Xdp),
            maps: maps.into(),
            ..Program::bare(ProgType::Xdp, code)
        };
        Subject::new(name, vec![program], "entry")
    }

    /// Maps alone, for questions from the system call's side.
    pub fn maps_only(name: impl Into<String>, maps: Vec<MapDef>) -> Subject {
        let code = isa::asm::assemble("r0 = 2\nexit").expect("two instructions");
        Subject::xdp(name, code.slots().to_vec(), maps)
    }

    /// The program that packets are given to.
    pub fn program(&self) -> Option<&Program> {
        self.programs.iter().find(|p| p.name == self.entry)
    }

    /// The maps. Questions name them by their index here.
    pub fn maps(&self) -> &[MapDef] {
        self.program().map_or(&[], |p| &p.maps)
    }

    /// The name of a map.
    pub fn map_name(&self, map: usize) -> &str {
        self.maps().get(map).map_or("?", |def| &def.name)
    }

    /// The maps whose contents can be listed.
    pub fn listable(&self) -> Vec<usize> {
        let maps = self.maps().iter().enumerate();
        maps.filter(|(_, def)| is_listable(def.map_type))
            .map(|(index, _)| index)
            .collect()
    }
}

/// A map as a test wants it: no flags, no types, nothing in it.
pub fn map(
    name: &str,
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
) -> MapDef {
    MapDef {
        name: name.to_owned(),
        ..MapDef::bare(map_type, key_size, value_size, max_entries)
    }
}

/// Whether the system call can list what a map of this type holds.
pub(crate) fn is_listable(map_type: MapType) -> bool {
    use MapType::*;
    !matches!(
        map_type,
        BloomFilter | Ringbuf | UserRingbuf | PerfEventArray | CgroupArray | Xskmap | Sockmap
    )
}
