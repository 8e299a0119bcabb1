//! Every operation on boundary operands: the interpreter, the kernel and
//! `isa::eval` give the same results.
#![cfg(target_os = "linux")]

mod support;

use difftest::families::grid::{Grid, OPERANDS};
use difftest::families::{Random, Seed, seeds};
use difftest::{Answer, Interpreter, Linux, MapOp, Party, Question, Session, Subject};
use isa::Reg;
use support::{agreed, open};

/// Pairs of operands, beside the boundaries, for the first pair of registers.
const RANDOM: usize = 200;
/// Pairs of operands for every other pair of registers.
const SAMPLED: usize = 24;

#[test]
fn every_operation_in_every_pair_of_registers() {
    let Some(mut linux) = support::linux() else {
        return;
    };
    for seed in seeds() {
        let count = compare(&mut linux, &Reg::ALL[..10], seed);
        agreed("grid", seed, &[(count, "results")]);
    }
}

/// Compares all pairs of these registers; the number of results.
fn compare(linux: &mut Linux, registers: &[Reg], seed: Seed) -> u64 {
    let mut count = 0;
    for dst in registers {
        for src in registers {
            let grid = Grid::new(*dst, *src);
            let subject = grid.subject();
            let mut sessions = [
                (Interpreter.name(), open(&mut Interpreter, &subject)),
                (linux.name(), open(linux, &subject)),
            ];
            for (first, second) in operands(*dst, *src, seed) {
                for (name, session) in &mut sessions {
                    let value = results(&mut **session, first, second);
                    if let Some(wrong) = grid.wrong(first, second, &value) {
                        panic!("{name}, {seed}: {wrong}");
                    }
                }
                count += grid.results() as u64;
            }
        }
    }
    count
}

/// Operands for a pair of registers: all boundaries for one pair, samples for the
/// others.
fn operands(dst: Reg, src: Reg, seed: Seed) -> Vec<(u64, u64)> {
    let mut random = Random::new(seed, (dst.index() * 16 + src.index()) as u64);
    if (dst, src) == (Reg::R1, Reg::R2) {
        let second = |first| OPERANDS.map(|second| (first, second));
        let mut all: Vec<_> = OPERANDS.iter().flat_map(|first| second(*first)).collect();
        all.extend((0..RANDOM).map(|_| (random.edge(), random.edge())));
        return all;
    }
    let mut sample = || match random.percent(70) {
        true => random.pick(&OPERANDS),
        false => random.edge(),
    };
    (0..SAMPLED).map(|_| (sample(), sample())).collect()
}

/// What the program leaves in its map.
fn results(session: &mut dyn Session, dst: u64, src: u64) -> Vec<u8> {
    let packet = Grid::packet(dst, src);
    let ran = session.ask(&Question::packet(&packet));
    let ended = matches!(&ran, Ok(Answer::Ran(ran)) if ran.end.as_ref().is_ok_and(|o| o.ret == 2));
    assert!(ended, "{ran:?}");
    let key = 0u32.to_le_bytes();
    let op = MapOp::Lookup {
        key: (&key[..]).into(),
    };
    match session.ask(&Question::Map { map: 0, op }) {
        Ok(Answer::Bytes(Ok(value))) => value,
        other => panic!("the results: {other:?}"),
    }
}

#[test]
fn a_wrong_result_is_found() {
    let grid = Grid::new(Reg::R1, Reg::R2);
    let subject: Subject = grid.subject();
    let mut session = open(&mut Interpreter, &subject);
    let value = results(&mut *session, 5, 7);
    assert_eq!(grid.wrong(5, 7, &value), None);
    let mut other = value.clone();
    other[16 + 8 * 3] ^= 1;
    let wrong = grid.wrong(5, 7, &other).expect("a difference");
    assert!(wrong.starts_with("r1 = 0x5, r2 = 0x7: "), "{wrong}");
}
