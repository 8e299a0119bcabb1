//! Programs of any size and any content.

use std::time::{Duration, Instant};

use abi::Program;
use isa::Slot;
use verifier::Config;
use verifier::structure;

use crate::common::{EXIT, ZERO, call, of, slot, verdict, wide};

const MILLION: usize = 1_000_000;

#[test]
fn length_is_limited() {
    assert_eq!(verdict(&of([])), "E2BIG ");
    let long = |len: usize| of(std::iter::repeat_n(ZERO, len - 1).chain([EXIT]));
    assert_eq!(verdict(&long(MILLION)), "ok");
    assert_eq!(verdict(&long(MILLION + 1)), "E2BIG ");
}

#[test]
fn there_are_256_functions_at_most() {
    let calling = |functions: i32| {
        let calls = (1..functions).map(|n| call(functions + 1 + 2 * (n - 1) - n));
        let bodies = (1..functions).flat_map(|_| [ZERO, EXIT]);
        of(calls.chain([ZERO, EXIT]).chain(bodies).collect::<Vec<_>>())
    };
    assert_eq!(verdict(&calling(256)), "ok");
    assert_eq!(verdict(&calling(257)), "E2BIG too many subprograms");
}

/// Shapes in which a careless pass takes time in the square of the length, or
/// recurses: the time for a million instructions is bounded.
#[test]
fn a_million_instructions_take_no_time() {
    let fill = |pattern: &[Slot], last: &[Slot]| -> Program {
        let mut slots: Vec<Slot> = pattern.iter().copied().cycle().take(MILLION - 32).collect();
        slots.truncate((slots.len() / pattern.len()) * pattern.len());
        slots.extend(last);
        of(slots)
    };
    let end = [ZERO, EXIT];
    let back = slot(0x15, 1, 0, -3, 0);
    let forth = slot(0x15, 1, 0, 1, 0);
    let loads = wide(0, 1, 2);
    // A loop around each half of the program so far, and one around all.
    let mut nested: Vec<Slot> = std::iter::repeat_n(ZERO, MILLION / 2).collect();
    for n in 0..MILLION as i32 / 2 - 32 {
        // A conditional jump reaches 32768 slots back.
        nested.push(slot(0x15, 1, 0, (-(n % 30_000) - 2) as i16, 0));
    }
    let around_all = slot(0x06, 0, 0, 0, -(nested.len() as i32) - 2);
    nested.extend([forth, around_all, EXIT]);
    let programs = [
        ("straight", fill(&[ZERO], &end)),
        ("diamonds", fill(&[forth, ZERO], &end)),
        ("loops", fill(&[ZERO, ZERO, back], &end)),
        ("wide", fill(&loads, &end)),
        ("helper calls", fill(&[slot(0x85, 0, 0, 0, 5)], &end)),
        ("nested loops", of(nested)),
        ("calls", calls()),
    ];
    for (name, program) in programs {
        let begin = Instant::now();
        let outcome = structure::analyze(&program, &Config::default());
        let took = begin.elapsed();
        println!("{name}: {took:?}");
        assert!(outcome.is_ok(), "{name}: {:?}", outcome.err());
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
    }
}

/// 250 functions, each of which calls all later ones over and over.
fn calls() -> Program {
    const FUNCTIONS: i32 = 250;
    const SIZE: i32 = MILLION as i32 / FUNCTIONS;
    let function = |number: i32| {
        let calls = (0..SIZE - 2).map(move |at| {
            let later = FUNCTIONS - number - 1;
            match later {
                0 => ZERO,
                _ => call((1 + at % later) * SIZE - at - 1),
            }
        });
        calls.chain([ZERO, EXIT])
    };
    of((0..FUNCTIONS).flat_map(function))
}

/// Any bytes give an answer.
#[test]
fn random_slots_give_an_answer() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..60_000 {
        let len = 1 + (next() % 24) as usize;
        let mut slots: Vec<Slot> = (0..len)
            .map(|_| Slot::from_bytes(next().to_le_bytes()))
            .collect();
        // Most random slots are refused at once: mend some of them.
        if round % 2 == 0 {
            for slot in &mut slots {
                slot.opcode = ORDINARY[(next() % ORDINARY.len() as u64) as usize];
                slot.offset %= 8;
                slot.imm %= 16;
                slot.src %= 6;
            }
            slots.push(EXIT);
        }
        let program = of(slots);
        if let Ok(structure) = structure::analyze(&program, &Config::default()) {
            let used = vec![Default::default(); structure.subprograms.len()];
            let _ = structure::stack_depth::check(&program, &structure, &used);
        }
    }
}

const ORDINARY: [u8; 12] = [
    0x07, 0xbf, 0xb7, 0x18, 0x00, 0x05, 0x15, 0x1d, 0x85, 0x95, 0x61, 0xdb,
];
