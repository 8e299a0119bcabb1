//! A lemma as its file tells it.

use std::path::PathBuf;

/// A lemma: a file for the solvers, whose comments say what it is.
#[derive(Default)]
pub(crate) struct Lemma {
    pub(crate) path: PathBuf,
    /// The operator that it is about.
    pub(crate) operator: String,
    /// What it says of it.
    pub(crate) name: String,
    /// How many ways there are through the operator.
    pub(crate) ways: u64,
    /// The inputs: names, and widths in bits.
    pub(crate) inputs: Vec<(String, u32)>,
    /// The same as Rust, with names of inputs in braces.
    pub(crate) test: Vec<String>,
    /// Of an operator that is wrong on purpose.
    pub(crate) is_wrong: bool,
    /// Over the integers, not bit vectors.
    pub(crate) is_integers: bool,
}

impl Lemma {
    /// Reads the comments.
    pub(crate) fn parse(path: PathBuf, text: &str) -> Lemma {
        let mut lemma = Lemma {
            path,
            is_integers: text.contains("(set-logic QF_NIA)"),
            ..Lemma::default()
        };
        for line in text.lines().map_while(|line| line.strip_prefix("; ")) {
            let (key, value) = line.split_once(": ").unwrap_or((line, ""));
            match key {
                "operator" => value.clone_into(&mut lemma.operator),
                "lemma" => value.clone_into(&mut lemma.name),
                "ways" => lemma.ways = value.parse().unwrap_or_default(),
                "wrong" => lemma.is_wrong = true,
                "test" => lemma.test.push(value.to_owned()),
                "input" => {
                    let (name, width) = value.split_once(' ').unwrap_or((value, "64"));
                    let width = width.parse().unwrap_or(64);
                    lemma.inputs.push((name.to_owned(), width));
                }
                _ => {}
            }
        }
        lemma
    }
}
