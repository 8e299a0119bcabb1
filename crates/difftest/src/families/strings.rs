//! Random inputs of the helpers that only compute: `bpf_csum_diff`, `bpf_strtol`,
//! `bpf_strtoul`, `bpf_strncmp`.
//!
//! One program calls all of them on what map 1 holds and leaves what they return
//! in map 2; map 0 has the constants that strings are compared with.

use std::fmt::Write;

use abi::{Initial, MapDef, MapFlags, MapKind, MapType};

use super::Random;
use super::text::assemble;
use crate::{Subject, map};

/// Bytes of each of the two areas that a checksum is taken of.
const AREA: usize = 512;
/// Bytes of text.
const TEXT: usize = 96;
/// Where things are in map 1: `from_size`, `to_size`, `seed`, `text_len`, each
/// `u32`, and `flags: u64`.
const FROM: usize = 24;
const TO: usize = FROM + AREA;
const TEXT_AT: usize = TO + AREA;
const INPUT: usize = TEXT_AT + TEXT;
/// Strings that texts are compared with, and bytes of each.
const CONSTANTS: [&str; 8] = ["", "a", "ab", "abc", "abd", "abcabcabc", "\u{7f}", "0"];
const CONSTANT: usize = 16;
/// Results: checksum, three of each conversion, comparisons.
const FIRST_COMPARISON: usize = 6;

/// Results of one run.
pub const RESULTS: usize = FIRST_COMPARISON + CONSTANTS.len();

/// What is asked about.
pub fn subject() -> Subject {
    let array = |len: usize| map("m", MapType::Array, 4, len as u32, 1);
    let mut constants = Vec::new();
    for constant in CONSTANTS {
        constants.extend(constant.as_bytes());
        constants.resize(constants.len() + CONSTANT - constant.len(), 0);
    }
    let maps = vec![
        MapDef {
            kind: MapKind::Rodata,
            flags: MapFlags::RDONLY_PROG,
            initial: Initial::Bytes(constants.clone()),
            ..array(constants.len())
        },
        array(INPUT),
        array(8 * RESULTS),
    ];
    Subject::xdp("strings", assemble(&program()), maps)
}

fn program() -> String {
    let mut text = format!(
        "r6 = map[idx:1]+0\n\
         r7 = map[idx:2]+0\n\
         r1 = map[idx:1]+{FROM}\n\
         r2 = *(u32 *)(r6 +0)\n\
         if r2 > {AREA} goto out\n\
         r3 = map[idx:1]+{TO}\n\
         r4 = *(u32 *)(r6 +4)\n\
         if r4 > {AREA} goto out\n\
         r5 = *(u32 *)(r6 +8)\n\
         call 28\n\
         *(u64 *)(r7 +0) = r0\n\
         r8 = *(u32 *)(r6 +12)\n\
         if r8 == 0 goto out\n\
         if r8 > {TEXT} goto out\n"
    );
    for (helper, at) in [(105, 8), (106, 24)] {
        let _ = write!(
            text,
            "r1 = map[idx:1]+{TEXT_AT}\n\
             r2 = r8\n\
             r3 = *(u64 *)(r6 +16)\n\
             r4 = map[idx:2]+{}\n\
             call {helper}\n\
             *(u64 *)(r7 +{at}) = r0\n",
            at + 8,
        );
    }
    // The sixth result is free: the length that was asked for.
    let _ = writeln!(text, "*(u64 *)(r7 +40) = r8");
    for n in 0..CONSTANTS.len() {
        let _ = write!(
            text,
            "r1 = map[idx:1]+{TEXT_AT}\n\
             r2 = r8\n\
             r3 = map[idx:0]+{}\n\
             call 182\n\
             *(u64 *)(r7 +{}) = r0\n",
            n * CONSTANT,
            8 * (FIRST_COMPARISON + n),
        );
    }
    text + "r0 = 2\nexit\nout:\nr0 = 0\nexit\n"
}

/// A value of map 1.
pub fn input(random: &mut Random) -> Vec<u8> {
    let mut size = || match random.below(4) {
        0 => 0,
        1 => random.below(9) * 4,
        2 => random.below(AREA as u64 / 4 + 1) * 4,
        _ => random.below(AREA as u64 + 1),
    } as u32;
    let sizes = [size(), size()];
    let seed = random.edge() as u32;
    let text = text(random);
    let len = match random.percent(80) {
        true => text.len() as u64,
        false => 1 + random.below(TEXT as u64),
    };
    let flags = match random.percent(90) {
        true => random.pick(&[0, 8, 10, 16]),
        false => random.edge(),
    };
    let mut input = Vec::with_capacity(INPUT);
    for word in [sizes[0], sizes[1], seed, len.max(1) as u32] {
        input.extend(word.to_le_bytes());
    }
    input.extend(flags.to_le_bytes());
    for _ in 0..2 {
        let bytes = match random.below(4) {
            0 => vec![0; AREA],
            1 => vec![0xff; AREA],
            _ => random.bytes(AREA),
        };
        input.extend(bytes);
    }
    input.extend(text);
    input.resize(INPUT, 0);
    input
}

/// Text that may be a number.
fn text(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..random.below(4) {
        text.push(random.pick(b"  \t\n\x0b\x0c\r\xa0"));
    }
    if random.percent(30) {
        text.push(random.pick(b"--+"));
    }
    let number = random.edge();
    let digits = match random.below(8) {
        0 => format!("{number:x}"),
        1 => format!("0x{number:x}"),
        2 => format!("0X{number:X}"),
        3 => format!("0{number:o}"),
        4 => format!("{number}{}", random.below(100)),
        5 => "0".repeat(random.below(70) as usize),
        6 => String::new(),
        _ => number.to_string(),
    };
    text.extend(digits.bytes());
    for _ in 0..random.below(5) {
        match random.percent(60) {
            true => text.push(random.pick(b"abcabcabcxX089 \0\0")),
            false => text.push(random.number() as u8),
        }
    }
    text.truncate(TEXT);
    text
}
