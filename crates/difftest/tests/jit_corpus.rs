//! Every XDP program of the corpus over every capture, interpreted and compiled in
//! every way: the same answer to every packet, the same number of instructions,
//! the same maps.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod support;

use std::fs::File;

use difftest::engines::Way;
use difftest::{Answer, By, CannotAsk, Party, Question, Session, Simulated, Subject};
use kernel::testing::note;
use support::objects::{captures, corpus, open, sorted, subject};
use support::trusted;
use vm::world::Network;
use xdp_sim::capture::{Options, Reader};

/// The least number of packets that must have been given to each engine.
const LEAST: u64 = 60_000;
/// Threads that try at once.
const THREADS: usize = 2;
/// The time that programs read.
const NOW_NS: u64 = 1_000_000_000_000;

#[test]
fn the_corpus_runs_compiled_as_interpreted() {
    let packets = packets();
    let folders = ["objects", "bench"];
    let objects: Vec<_> = folders.iter().flat_map(|f| sorted(&corpus(f))).collect();
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let part = |thread| {
            let mine = objects.iter().skip(thread).step_by(THREADS);
            mine.map(|path| object(path, &packets)).sum()
        };
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || part(thread)))
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, u64>| thread.join();
        let counts = threads.into_iter().map(join);
        counts.map(|count| count.expect("no difference")).collect()
    });
    let count: u64 = counts.iter().sum();
    let ways = trusted::ways().len();
    note(&format!("{count} packets, compiled in {ways} ways"));
    assert!(count >= LEAST, "only {count} packets");
}

/// All packets of all captures.
fn packets() -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for capture in captures() {
        let file = File::open(&capture).expect("a capture");
        let mut reader = Reader::new(file, Options::default()).expect("a capture");
        while let Some(packet) = reader.next().expect("a whole capture") {
            packets.push(packet.captured.to_vec());
        }
    }
    packets
}

/// Compares all programs of an object; how many packets they were given.
fn object(path: &std::path::Path, packets: &[Vec<u8>]) -> u64 {
    let name = path.file_name().expect("a file").to_string_lossy();
    let Some(name) = name.strip_suffix(".bpf.o") else {
        return 0;
    };
    let object = open(path);
    let mut count = 0;
    for entry in object.entries() {
        let Ok(program) = object.program(&entry.name) else {
            continue;
        };
        if xdp_sim::attachable(&program).is_ok() {
            // Contents are for objects of the other folder.
            let folder = path
                .parent()
                .is_some_and(|folder| folder.ends_with("objects"));
            let name = if folder {
                name.to_owned()
            } else {
                format!("bench/{name}")
            };
            let subject = subject(&object, &name, &entry.name, 2, Network::loopback());
            count += compare(&subject, packets);
        }
    }
    count
}

/// Whoever answers, and whether instructions are counted.
struct Seat {
    way: Way,
    session: Box<dyn Session>,
}

fn compare(subject: &Subject, packets: &[Vec<u8>]) -> u64 {
    let simulated = |by| Simulated {
        by,
        now_ns: Some(NOW_NS),
        elsewhere: false,
    };
    let mut reference = match simulated(By::default()).open(subject) {
        Ok(session) => session,
        // Programs that are not simulated.
        Err(CannotAsk::Program { .. }) => return 0,
        Err(error) => panic!("{}: {error}", subject.name),
    };
    let seat = |way| Seat {
        way,
        session: support::open(&mut simulated(By::Compiler(way)), subject),
    };
    let mut seats: Vec<Seat> = trusted::ways().into_iter().map(seat).collect();
    let packets = packets.iter().map(|packet| Question::packet(packet));
    let contents = subject.listable().into_iter();
    let contents = contents.map(|map| Question::Contents { map });
    let mut count = 0;
    for question in packets.chain(contents) {
        let mut expected = reference.ask(&question).expect("an answer");
        for metered in [true, false] {
            if let (Answer::Ran(ran), false) = (&mut expected, metered) {
                ran.executed = None;
            }
            for seat in seats.iter_mut().filter(|s| s.way.options.meter == metered) {
                let found = seat.session.ask(&question).expect("an answer");
                assert!(
                    found == expected,
                    "{}, question {count}, {:?}\n  expected {expected:?}\n  found    {found:?}",
                    subject.name,
                    seat.way
                );
            }
        }
        count += u64::from(matches!(question, Question::Packet(_)));
    }
    count
}
