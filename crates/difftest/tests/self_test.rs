//! Known bugs that are brought back: the program of each in
//! `corpus/verify/known-bugs` shows it, and so do random ones.
//!
//! `cargo test -p ebpf-sim-difftest --features inject --test self_test`
#![cfg(all(feature = "inject", target_arch = "x86_64", target_os = "linux"))]

#[path = "support/sources.rs"]
mod sources;

use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::catch_unwind;
use std::time::Duration;

use difftest::engines;
use difftest::families::seeds;
use difftest::fuzz::{self, Against, OracleKind, SelfTest};
use difftest::verify::OurJudge;
use difftest::verify::filetest::FileTest;
use inject::{Bug, Class};
use kernel::testing::note;
use loader::{Object, Options};

/// What was seen of the program of a bug.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// A verdict: whether it is accepted.
    Accepted(bool),
    /// Engines agree; whether they trap.
    Agree {
        trap: bool,
    },
    /// Engines differ.
    Differ,
    /// An object opens.
    Opens(bool),
    Panic,
}

/// What is seen of the program of a bug, with the bug or without.
fn see(bug: Bug, present: bool) -> Seen {
    let work = move || {
        let _injected = present.then(|| inject::inject(bug));
        match bug.class() {
            Class::Machine | Class::Compiler => run(bug),
            Class::Loader => Seen::Opens(Object::parse(&object(bug), &options()).is_ok()),
            _ => verify(bug),
        }
    };
    catch_unwind(work).unwrap_or(Seen::Panic)
}

fn file(bug: Bug) -> FileTest {
    let path = match bug {
        Bug::Cve2026_43009 => "precision/fetched_from_a_slot.bpf".to_owned(),
        _ => format!("known-bugs/{}.bpf", bug.id()),
    };
    let path = sources::corpus().join("verify").join(path);
    let text = fs::read_to_string(path).expect("each bug has a program");
    FileTest::parse(&text).expect("a file test")
}

fn verify(bug: Bug) -> Seen {
    let test = file(bug);
    let mut config = OurJudge::default().config(&test.raw);
    config.test_state_freq |= bug == Bug::Cve2026_43009;
    Seen::Accepted(verifier::verify(&test.raw.program, &config, None).is_accepted())
}

fn run(bug: Bug) -> Seen {
    let input = engines::Input {
        packet: vec![7; 64],
        ..engines::Input::default()
    };
    let case = engines::Case {
        name: bug.id().to_owned(),
        raw: file(bug).raw,
        budget: 1000,
        inputs: vec![input],
    };
    let ways = engines::ways(None);
    match engines::compare(&case, &ways[0]) {
        Ok(tally) => Seen::Agree {
            trap: tally.traps > 0,
        },
        Err(_) => Seen::Differ,
    }
}

fn options() -> Options {
    Options::default()
}

/// An object that is broken as the bug wants it.
fn object(bug: Bug) -> Vec<u8> {
    let read = |name| fs::read(sources::corpus().join("objects").join(name));
    match bug {
        Bug::Cve2026_45839 => {
            let mut bytes = read("core.bpf.o").expect("an object");
            let access = b"\00:11\0";
            let at = bytes.windows(access.len()).position(|at| at == access);
            let at = at.expect("an access to member 11") + 1;
            bytes[at..at + 4].copy_from_slice(b"0:-1");
            bytes
        }
        _ => {
            let mut bytes = read("calls.bpf.o").expect("an object");
            make_a_function_endless(&mut bytes);
            bytes
        }
    }
}

/// Gives the last function behind others the largest size that there is.
fn make_a_function_endless(bytes: &mut [u8]) {
    const SYMBOL: usize = 24;
    const FUNCTION: u8 = 2;
    let word = |at: usize| {
        let word = bytes[at..at + 8].try_into().expect("eight bytes");
        u64::from_le_bytes(word) as usize
    };
    let sections = word(0x28);
    let table = (0..).map(|n| sections + 64 * n);
    let table = table
        .skip(1)
        .find(|at| bytes[at + 4] == 2)
        .expect("a symbol table");
    let (start, size) = (word(table + 24), word(table + 32));
    let symbols = (start..start + size).step_by(SYMBOL);
    let function = symbols
        .filter(|at| bytes[at + 4] & 15 == FUNCTION && word(at + 8) > 0)
        .last()
        .expect("a function that is not the first");
    bytes[function + 16..function + 24].fill(0xff);
}

#[test]
fn the_program_of_each_bug_shows_it() {
    let mut wrong = String::new();
    for bug in Bug::ALL {
        let (without, with) = (see(*bug, false), see(*bug, true));
        let is_right = match without {
            Seen::Accepted(_) | Seen::Agree { .. } | Seen::Opens(_) => without != with,
            Seen::Differ | Seen::Panic => false,
        };
        if !is_right {
            wrong += &format!("{}: {without:?} without, {with:?} with\n", bug.id());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Random programs find these within a second or two of a build for use.
const SOON: [Bug; 8] = [
    Bug::Cve2017_16995,
    Bug::Cve2021_31440,
    Bug::Cve2021_45402,
    Bug::Cve2023_2163,
    Bug::Cve2024_41003,
    Bug::Cve2024_45020,
    Bug::Cve2025_38060,
    Bug::Cve2026_43070,
];

#[test]
fn bugs_are_found_among_random_programs() {
    let plan = SelfTest {
        bugs: SOON.to_vec(),
        oracles: vec![OracleKind::State, OracleKind::Crash],
        against: Against::Nobody,
        seeds: seeds(),
        mix: None,
        budget: Duration::from_secs(30),
        jobs: NonZeroUsize::MIN.saturating_add(1),
    };
    let go_on = &mut |_: &fuzz::Sought| ControlFlow::Continue(());
    let summary = fuzz::self_test(&plan, go_on).expect("memory for machines");
    for row in &summary.rows {
        let (programs, seconds) = (row.programs.1, row.cpu_seconds.1);
        note(&format!(
            "self-test: {} found {}/{}, within {programs} programs and {seconds:.1} s",
            row.bug, row.found, row.seeds
        ));
    }
    assert_eq!(summary.missed, [], "{:?}", plan.seeds);
}

/// Programs that show no bug but their own would go unnoticed if one were left on.
#[test]
fn nothing_stays_behind() {
    drop(inject::inject(Bug::Cve2021_3490));
    assert!(Bug::ALL.iter().all(|bug| !inject::on(*bug)));
}
