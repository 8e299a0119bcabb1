//! The programs on which verifiers are compared: the samples, the file tests, the
//! objects of the corpus.
#![allow(dead_code, reason = "each user takes what it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use difftest::verify::Opinion;
use difftest::verify::filetest::FileTest;
use difftest::verify::samples::{self, Sample};
use loader::raw::{Caps, RawProgram};
use loader::{Object, Options};

/// A program, and what is known of it beforehand.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) topic: String,
    pub(crate) raw: RawProgram,
    /// What Linux said when it was measured.
    pub(crate) stored: Option<Opinion>,
    /// Linux's logs by level, where they were kept.
    pub(crate) logs: BTreeMap<u32, String>,
    /// The program as it was written.
    pub(crate) text: Vec<String>,
}

pub(crate) fn corpus() -> PathBuf {
    kernel::testing::corpus("")
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = samples();
    cases.extend(random());
    cases.extend(file_cases());
    cases.extend(objects());
    cases.extend(mistakes());
    cases
}

/// The samples: refusals, forms of the log, experiments.
pub(crate) fn samples() -> Vec<Case> {
    read("samples").into_iter().map(of_sample).collect()
}

/// The random programs.
pub(crate) fn random() -> Vec<Case> {
    read("random_programs").into_iter().map(of_sample).collect()
}

/// A file in `corpus/verify/linux-6.18`.
fn read(file: &str) -> Vec<Sample> {
    let path = corpus().join(format!("verify/linux-6.18/{file}.jsonl.gz"));
    let packed = fs::read(&path).expect("the corpus has samples");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .expect("gzip of text");
    samples::read(&text, None).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn of_sample(sample: Sample) -> Case {
    let stored = sample.opinion(0);
    Case {
        name: sample.name,
        topic: sample.topic,
        raw: sample.raw,
        stored: Some(stored),
        logs: sample.logs,
        text: sample.asm,
    }
}

/// A file of `corpus/verify`, with its name there: `maps/null_test_missing.bpf`.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// The file tests, in order; `VERIFY_FILES=text` takes those whose path contains
/// the text.
pub(crate) fn file_tests() -> Vec<File> {
    let wanted = std::env::var("VERIFY_FILES").unwrap_or_default();
    let root = corpus().join("verify");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the corpus has file tests") {
            let path = entry.expect("an entry of a folder").path();
            let name = path.strip_prefix(&root).unwrap_or(&path);
            let name = name.display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".bpf") && name.contains(&wanted) {
                let text = fs::read_to_string(&path).expect("a text");
                found.push(File { name, path, text });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The programs of the file tests.
pub(crate) fn file_cases() -> Vec<Case> {
    file_tests().into_iter().map(of_file).collect()
}

fn of_file(file: File) -> Case {
    let test = FileTest::parse(&file.text);
    let test = test.unwrap_or_else(|error| panic!("{}: {error}", file.name));
    let topic = file.name.split('/').next().unwrap_or_default();
    Case {
        topic: format!("files/{topic}"),
        name: format!("files/{}", file.name.trim_end_matches(".bpf")),
        raw: test.raw,
        stored: None,
        logs: BTreeMap::new(),
        text: file.text.lines().map(str::to_owned).collect(),
    }
}

/// Every program of every object.
pub(crate) fn objects() -> Vec<Case> {
    in_folder("objects", "objects")
}

/// What students get wrong, and how it is right: programs `wrong` and `right` of
/// each object.
pub(crate) fn mistakes() -> Vec<Case> {
    in_folder("verify/mistakes", "mistakes")
}

/// The programs that speed is measured with.
pub(crate) fn benches() -> Vec<Case> {
    in_folder("bench", "bench")
}

fn in_folder(folder: &str, topic: &str) -> Vec<Case> {
    objects_of(&corpus().join(folder), topic)
}

/// Every program of the objects in a folder.
pub(crate) fn objects_of(folder: &Path, topic: &str) -> Vec<Case> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder of objects")
        .map(|entry| entry.expect("an entry of a folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "o"))
        .collect();
    paths.sort();
    paths
        .iter()
        .flat_map(|path| of_object(path, topic))
        .collect()
}

fn of_object(path: &Path, topic: &str) -> Vec<Case> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let options = Options {
        name: name.clone(),
        prog_type: Some(abi::ProgType::Xdp),
        ..Options::default()
    };
    let bytes = fs::read(path).expect("an object");
    let object = Object::parse(&bytes, &options);
    let mut object = object.unwrap_or_else(|error| panic!("{name}: {error}"));
    if name == "legacy_maps28.bpf.o" {
        let set = object.set_max_entries("tx_port", 64);
        set.expect("the map that the object leaves open");
    }
    let Ok(programs) = object.programs() else {
        return Vec::new();
    };
    let short = name.trim_end_matches(".bpf.o");
    let case = |program: abi::Program| Case {
        name: format!("{topic}/{short}/{}", program.name),
        topic: topic.to_owned(),
        raw: RawProgram {
            flags: 0,
            caps: Caps::ROOT,
            attach_btf_id: None,
            program,
        },
        stored: None,
        logs: BTreeMap::new(),
        text: Vec::new(),
    };
    programs.into_iter().map(case).collect()
}
