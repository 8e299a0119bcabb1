//! Ring buffers: what a program reserves, sends and asks for.
//!
//! A packet is `count` (of no meaning) and 16 steps of 8 bytes: `op: u16,
//! size: u16, flags: u32`. What the helpers returned is in map 2; what is sent is
//! from map 1. The reader takes everything after each packet, so that it is within
//! one that the ring fills up.

use std::fmt::Write;

use abi::{MapFlags, MapType};

use super::{Case, definition, describe};
use crate::families::Random;
use crate::families::text::assemble;
use crate::{MapOp, Question, Subject};

const STEPS: usize = 16;
/// Sizes that are reserved.
const RESERVED: [u32; 6] = [0, 1, 8, 13, 64, 900];
/// The largest record that is sent at once.
const LARGEST: u64 = 2047;
const OUTPUT: u64 = 0;
const QUERY: u64 = 1;
/// The first number of those that reserve and submit; behind them those that
/// reserve and discard.
const RESERVE: u64 = 2;

pub(super) fn case(cpus: u32, count: usize, random: &mut Random) -> Case {
    let bytes = random.pick(&[4096, 8192, 65536]);
    let ring = definition(MapType::Ringbuf, 0, 0, bytes, MapFlags::default());
    let source = definition(MapType::Array, 4, 2048, 1, MapFlags::default());
    let results = definition(MapType::Array, 4, 8 * STEPS as u32, 1, MapFlags::default());
    let name = describe(&ring);
    let maps = vec![ring, source, results];
    let code = assemble(&program());
    let mut steps = Vec::new();
    let mut operations = 0;
    while operations < count {
        steps.extend(questions(random));
        operations += STEPS;
    }
    Case {
        steps,
        operations: operations as u64,
        make: Box::new({
            let name = name.clone();
            move || {
                let mut subject = Subject::xdp(name.clone(), code.clone(), maps.clone());
                subject.cpus = cpus;
                subject
            }
        }),
        name,
    }
}

/// New bytes to send, some of the time, the packet, and what came of it.
fn questions(random: &mut Random) -> Vec<Question<'static>> {
    let key = || vec![0; 4].into();
    let mut questions = Vec::new();
    if random.percent(20) {
        let value = random.bytes(2048).into();
        let update = MapOp::Update {
            key: key(),
            value,
            flags: 0,
        };
        questions.push(Question::Map { map: 1, op: update });
    }
    let mut packet = vec![0; 8];
    for _ in 0..STEPS {
        let op = match random.below(10) {
            0..=4 => OUTPUT,
            5 => QUERY,
            _ => RESERVE + random.below(2 * RESERVED.len() as u64),
        };
        let size = match random.below(4) {
            0 => random.below(17),
            1 => random.below(200),
            _ => random.below(LARGEST + 1),
        };
        packet.extend((op as u16).to_le_bytes());
        packet.extend((size as u16).to_le_bytes());
        let flags = match op {
            QUERY => random.pick(&[0, 1, 2, 3, 4, u32::MAX]),
            _ => random.pick(&[0, 0, 1, 1, 2, 3, 4, 1 << 31]),
        };
        packet.extend(flags.to_le_bytes());
    }
    questions.push(Question::Packet(packet.into()));
    questions.push(Question::Map {
        map: 2,
        op: MapOp::Lookup { key: key() },
    });
    questions
}

/// Writes every byte of a reserved record.
fn fill(text: &mut String, size: u32, n: usize) {
    let whole = size - size % 8;
    for word in (0..whole).step_by(8) {
        let _ = writeln!(
            text,
            "*(u64 *)(r0 +{word}) = {}",
            word as usize * 0x10001 + n
        );
    }
    for byte in whole..size {
        let _ = writeln!(text, "*(u8 *)(r0 +{byte}) = {}", byte as usize + n);
    }
}

fn program() -> String {
    let len = 8 + 8 * STEPS;
    let mut text = format!(
        "r6 = *(u32 *)(r1 +0)\n\
         r7 = *(u32 *)(r1 +4)\n\
         r2 = r6\n\
         r2 += {len}\n\
         if r2 > r7 goto out\n\
         r7 = map[idx:2]+0\n"
    );
    for n in 0..STEPS {
        step(&mut text, n);
    }
    text += "out:\nr0 = 2\nexit\n";
    text
}

/// One step: whatever it does, it ends in `r0`.
fn step(text: &mut String, n: usize) {
    let at = 8 + 8 * n;
    let _ = write!(
        text,
        "r8 = *(u16 *)(r6 +{at})\n\
         r9 = *(u32 *)(r6 +{})\n\
         r3 = *(u16 *)(r6 +{})\n\
         if r8 == {OUTPUT} goto output{n}\n\
         if r8 == {QUERY} goto query{n}\n",
        at + 4,
        at + 2,
    );
    let kinds = RESERVED
        .iter()
        .flat_map(|size| [(*size, 132), (*size, 133)]);
    for (kind, _) in kinds.clone().enumerate() {
        let _ = writeln!(
            text,
            "if r8 == {} goto reserve{kind}_{n}",
            kind + RESERVE as usize
        );
    }
    let _ = write!(
        text,
        "r0 = 99\n\
         goto done{n}\n\
         output{n}:\n\
         r0 = 98\n\
         if r3 > {LARGEST} goto done{n}\n\
         r1 = map[idx:0]\n\
         r2 = map[idx:1]+0\n\
         r4 = r9\n\
         call 130\n\
         goto done{n}\n\
         query{n}:\n\
         r1 = map[idx:0]\n\
         r2 = r9\n\
         call 134\n\
         goto done{n}\n"
    );
    for (kind, (size, release)) in kinds.enumerate() {
        let _ = write!(
            text,
            "reserve{kind}_{n}:\n\
             r1 = map[idx:0]\n\
             r2 = {size}\n\
             r3 = 0\n\
             call 131\n\
             if r0 != 0 goto got{kind}_{n}\n\
             r0 = 1\n\
             goto done{n}\n\
             got{kind}_{n}:\n"
        );
        fill(text, size, n);
        let _ = write!(
            text,
            "r1 = r0\nr2 = r9\ncall {release}\nr0 = 0\ngoto done{n}\n"
        );
    }
    let _ = writeln!(text, "done{n}:\n*(u64 *)(r7 +{}) = r0", 8 * n);
}
