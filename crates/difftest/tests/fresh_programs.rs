//! Programs that nobody has seen before: what our verifier says of each is what the
//! running kernel says of it.
//!
//! `EBPF_SIM_SEED` gives the seed of a run. A program on which the two differ is
//! reduced and printed as a file test.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fmt::Write;

use difftest::families::{Seed, seeds};
use difftest::generate::{self, Dial, Mode, Pool};
use difftest::verify::{Aspect, Compared, Judge, Opinion, OurJudge, PooledJudge, Said, Table};
use kernel::Kernel;
use kernel::testing::note;
use loader::raw::RawProgram;

/// How many programs of each kind.
const KINDS: [(&str, Mode<'static>, u64); 3] = [
    ("sound", Mode::Typed(Dial::SOUND), 9_000),
    ("edge", Mode::Typed(Dial::EDGE), 9_000),
    ("legal", Mode::Legal, 2_500),
];
/// Programs that mean something, changed.
const MUTATED: u64 = 2_500;
/// Threads that ask at once.
const THREADS: u64 = 2;
/// Differences that are reduced and shown.
const SHOWN: usize = 3;

/// The two judges.
struct Judges {
    linux: PooledJudge,
    ours: OurJudge,
}

impl Judges {
    fn new(kernel: Kernel) -> Judges {
        let pool = Pool::get();
        let ours = OurJudge::of(&kernel);
        let linux = PooledJudge::new(kernel, &pool.maps, Some(&pool.btf));
        Judges {
            linux: linux.expect("maps and types that Linux takes"),
            ours,
        }
    }

    /// What both say; `None` when the program cannot be put to Linux: a change may
    /// have made it name a map that there is not.
    fn ask(&mut self, raw: &RawProgram) -> Option<(Opinion, Opinion)> {
        // Statistics alone: the last line of a refusal, and the counts.
        const LEVEL: u32 = 4;
        let linux = self.linux.judge(raw, LEVEL).ok()?;
        let ours = self.ours.judge(raw, LEVEL).expect("an answer");
        Some((linux, ours))
    }
}

/// What was found.
#[derive(Default)]
struct Found {
    table: Table,
    asked: u64,
    accepted: u64,
    unsupported: BTreeMap<String, u64>,
    /// Accepted by us alone, accepted by Linux alone, otherwise different: where.
    worse: Vec<(usize, u64)>,
    stricter: Vec<(usize, u64)>,
    other: BTreeMap<Aspect, Vec<(usize, u64)>>,
}

impl Found {
    fn add(&mut self, kind: usize, index: u64, linux: &Opinion, ours: &Opinion) {
        let name = name(kind);
        self.asked += 1;
        self.accepted += u64::from(linux.said == Said::Accepted);
        if let Said::Unsupported(feature) = &ours.said {
            *self.unsupported.entry(feature.clone()).or_default() += 1;
            return self.table.add_unsupported(name);
        }
        let compared = Compared::new(linux, ours);
        self.table.add(name, &compared);
        if let Some(difference) = compared.differences.first() {
            let places = match (difference.aspect, &ours.said) {
                (Aspect::Verdict, Said::Accepted) => &mut self.worse,
                (Aspect::Verdict, _) => &mut self.stricter,
                (aspect, _) => self.other.entry(aspect).or_default(),
            };
            places.push((kind, index));
        }
    }

    fn join(mut self, other: Found) -> Found {
        self.table.join(&other.table);
        self.asked += other.asked;
        self.accepted += other.accepted;
        for (feature, count) in other.unsupported {
            *self.unsupported.entry(feature).or_default() += count;
        }
        self.worse.extend(other.worse);
        self.stricter.extend(other.stricter);
        for (aspect, places) in other.other {
            self.other.entry(aspect).or_default().extend(places);
        }
        self
    }
}

fn name(kind: usize) -> &'static str {
    KINDS.get(kind).map_or("mutated", |(name, ..)| name)
}

