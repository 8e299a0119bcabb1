//! Any bytes, put to everything that reads bytes: what coverage-guided fuzzing
//! drives.
//!
//! A [`Target`] is a function that takes any bytes and returns, a source of bytes
//! to begin with, words that the format is made of, and, for formats with tables
//! and lengths, a mutation that changes one part and mends the rest. The binaries
//! in `fuzz/` add nothing but the way from libFuzzer to here, so that what a fuzzer
//! finds is found again by an ordinary test
//! (`crates/difftest/tests/fuzz_replay.rs` over `corpus/fuzz/`).
//!
//! # What counts as a finding
//!
//! A panic: of the code under test (overflow and index checks included), or of an
//! assertion here about what it answers. Memory and time are held against limits by
//! whoever runs a target.
//!
//! # Deliberately absent
//!
//! Nothing is put to the running kernel: bytes that bring down a verifier are for
//! ours.

mod binary;
mod btf;
mod captures;
mod code;
mod contents;
mod elf;
mod programs;
mod seeds;
mod text;

use std::path::Path;

pub use seeds::SeedError;

/// A way to change bytes without regard to what they mean, the fuzzer's own; the
/// number is the most bytes that there may be after it.
pub type Plain<'a> = &'a mut dyn FnMut(&mut Vec<u8>, usize);

/// A way to change bytes of a format; numbers as in [`Plain`], and random bits.
pub type Mutate = fn(&mut Vec<u8>, usize, u64, Plain<'_>);

/// Something that takes any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its binary in `fuzz/` and its folder in
    /// `corpus/fuzz/`.
    pub name: &'static str,
    /// Takes bytes.
    pub run: fn(&[u8]),
    /// Changes bytes with regard to their meaning.
    pub mutate: Option<Mutate>,
    /// What is worth beginning with, made of the corpus in this folder.
    pub seeds: fn(&Path) -> Result<Vec<Vec<u8>>, SeedError>,
    /// Words that the format is made of.
    pub words: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 12] = [
    Target {
        name: "elf",
        run: elf::run,
        mutate: Some(elf::mutate),
        seeds: seeds::objects,
        words: elf::words,
    },
    Target {
        name: "btf",
        run: btf::run,
        mutate: Some(btf::mutate),
        seeds: seeds::btf,
        words: btf::words,
    },
    Target {
        name: "core",
        run: btf::run_core,
        mutate: Some(btf::mutate_core),
        seeds: seeds::core,
        words: btf::words,
    },
    Target {
        name: "pcap",
        run: captures::run,
        mutate: Some(captures::mutate_pcap),
        seeds: seeds::pcap,
        words: captures::words,
    },
    Target {
        name: "pcapng",
        run: captures::run,
        mutate: Some(captures::mutate_pcapng),
        seeds: seeds::pcapng,
        words: captures::words,
    },
    Target {
        name: "assembler",
        run: text::assembler,
        mutate: None,
        seeds: seeds::file_tests,
        words: text::assembler_words,
    },
    Target {
        name: "raw_program",
        run: text::raw_program,
        mutate: None,
        seeds: seeds::raw_programs,
        words: text::raw_program_words,
    },
    Target {
        name: "contents",
        run: contents::run,
        mutate: None,
        seeds: seeds::contents,
        words: contents::words,
    },
    Target {
        name: "disassembler",
        run: code::disassembler,
        mutate: Some(code::mutate),
        seeds: seeds::code,
        words: code::words,
    },
    Target {
        name: "bytecode",
        run: code::bytecode,
        mutate: Some(code::mutate_headed),
        seeds: seeds::bytecode,
        words: code::words,
    },
    Target {
        name: "jit",
        run: code::jit,
        mutate: Some(code::mutate_headed),
        seeds: seeds::hostile,
        words: code::words,
    },
    Target {
        name: "programs",
        run: programs::run,
        mutate: None,
        seeds: seeds::programs,
        words: Vec::new,
    },
];

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.name == name)
    }
}
