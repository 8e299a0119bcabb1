//! What the families' tests share.
#![allow(dead_code, reason = "each test file uses what it needs")]

pub(crate) mod objects;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) mod trusted;

use difftest::families::Seed;
use difftest::{Answer, CannotAsk, Linux, MapOp, Party, Question, Session, Subject};

/// The kernel, or `None` after the reason was printed.
pub(crate) fn linux() -> Option<Linux> {
    kernel::testing::kernel_or_skip()?;
    match Linux::open() {
        Ok(linux) => Some(linux),
        Err(why) => kernel::testing::skip(&why.to_string()),
    }
}

/// Makes a subject live.
pub(crate) fn open(party: &mut dyn Party, subject: &Subject) -> Box<dyn Session> {
    match party.open(subject) {
        Ok(session) => session,
        Err(CannotAsk::Program { why, log, .. }) => {
            let tail = log.lines().rev().take(40).collect::<Vec<_>>();
            let tail: String = tail.iter().rev().map(|line| format!("{line}\n")).collect();
            panic!("{}, {}: {why}\n{tail}", party.name(), subject.name);
        }
        Err(error) => panic!("{}, {}: {error}", party.name(), subject.name),
    }
}

/// Says what was compared, past the test harness, which would keep it.
pub(crate) fn agreed(family: &str, seed: Seed, counts: &[(u64, &str)]) {
    let counts: Vec<_> = counts
        .iter()
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    kernel::testing::note(&format!("{family}: {} compared, {seed}", counts.join(", ")));
}

/// Sets the only value of an array.
pub(crate) fn put(session: &mut dyn Session, map: usize, value: &[u8]) {
    let op = MapOp::Update {
        key: vec![0; 4].into(),
        value: value.into(),
        flags: 0,
    };
    match session.ask(&Question::Map { map, op }) {
        Ok(Answer::Done(Ok(()))) => {}
        other => panic!("map {map}: {other:?}"),
    }
}

/// The only value of an array.
pub(crate) fn look_up(session: &mut dyn Session, map: usize) -> Vec<u8> {
    let op = MapOp::Lookup {
        key: vec![0; 4].into(),
    };
    match session.ask(&Question::Map { map, op }) {
        Ok(Answer::Bytes(Ok(value))) => value,
        other => panic!("map {map}: {other:?}"),
    }
}
