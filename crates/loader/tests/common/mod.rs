//! What the tests share: the corpus.

use std::path::PathBuf;

/// Name and bytes of every corpus object.
pub(crate) fn objects() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/objects"));
    let mut objects: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "o"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    objects.sort();
    assert!(!objects.is_empty());
    objects
}