/// The program number `index` of a kind; the kind after the last of [`KINDS`] is
/// that of changed programs.
fn program(kind: usize, seed: Seed, index: u64) -> RawProgram {
    match KINDS.get(kind) {
        Some((_, mode, _)) => generate::program(*mode, seed, index),
        None => {
            let sound = generate::program(Mode::Typed(Dial::SOUND), seed, index);
            generate::program(Mode::Mutated(&[sound.program]), seed, index)
        }
    }
}

fn part(thread: u64, seed: Seed) -> Found {
    let kernel = Kernel::open().expect("asked before");
    let mut judges = Judges::new(kernel);
    let mut found = Found::default();
    let counts = KINDS.iter().map(|(.., count)| *count).chain([MUTATED]);
    for (kind, count) in counts.enumerate() {
        for index in (0..count).filter(|index| index % THREADS == thread) {
            let raw = program(kind, seed, index);
            if let Some((linux, ours)) = judges.ask(&raw) {
                found.add(kind, index, &linux, &ours);
            }
        }
    }
    found
}

/// Reduces a program on which the two differ, and says how.
fn shown(judges: &mut Judges, seed: Seed, (kind, index): (usize, u64)) -> String {
    let raw = program(kind, seed, index);
    let mut kind_of = |raw: &RawProgram| {
        let (linux, ours) = judges.ask(raw)?;
        let compared = Compared::new(&linux, &ours);
        let aspect = compared.differences.first().map(|d| d.aspect);
        let accepted = |opinion: &Opinion| opinion.said == Said::Accepted;
        let known = !matches!(ours.said, Said::Unsupported(_));
        aspect
            .filter(|_| known)
            .map(|aspect| (aspect, accepted(&linux), accepted(&ours)))
    };
    let wanted = kind_of(&raw);
    let small = generate::reduced(&raw, &mut |raw| kind_of(raw) == wanted);
    let mut text = format!("\n{} {index} of {seed}, reduced:\n", name(kind));
    text += &generate::text(&small);
    if let Some((linux, ours)) = judges.ask(&small) {
        for difference in &Compared::new(&linux, &ours).differences {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {difference}");
        }
    }
    text
}

#[test]
fn programs_that_nobody_has_seen() {
    let Some(kernel) = kernel::testing::kernel_or_skip() else {
        return;
    };
    let seed = *seeds().last().expect("a seed");
    let threads = (0..THREADS).map(|thread| std::thread::spawn(move || part(thread, seed)));
    let threads: Vec<_> = threads.collect();
    let parts = threads.into_iter().map(|t| t.join().expect("no panic"));
    let found = parts.fold(Found::default(), Found::join);
    note(&format!(
        "fresh programs, {seed}: {} asked, {} accepted by Linux, {} unsupported\n{}",
        found.asked,
        found.accepted,
        found.unsupported.values().sum::<u64>(),
        found.table
    ));
    let mut judges = Judges::new(kernel);
    let mut text = String::new();
    for place in found.worse.iter().take(SHOWN) {
        text += &shown(&mut judges, seed, *place);
    }
    assert!(
        found.worse.is_empty(),
        "{} accepted by us and refused by Linux, try again with {seed}:{text}",
        found.worse.len()
    );
    for place in found.stricter.iter().take(SHOWN) {
        text += &shown(&mut judges, seed, *place);
    }
    assert!(
        found.stricter.len() as u64 * 1000 < found.asked,
        "{} refused by us and accepted by Linux, try again with {seed}:{text}",
        found.stricter.len()
    );
    for (aspect, places) in &found.other {
        text += &shown(&mut judges, seed, places[0]);
        assert!(
            places.len() as u64 * 200 < found.asked,
            "{} differ in {}, try again with {seed}:{text}",
            places.len(),
            aspect.name()
        );
    }
    if !text.is_empty() {
        note(&format!("fresh programs, what differs:{text}"));
    }
}
