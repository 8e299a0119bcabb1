//! The objects of the corpus as subjects, and its captures.
#![allow(dead_code, reason = "each user takes what it needs")]

use std::fs;
use std::path::{Path, PathBuf};

use abi::ProgType;
use difftest::{Subject, contents_from_json};
pub(crate) use kernel::testing::{corpus, sorted};
use loader::Object;
use vm::world::Network;

/// A program with its maps filled.
pub(crate) fn subject(
    object: &Object,
    name: &str,
    entry: &str,
    cpus: u32,
    network: Network,
) -> Subject {
    let programs = object.entries().iter();
    let programs = programs.filter_map(|entry| object.program(&entry.name).ok());
    let mut subject = Subject::new(format!("{name}/{entry}"), programs.collect(), entry);
    subject.cpus = cpus;
    subject.network = network;
    for file in sorted(&corpus("maps").join(name)) {
        let map = file.file_stem().expect("a name").to_string_lossy();
        let map = object.map_index(&map).expect("a map");
        let entries = fs::read(&file).expect("readable");
        let entries = serde_json::from_slice(&entries).expect("JSON");
        let contents = contents_from_json(&subject, map, &entries);
        let contents = contents.unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        subject.contents.extend(contents);
    }
    subject
}

/// An object of the corpus.
pub(crate) fn open(path: &Path) -> Object {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let options = loader::Options {
        name: name.clone().into_owned(),
        prog_type: Some(ProgType::Xdp),
        ..Default::default()
    };
    let mut object =
        Object::parse(&bytes, &options).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    if name == "legacy_maps28.bpf.o" {
        object.set_max_entries("tx_port", 64).expect("a map");
    }
    object
}

/// The captures of whole packets.
pub(crate) fn captures() -> Vec<PathBuf> {
    let mut files = sorted(&corpus("pcaps"));
    files.retain(|path| path.extension().is_some_and(|ext| ext == "pcap"));
    files
}
