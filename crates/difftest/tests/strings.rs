//! Random inputs of the helpers that only compute: the simulator and the kernel
//! return the same.
#![cfg(target_os = "linux")]

mod support;

use difftest::families::{Random, seeds, strings};
use difftest::{Answer, Interpreter, Question, Ran, Session};
use support::{agreed, look_up, open, put};

/// Inputs.
const INPUTS: u64 = 20_000;

#[test]
fn checksums_numbers_and_comparisons() {
    let Some(mut linux) = support::linux() else {
        return;
    };
    let subject = strings::subject();
    for seed in seeds() {
        let mut random = Random::new(seed, 0);
        let mut ours = open(&mut Interpreter, &subject);
        let mut theirs = open(&mut linux, &subject);
        for _ in 0..INPUTS {
            let input = strings::input(&mut random);
            let compute = |session: &mut dyn Session| {
                put(session, 1, &input);
                let ran = session.ask(&Question::packet(&[0; 14]));
                let ended = matches!(&ran, Ok(Answer::Ran(Ran { end: Ok(o), .. })) if o.ret == 2);
                assert!(ended, "{seed}: {ran:?}");
                look_up(session, 2)
            };
            let (ours, theirs) = (compute(&mut *ours), compute(&mut *theirs));
            assert_eq!(
                words(&ours),
                words(&theirs),
                "{seed}: {}",
                input.escape_ascii()
            );
        }
        let count = INPUTS * strings::RESULTS as u64;
        agreed("strings", seed, &[(count, "results")]);
    }
}

/// The results as numbers.
fn words(bytes: &[u8]) -> Vec<i64> {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| i64::from_le_bytes(*word)).collect()
}
