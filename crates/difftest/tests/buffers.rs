//! Random changes of a packet's bounds and bytes: the simulator and the kernel
//! return the same and leave the same packet.
#![cfg(target_os = "linux")]

mod support;

use difftest::families::{Random, buffers, seeds};
use difftest::{Interpreter, Question, Session};
use support::{agreed, look_up, open, put};

/// Packets, of each kind.
const PACKETS: u64 = 15_000;

#[test]
fn one_buffer() {
    compare(false);
}

#[test]
fn several_buffers() {
    compare(true);
}

fn compare(frags: bool) {
    let Some(mut linux) = support::linux() else {
        return;
    };
    let subject = buffers::subject(frags);
    for seed in seeds() {
        let mut random = Random::new(seed, frags.into());
        let mut ours = open(&mut Interpreter, &subject);
        let mut theirs = open(&mut linux, &subject);
        for _ in 0..PACKETS {
            let (packet, steps, bytes) = buffers::question(frags, &mut random);
            let run = |session: &mut dyn Session| {
                put(session, 0, &steps);
                put(session, 1, &bytes);
                let answer = session.ask(&Question::packet(&packet));
                (answer, look_up(session, 1))
            };
            let ours = run(&mut *ours);
            let theirs = run(&mut *theirs);
            if ours != theirs {
                let text = buffers::show(packet.len(), &steps, &ours.1, &theirs.1);
                panic!(
                    "{seed}: {text}\nours:   {:x?}\ntheirs: {:x?}",
                    ours.0, theirs.0
                );
            }
        }
        let counts = [
            (PACKETS, "packets"),
            (PACKETS * buffers::STEPS as u64, "calls"),
        ];
        agreed(&subject.name, seed, &counts);
    }
}
