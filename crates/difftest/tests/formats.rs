//! Random formats and arguments: the same text and return value from the
//! simulator and the kernel.
#![cfg(target_os = "linux")]

mod support;

use difftest::families::formats::{Batch, Format, Printer};
use difftest::families::{Random, Seed, seeds};
use difftest::{Answer, CannotAsk, Event, Interpreter, Linux, Party, Question, Ran, Session, Stop};
use support::{agreed, look_up, open, put};

/// Programs with many formats each, and how often each is run.
const BATCHES: u64 = 200;
const FORMATS: usize = 32;
const RUNS: usize = 4;
/// Formats that are printed.
const PRINTED: usize = 12_000;
/// Formats of `bpf_snprintf` that are broken.
const BROKEN: usize = 400;

#[test]
fn snprintf() {
    let Some(mut linux) = support::linux() else {
        return;
    };
    for seed in seeds() {
        for batch in 0..BATCHES {
            let mut random = Random::new(seed, batch);
            let formats = (0..FORMATS).map(|_| Format::random(&mut random));
            compare(
                &Batch::new(formats.collect()),
                &mut linux,
                seed,
                &mut random,
            );
        }
        let count = BATCHES * (FORMATS * RUNS) as u64;
        agreed("snprintf", seed, &[(count, "texts")]);
    }
}

fn compare(batch: &Batch, linux: &mut Linux, seed: Seed, random: &mut Random) {
    let subject = batch.subject();
    let mut ours = open(&mut Interpreter, &subject);
    let mut theirs = open(linux, &subject);
    for _ in 0..RUNS {
        let values = batch.values(random);
        let write = |session: &mut dyn Session| {
            put(session, 1, &values);
            let ran = session.ask(&Question::packet(&[0; 14]));
            assert!(
                matches!(&ran, Ok(Answer::Ran(Ran { end: Ok(_), .. }))),
                "{seed}: {ran:?}"
            );
            look_up(session, 2)
        };
        let (ours, theirs) = (write(&mut *ours), write(&mut *theirs));
        if let Some(difference) = batch.difference(&values, &ours, &theirs) {
            panic!("{seed}: {difference}");
        }
    }
}

#[test]
fn broken_formats_of_snprintf_are_refused_by_both() {
    let Some(mut linux) = support::linux() else {
        return;
    };
    for seed in seeds() {
        let mut random = Random::new(seed, 1);
        let mut refused = 0;
        for _ in 0..BROKEN {
            let format = Format::random(&mut random).broken(&mut random);
            let batch = Batch::new(vec![format.clone()]);
            let theirs = accepts(&mut linux, &batch);
            assert_eq!(
                accepts(&mut Interpreter, &batch),
                theirs,
                "{seed}: {format:?}"
            );
            refused += u64::from(!theirs);
        }
        let counts = [(BROKEN as u64, "formats"), (refused, "refusals")];
        agreed("snprintf, broken", seed, &counts);
    }
}

/// Whether a program with these formats is loaded and runs to its end.
fn accepts(party: &mut dyn Party, batch: &Batch) -> bool {
    let subject = batch.subject();
    let mut session = match party.open(&subject) {
        Ok(session) => session,
        Err(CannotAsk::Program { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    match session.ask(&Question::packet(&[0; 14])) {
        Ok(Answer::Ran(ran)) => match ran.end {
            Ok(_) => true,
            Err(Stop::Trapped(_)) => false,
            Err(Stop::Refused(errno)) => panic!("{errno}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn printk() {
    let Some(mut linux) = support::linux() else {
        return;
    };
    let subject = Printer::subject();
    for seed in seeds() {
        let mut random = Random::new(seed, 2);
        let mut ours = open(&mut Interpreter, &subject);
        let mut theirs = open(&mut linux, &subject);
        let heard = theirs.hears_printk();
        let mut lines = 0;
        for _ in 0..PRINTED {
            let broken = random.percent(30);
            let mut format = Format::random(&mut random);
            if broken {
                format = format.broken(&mut random);
            }
            if format.hides_addresses() {
                continue;
            }
            let (values, packet) = Printer::question(&format, broken, &mut random);
            let print = |session: &mut dyn Session| {
                put(session, 1, &values);
                match session.ask(&Question::packet(&packet)) {
                    Ok(Answer::Ran(ran)) => ran,
                    other => panic!("{seed}: {other:?}"),
                }
            };
            let (ours, theirs) = (print(&mut *ours), print(&mut *theirs));
            assert_eq!(ours.end, theirs.end, "{seed}: {format:?}, {packet:?}");
            // Lines are read as text.
            let is_text = |event: &Event| match event {
                Event::Printk(line) => line.bytes().all(|b| (b' '..=b'~').contains(&b)),
                Event::Record { .. } => false,
            };
            if heard && !broken && ours.events.iter().all(is_text) {
                assert_eq!(ours.events, theirs.events, "{seed}: {format:?}, {packet:?}");
                lines += ours.events.len() as u64;
            }
        }
        let counts = [(PRINTED as u64, "return values"), (lines, "lines")];
        agreed("printk", seed, &counts);
    }
}
