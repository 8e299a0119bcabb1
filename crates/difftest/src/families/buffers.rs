//! Random changes of a packet's bounds and bytes.
//!
//! Map 0 says what to do: [`STEPS`] times `op: u32, argument: i32, length: u32`
//! and four bytes of padding; the program leaves what the helpers returned, and
//! what was loaded, in map 1.

use std::fmt::Write;

use abi::MapType;

use super::Random;
use super::text::assemble;
use crate::{Subject, map};

/// Helper calls of one run.
pub const STEPS: usize = 12;
/// Bytes that are copied at most.
const COPY: usize = 64;
/// Bytes of a step's result: what was returned, the size afterwards, what was
/// loaded.
const RESULT: usize = 16 + COPY;

/// Packets with parts in several buffers.
const LARGE: [u64; 6] = [3521, 4000, 4096, 7618, 9000, 20_000];

/// What is asked about. `frags` says whether the program may be given packets in
/// several buffers.
pub fn subject(frags: bool) -> Subject {
    let array = |len: usize| map("m", MapType::Array, 4, len as u32, 1);
    let maps = vec![array(16 * STEPS), array(RESULT * STEPS)];
    let name = match frags {
        true => "buffers, several",
        false => "buffers, one",
    };
    let mut subject = Subject::xdp(name, assemble(&program()), maps);
    subject.programs[0].flags.xdp_frags = frags;
    subject
}

fn program() -> String {
    let mut text = String::from("r6 = r1\nr7 = map[idx:0]+0\n");
    for n in 0..STEPS {
        step(&mut text, n);
    }
    text + "r0 = 2\nexit\n"
}

fn step(text: &mut String, n: usize) {
    let at = 16 * n;
    let _ = writeln!(
        text,
        "r8 = *(u32 *)(r7 +{at})\nr9 = *(u32 *)(r7 +{})",
        at + 4
    );
    // head, tail, meta
    for (op, helper) in [(0, 44), (1, 65), (2, 54)] {
        let _ = write!(
            text,
            "if r8 != {op} goto not{op}_{n}\n\
             r1 = r6\n\
             r2 = r9\n\
             call {helper}\n\
             goto done{n}\n\
             not{op}_{n}:\n"
        );
    }
    // load into the result, store from it
    for (op, helper) in [(3, 189), (4, 190)] {
        let _ = write!(
            text,
            "if r8 != {op} goto not{op}_{n}\n\
             r0 = 77\n\
             r1 = r6\n\
             r2 = r9\n\
             r3 = map[idx:1]+{}\n\
             r4 = *(u32 *)(r7 +{})\n\
             if r4 == 0 goto done{n}\n\
             if r4 > {COPY} goto done{n}\n\
             call {helper}\n\
             goto done{n}\n\
             not{op}_{n}:\n",
            RESULT * n + 16,
            at + 8,
        );
    }
    let _ = write!(
        text,
        "r0 = 99\n\
         done{n}:\n\
         r8 = map[idx:1]+{}\n\
         *(u64 *)(r8 +0) = r0\n\
         r1 = r6\n\
         call 188\n\
         *(u64 *)(r8 +8) = r0\n",
        RESULT * n,
    );
}

/// A packet, what to do with it, and the first value of map 1, from which bytes
/// are stored.
pub fn question(frags: bool, random: &mut Random) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let size = match random.below(4) {
        0 if frags => random.pick(&LARGE) + random.below(5),
        1 if frags => 3520 + random.below(20_000),
        2 => 14 + random.below(8),
        3 => 3500 + random.below(21),
        _ => 14 + random.below(1500),
    };
    let packet = random.bytes(size as usize);
    let mut steps = Vec::new();
    for _ in 0..STEPS {
        let op = random.below(6) as u32;
        let argument = argument(op, size, random);
        let length = match random.percent(90) {
            true => 1 + random.below(COPY as u64),
            false => random.below(COPY as u64 + 2),
        };
        steps.extend(op.to_le_bytes());
        steps.extend((argument as u32).to_le_bytes());
        steps.extend((length as u32).to_le_bytes());
        steps.extend([0; 4]);
    }
    (packet, steps, random.bytes(RESULT * STEPS))
}

/// How far a bound moves, or where bytes are.
fn argument(op: u32, size: u64, random: &mut Random) -> i64 {
    let sign = random.pick(&[1, -1]);
    match op {
        0 => sign * random.pick(&[0, 1, 2, 14, 20, 40, 100, 216, 256, size, size - 14]) as i64,
        1 => {
            let amount = match random.below(3) {
                0 => random.below(64),
                1 => random.below(size + 1),
                _ => random.below(5000),
            };
            sign * amount as i64
        }
        2 => sign * random.pick(&[0, 4, 8, 12, 16, 32, 64, 3, 252, 256]),
        _ => match random.below(12) {
            0 => random.pick(&[-1, 0xffff, 0x1_0000, i64::from(i32::MAX)]),
            1 => size as i64 - random.below(70) as i64,
            2 => 3456 + random.below(128) as i64,
            _ => random.below(size + 1) as i64,
        },
    }
}

/// The steps with what they returned to both, for a reader.
pub fn show(size: usize, steps: &[u8], ours: &[u8], theirs: &[u8]) -> String {
    let mut text = format!("a packet of {size} bytes");
    let results = ours.chunks(RESULT).zip(theirs.chunks(RESULT));
    for (step, (ours, theirs)) in steps.chunks(16).zip(results) {
        const NAMES: [&str; 5] = ["head", "tail", "meta", "load", "store"];
        let word = |at| {
            let word = step.get(at..).and_then(<[u8]>::first_chunk);
            word.map_or(0, |word| i32::from_le_bytes(*word))
        };
        let name = NAMES.get(word(0) as usize).unwrap_or(&"nothing");
        let returned = |bytes: &[u8]| {
            let (words, _) = bytes.as_chunks::<8>();
            let mut words = words.iter().map(|word| i64::from_le_bytes(*word));
            (words.next().unwrap_or(0), words.next().unwrap_or(0))
        };
        let same = if ours == theirs { "" } else { "  <- differs" };
        let _ = write!(
            text,
            "\n  {name} {} {}: {:?}, {:?}{same}",
            word(4),
            word(8),
            returned(ours),
            returned(theirs),
        );
    }
    text
}
