//! Every operation on boundary operands, compiled in every way: the results that
//! `isa::eval` says. That they are the kernel's too is the business of `grid.rs`.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod support;

use difftest::engines::Way;
use difftest::families::grid::{Grid, OPERANDS};
use difftest::families::{Random, Seed, seeds};
use difftest::{Answer, By, MapOp, Question, Session, Simulated};
use isa::Reg;
use support::{agreed, open, trusted};

/// Pairs of operands for most pairs of registers.
const SAMPLED: usize = 12;
/// Registers of which all pairs of boundaries are tried in some ways: some that
/// need a prefix in x86's instructions and some that do not, and rax, which
/// division and compare-and-exchange want.
const WHOLE: [(Reg, Reg); 4] = [
    (Reg::R0, Reg::R1),
    (Reg::R1, Reg::R0),
    (Reg::R0, Reg::R0),
    (Reg::R3, Reg::R7),
];

#[test]
fn every_operation_in_every_pair_of_registers() {
    for seed in seeds() {
        let halves = [&Reg::ALL[..5], &Reg::ALL[5..10]];
        let counts: Vec<u64> = std::thread::scope(|scope| {
            let threads = halves.map(|half| scope.spawn(move || compare(half, seed)));
            let counts = threads.into_iter().map(|thread| thread.join());
            counts.map(|count| count.expect("no difference")).collect()
        });
        agreed("compiled grid", seed, &[(counts.iter().sum(), "results")]);
    }
}

/// Compares all pairs of these registers with all; the number of results.
fn compare(registers: &[Reg], seed: Seed) -> u64 {
    let ways = trusted::ways();
    let mut count = 0;
    for dst in registers {
        for src in &Reg::ALL[..10] {
            let whole = WHOLE.contains(&(*dst, *src));
            for (number, way) in ways.iter().enumerate() {
                // Each pair in some ways, each way in some pairs.
                let turn = (dst.index() + src.index() + number).is_multiple_of(4);
                if whole || turn {
                    count += one(*dst, *src, *way, whole && turn, seed);
                }
            }
        }
    }
    count
}

fn one(dst: Reg, src: Reg, way: Way, whole: bool, seed: Seed) -> u64 {
    let grid = Grid::new(dst, src);
    let mut party = Simulated {
        by: By::Compiler(way),
        now_ns: None,
        elsewhere: false,
    };
    let mut session = open(&mut party, &grid.subject());
    let mut count = 0;
    for (first, second) in operands(dst, src, whole, seed) {
        let value = results(&mut *session, first, second);
        if let Some(wrong) = grid.wrong(first, second, &value) {
            panic!("{:?}, {seed}: {wrong}", way.options);
        }
        count += grid.results() as u64;
    }
    count
}

fn operands(dst: Reg, src: Reg, whole: bool, seed: Seed) -> Vec<(u64, u64)> {
    let mut random = Random::new(seed, (dst.index() * 16 + src.index()) as u64);
    if whole {
        let second = |first| OPERANDS.map(|second| (first, second));
        return OPERANDS.iter().flat_map(|first| second(*first)).collect();
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
    let op = MapOp::Lookup {
        key: (&[0; 4][..]).into(),
    };
    match session.ask(&Question::Map { map: 0, op }) {
        Ok(Answer::Bytes(Ok(value))) => value,
        other => panic!("the results: {other:?}"),
    }
}
