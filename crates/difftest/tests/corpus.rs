//! Every XDP program of the corpus over every capture, put to the simulator and
//! to the running kernel: action, bytes, metadata, maps, events, printk lines.
#![allow(clippy::print_stdout, reason = "the test says what it compared")]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use difftest::{
    By, CannotAsk, Comparison, KnownDifferences, Linux, Question, Simulated, Subject, Tally,
    Verdict, show,
};
use support::objects::{captures, corpus, open, sorted, subject};
use xdp_sim::Engine;
use xdp_sim::capture::{self, Reader};

/// How often the captures are fed to the interpreter; once to compiled code.
const ROUNDS: usize = 3;

/// The least number of packets that must have been compared in a round.
const LEAST: u64 = 65_000;

/// Disagreements shown of one program on one capture.
const SHOWN: usize = 3;

/// Programs that Linux does not test-run, and why.
const NOT_ASKED: &[(&str, &str)] = &[("ksyms/strong_kfunc", "its kfunc needs a device")];

/// What programs print goes through one pipe, so one test at a time.
static PRINTING: Mutex<()> = Mutex::new(());

#[test]
fn the_corpus_runs_as_on_linux() {
    compare_all(Engine::Interpreter, ROUNDS);
}

#[test]
fn the_corpus_runs_compiled_as_on_linux() {
    compare_all(Engine::Auto, 1);
}

/// Puts the corpus to an engine and to Linux.
fn compare_all(engine: Engine, rounds: usize) {
    let _alone = PRINTING.lock().unwrap_or_else(|broken| broken.into_inner());
    let Some(mut linux) = linux() else {
        return;
    };
    let mut sum = Sum {
        engine,
        rounds,
        ..Sum::default()
    };
    let list = fs::read_to_string(corpus("known-differences.toml")).expect("the list is there");
    let known = KnownDifferences::parse(&list, "packets").expect("the list is well formed");
    let start = Instant::now();
    for path in sorted(&corpus("objects")) {
        let name = path.file_name().expect("a file").to_string_lossy();
        if let Some(name) = name.strip_suffix(".bpf.o") {
            object(name, &path, &mut linux, &known, &mut sum);
        }
    }
    sum.print(start);
    for (known, times) in known.seen() {
        kernel::testing::note(&format!("known difference {}: {times} times", known.id));
    }
    for (line, stale) in known.stale() {
        let what = format!(
            "known-differences.toml:{line}: {} no longer occurs",
            stale.id
        );
        sum.wrong.push(what);
    }
    let expected: Vec<_> = NOT_ASKED
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let refused: Vec<_> = sum.cannot.keys().cloned().collect();
    assert_eq!(refused, expected, "programs that cannot be asked about");
    let least = LEAST * rounds as u64;
    assert!(sum.packets >= least, "only {} packets", sum.packets);
    assert!(sum.wrong.is_empty(), "{}", sum.wrong.join("\n"));
}

/// The kernel, or `None` after the reason was printed.
fn linux() -> Option<Linux> {
    kernel::testing::kernel_or_skip()?;
    match Linux::apart() {
        Ok(linux) => Some(linux),
        Err(reason) => kernel::testing::skip(&reason.to_string()),
    }
}

/// What was compared, and what came of it.
#[derive(Default)]
struct Sum {
    engine: Engine,
    rounds: usize,
    programs: u64,
    captures: u64,
    packets: u64,
    maps: u64,
    tally: Tally,
    listed: u64,
    excused: BTreeMap<String, u64>,
    unsettled: BTreeMap<String, u64>,
    cannot: BTreeMap<String, CannotAsk>,
    unheard: u64,
    wrong: Vec<String>,
}

impl Sum {
    fn print(&self, start: Instant) {
        kernel::testing::note(&format!(
            "{:?}: {} packets and {} maps of {} programs, in {} runs of captures, in {:.1} s",
            self.engine,
            self.packets,
            self.maps,
            self.programs,
            self.captures,
            start.elapsed().as_secs_f64()
        ));
        kernel::testing::note(&format!(
            "{} answers agreed, {} differed ({} of them listed), {} not determined by Linux",
            self.tally.agreed, self.tally.differing, self.listed, self.tally.unsettled
        ));
        for (program, times) in &self.unsettled {
            kernel::testing::note(&format!(
                "not determined by Linux in {times} answers of {program}"
            ));
        }
        for (what, times) in &self.excused {
            kernel::testing::note(&format!("not comparable {times} times: {what}"));
        }
        for (program, why) in &self.cannot {
            kernel::testing::note(&format!("cannot ask about {program}: {why}"));
        }
        if self.unheard > 0 {
            kernel::testing::note(&format!(
                "{} programs print, and there is no trace_pipe",
                self.unheard
            ));
        }
    }
}

/// Compares all programs of an object.
fn object(name: &str, path: &Path, linux: &mut Linux, known: &KnownDifferences, sum: &mut Sum) {
    let object = open(path);
    for entry in object.entries() {
        let Ok(program) = object.program(&entry.name) else {
            continue;
        };
        if xdp_sim::attachable(&program).is_err() {
            continue;
        }
        sum.programs += 1;
        let network = linux.network().expect("a network of its own");
        let subject = subject(&object, name, &entry.name, linux.cpus(), network);
        if let Err(error) = compare(subject, linux, known, sum) {
            sum.cannot.insert(format!("{name}/{}", entry.name), error);
        }
    }
}

/// Puts all captures to one program, again and again. Loading and listing is what
/// takes time, so maps go on from capture to capture and are compared after each
/// round.
fn compare(
    subject: Subject,
    linux: &mut Linux,
    known: &KnownDifferences,
    sum: &mut Sum,
) -> Result<(), CannotAsk> {
    let mut ours = Simulated {
        by: By::Engine(sum.engine),
        now_ns: None,
        elsewhere: false,
    };
    let mut comparison = Comparison::open(subject, &mut ours, linux)?;
    let mut shown = 0;
    for _ in 0..sum.rounds {
        for capture in captures() {
            let file = File::open(&capture).expect("a capture");
            let mut reader = Reader::new(file, capture::Options::default()).expect("a capture");
            while let Some(packet) = reader.next().expect("a whole capture") {
                let verdict = comparison.ask(Question::packet(packet.captured))?;
                sum.packets += 1;
                judge(&comparison, verdict, known, &mut shown, sum);
            }
            sum.captures += 1;
        }
        for map in comparison.subject().listable() {
            let verdict = comparison.ask(Question::Contents { map })?;
            sum.maps += 1;
            judge(&comparison, verdict, known, &mut shown, sum);
        }
    }
    sum.unheard += u64::from(!comparison.hears_printk());
    sum.tally.add(comparison.tally());
    Ok(())
}

fn judge(
    comparison: &Comparison,
    verdict: Verdict,
    known: &KnownDifferences,
    shown: &mut usize,
    sum: &mut Sum,
) {
    let subject = comparison.subject();
    match verdict {
        Verdict::Differs(disagreement) if known.covers(subject, &disagreement) => sum.listed += 1,
        Verdict::Differs(disagreement) => {
            *shown += 1;
            if *shown <= SHOWN {
                sum.wrong.push(show::disagreement(subject, &disagreement));
            }
        }
        Verdict::Excused { sources, .. } => {
            let what = format!("{} calls {}", subject.name, sources.join(", "));
            *sum.excused.entry(what).or_default() += 1;
        }
        Verdict::Unsettled => {
            *sum.unsettled.entry(subject.name.clone()).or_default() += 1;
        }
        Verdict::Agreed => {}
    }
}
