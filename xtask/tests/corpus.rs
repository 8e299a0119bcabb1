//! The corpus agrees with itself: sources and objects, README, expectations and
//! captures, maps and objects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

/// The names in `folder` that end in `suffix`, without it.
fn names(folder: &Path, suffix: &str) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("folder is readable").file_name())
        .filter_map(|name| Some(name.to_str()?.strip_suffix(suffix)?.to_owned()))
        .collect();
    names.sort();
    names
}

#[test]
fn every_source_has_an_object_and_a_row() {
    let readme = fs::read_to_string(corpus().join("README.md")).expect("README is there");
    for folder in ["objects", "refused"] {
        let folder = corpus().join(folder);
        let sources = names(&folder, ".bpf.c");
        assert!(!sources.is_empty());
        assert_eq!(sources, names(&folder, ".bpf.o"));
        for source in &sources {
            let row = readme.lines().any(|line| {
                let first = line.split('|').nth(1).unwrap_or_default();
                first.contains(&format!("`{source}`"))
            });
            assert!(row, "README has no row for {source}");
        }
    }
}

#[test]
fn every_source_has_a_licence() {
    let objects = corpus().join("objects");
    let refused = corpus().join("refused");
    for (folder, suffix) in [
        (objects.clone(), ".bpf.c"),
        (refused, ".bpf.c"),
        (objects.join("include"), ".h"),
    ] {
        for name in names(&folder, suffix) {
            let text =
                fs::read_to_string(folder.join(format!("{name}{suffix}"))).expect("readable");
            let head: Vec<&str> = text.lines().take(2).collect();
            let licensed = head
                .iter()
                .any(|l| l.contains("SPDX-License-Identifier: MIT OR Apache-2.0"));
            assert!(licensed, "{name}{suffix}");
        }
    }
}

#[test]
fn maps_belong_to_objects_and_are_lists_of_entries() {
    let objects = names(&corpus().join("objects"), ".bpf.o");
    for object in names(&corpus().join("maps"), "") {
        assert!(objects.contains(&object), "no object {object}");
        let folder = corpus().join("maps").join(&object);
        for map in names(&folder, ".json") {
            let text = fs::read(folder.join(format!("{map}.json"))).expect("readable");
            let entries: Vec<BTreeMap<String, Value>> =
                serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{object}/{map}: {e}"));
            assert!(!entries.is_empty());
            for entry in entries {
                assert!(
                    entry.keys().eq(["key", "value"]),
                    "{object}/{map}: {entry:?}"
                );
            }
        }
    }
}

/// How many packets a little-endian pcap file holds, and how many of them have
/// fewer than 14 bytes.
fn count(capture: &Path) -> (usize, usize) {
    let bytes = fs::read(capture).unwrap_or_else(|error| panic!("{}: {error}", capture.display()));
    let (mut at, mut packets, mut short) = (24, 0, 0);
    while at < bytes.len() {
        let length: [u8; 4] = bytes[at + 8..at + 12].try_into().expect("four bytes");
        let length = u32::from_le_bytes(length) as usize;
        at += 16 + length;
        packets += 1;
        short += usize::from(length < 14);
    }
    (packets, short)
}

/// The words of `runs` and how often each stands.
fn words(runs: &str) -> impl Iterator<Item = (&str, usize)> {
    runs.split(' ').map(|word| match word.split_once('*') {
        Some((word, times)) => (word, times.parse().expect("a number")),
        None => (word, 1),
    })
}

#[test]
fn expectations_fit_the_captures() {
    let mut lines = 0;
    for object in names(&corpus().join("expected"), "") {
        if object == "README.md" {
            continue;
        }
        let folder = corpus().join("expected").join(&object);
        for program in names(&folder, ".jsonl") {
            let text =
                fs::read_to_string(folder.join(format!("{program}.jsonl"))).expect("readable");
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).expect("JSON");
                check(&line, &format!("{object}/{program}/{}", line["capture"]));
                lines += 1;
            }
        }
    }
    assert!(lines > 1000, "{lines} lines");
}

fn check(line: &Value, at: &str) {
    let capture = line["capture"].as_str().expect("a name");
    let (packets, short) = count(&corpus().join("pcaps").join(capture));
    assert_eq!(line["packets"], packets, "{at}");
    assert_eq!(line["skipped"], short, "{at}");

    let mut returns: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut all, mut skipped) = (0, 0);
    for (word, times) in words(line["runs"].as_str().expect("text")) {
        all += times;
        match word.split(':').next() {
            Some("-") => skipped += times,
            Some(value) => *returns.entry(value).or_default() += times,
            None => panic!("{at}: empty word"),
        }
    }
    assert_eq!((all, skipped), (packets, short), "{at}");
    let told = line["returns"].as_object().expect("an object");
    assert_eq!(told.len(), returns.len(), "{at}");
    for (value, times) in returns {
        assert_eq!(told[value], times, "{at}: {value}");
    }
}
