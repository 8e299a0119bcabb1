//! Random inputs of the kernel functions of XDP: the simulator, interpreting and
//! compiling, and the kernel return the same and leave the same packet.
#![cfg(target_os = "linux")]

mod support;

use difftest::families::{Random, kfuncs, seeds};
use difftest::{Interpreter, Question, Session, Simulated, Subject};
use support::{agreed, look_up, open, put};

/// Questions of each kind.
const QUESTIONS: u64 = 4000;

type Asked = (Vec<u8>, Vec<u8>);

fn compare(subject: &Subject, ask: impl Fn(&mut Random) -> Asked) {
    let Some(mut linux) = support::linux() else {
        return;
    };
    for seed in seeds() {
        let mut random = Random::new(seed, 0);
        let mut ours = open(&mut Interpreter, subject);
        let mut compiled = compiled(subject);
        let mut theirs = open(&mut linux, subject);
        for _ in 0..QUESTIONS {
            let (packet, input) = ask(&mut random);
            let run = |session: &mut dyn Session| {
                put(session, 0, &input);
                let answer = session.ask(&Question::packet(&packet));
                let answer = answer.map(|answer| match answer {
                    difftest::Answer::Ran(ran) => ran.end,
                    other => panic!("{other:?}"),
                });
                (answer, words(&look_up(session, 1)), look_up(session, 0))
            };
            let (ours, theirs) = (run(&mut *ours), run(&mut *theirs));
            let (first, _) = input.as_chunks::<8>();
            let given: Vec<i64> = first
                .iter()
                .take(kfuncs::WORDS)
                .map(|w| i64::from_le_bytes(*w))
                .collect();
            let what = format!("{seed}: {} bytes, {given:?}", packet.len());
            assert_eq!(ours.1, theirs.1, "{what}");
            assert!(ours == theirs, "{what}: the packet or memory");
            if let Some(compiled) = &mut compiled {
                assert!(run(&mut **compiled) == theirs, "{what}: compiled");
            }
        }
        agreed(&subject.name, seed, &[(QUESTIONS, "runs")]);
    }
}

/// The simulator with compiled code, where there can be any.
fn compiled(subject: &Subject) -> Option<Box<dyn Session>> {
    let mut party = Simulated {
        by: difftest::By::Engine(xdp_sim::Engine::Jit),
        now_ns: Some(1),
        ..Simulated::default()
    };
    cfg!(target_arch = "x86_64").then(|| open(&mut party, subject))
}

fn words(bytes: &[u8]) -> Vec<i64> {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| i64::from_le_bytes(*word)).collect()
}

#[test]
fn dynptrs_to_packets() {
    compare(&kfuncs::dynptrs(true), |random| {
        let len = match random.percent(50) {
            true => 60 + random.below(200),
            false => random.pick(&[3520, 3521, 3600, 4000, 7616, 9000]),
        };
        let input = kfuncs::input(random, len as usize);
        (random.bytes(len as usize), input)
    });
}

#[test]
fn dynptrs_to_memory() {
    compare(&kfuncs::dynptrs(false), |random| {
        let len = random.below(513) as usize;
        let mut input = kfuncs::input(random, len.max(1));
        input[8 * 15..8 * 16].copy_from_slice(&(len as u64).to_le_bytes());
        (vec![0; 14], input)
    });
}

#[test]
fn iterators() {
    compare(&kfuncs::iterators(), |random| {
        (vec![0; 14], kfuncs::walks(random))
    });
}

#[test]
fn strings() {
    compare(&kfuncs::strings(), |random| {
        (vec![0; 14], kfuncs::texts(random))
    });
}
