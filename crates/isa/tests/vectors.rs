//! The conformance vectors assemble, and their programs come back from text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use isa::vectors::{self, ErrorKind, Outcome, Vector};
use isa::{Insn, asm, disasm, table};

/// All vectors with their files, in order.
fn corpus() -> Vec<(PathBuf, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/insn");
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "data")
        })
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let vectors =
            vectors::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        vectors
            .into_iter()
            .map(move |vector| (path.clone(), vector))
    };
    files.into_iter().flat_map(read).collect()
}

#[test]
fn vectors_assemble_and_come_back() {
    for (path, vector) in corpus() {
        let place = format!("{}:{}: {}", path.display(), vector.line, vector.name);
        let code = asm::assemble(&vector.asm).unwrap_or_else(|error| panic!("{place}: {error}"));
        let listing = disasm::listing(&code, &|_| None).to_string();
        assert_eq!(asm::assemble(&listing).as_ref(), Ok(&code), "{place}");
        let structure = vector.outcome == Outcome::Error(ErrorKind::Structure);
        assert_eq!(
            code.check().is_err(),
            structure,
            "{place}: {:?}",
            code.check()
        );
    }
}

/// Needs more than a program can be given here: a map, a variable, an arena.
fn needs_an_environment(insn: Insn) -> bool {
    match insn {
        Insn::LoadImm { imm, .. } => imm.value().is_none(),
        Insn::AddrSpaceCast { .. } => true,
        _ => false,
    }
}

#[test]
fn every_operation_has_a_vector() {
    let texts: BTreeSet<&str> = corpus()
        .iter()
        .flat_map(|(_, vector)| {
            asm::assemble(&vector.asm)
                .expect("checked above")
                .insns()
                .to_vec()
        })
        .filter_map(|insn| Some(table::row_of(insn)?.text))
        .collect();
    for row in table::TABLE {
        assert!(
            texts.contains(row.text) || needs_an_environment(row.insn),
            "no vector has {}",
            row.text
        );
    }
}
