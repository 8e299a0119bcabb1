use std::num::NonZeroUsize;

use isa::{Code, Insn};

use super::*;
use crate::families::Seed;
use crate::fuzz::{Mix, Oracle, Shard};

fn plan(programs: u64, jobs: usize) -> Plan {
    Plan {
        seed: Seed(1),
        mix: Mix::default(),
        oracles: vec![OracleKind::State],
        against: Against::Nobody,
        shard: Shard::default(),
        limit: Limit::Programs(programs),
        jobs: NonZeroUsize::new(jobs).expect("some"),
        patience: Duration::from_secs(60),
    }
}

/// Keeps what is found.
#[derive(Default)]
struct Kept {
    found: Vec<Found>,
    /// Findings after which it has seen enough.
    enough: Option<usize>,
}

impl Watch for Kept {
    fn found(&mut self, found: &Found) -> ControlFlow<()> {
        self.found.push(found.clone());
        match self.enough == Some(self.found.len()) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn progress(&mut self, _: &Report) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn run_for(plan: &Plan, make: Make) -> (Report, Vec<Found>) {
    let mut kept = Kept::default();
    let stop = AtomicBool::new(false);
    let report = run_with(plan, make, &stop, &mut kept).expect("oracles");
    (report, kept.found)
}

/// Says something is wrong with programs that have an instruction of a kind.
struct Fussy(fn(Insn) -> bool, fn() -> Finding);

impl Oracle for Fussy {
    fn kind(&self) -> OracleKind {
        OracleKind::State
    }

    fn check(&mut self, case: &Case, _: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        let code = Code::new(case.raw.program.code.clone());
        let whole = code.check().is_ok();
        let has = code.iter().any(|(_, insn)| (self.0)(insn));
        Ok((whole && has).then(self.1))
    }
}

fn atomic(insn: Insn) -> bool {
    matches!(insn, Insn::Atomic { .. })
}

fn against_atomics(_: &Plan) -> Result<Vec<Box<dyn Oracle>>, CannotAsk> {
    let wrong = || Finding::new(OracleKind::State, "an atomic", "there is one");
    Ok(vec![Box::new(Fussy(atomic, wrong))])
}

#[test]
fn findings_are_small_and_do_not_depend_on_threads() {
    let (report, found) = run_for(&plan(300, 1), against_atomics);
    assert_eq!((report.tally.programs, report.covered), (300, 300));
    let count = report.classes["state: an atomic"];
    assert!(count > EACH, "{count}");
    assert_eq!(report.found, found.len() as u64);
    assert!(!found.is_empty() && found.len() as u64 <= EACH);
    for found in &found {
        assert_eq!(found.case.raw.program.code.len(), 2, "an atomic and an end");
        assert!(found.slots_before > 2 && found.case.inputs.is_empty());
    }
    let (other, same) = run_for(&plan(300, 3), against_atomics);
    assert_eq!(other.classes, report.classes);
    assert_eq!(other.coverage, report.coverage);
    let hashes = |found: &[Found]| {
        found
            .iter()
            .map(|f| (f.index, f.hash()))
            .collect::<Vec<_>>()
    };
    assert_eq!(hashes(&same), hashes(&found));
}

#[test]
fn shards_are_parts_of_the_whole() {
    let (whole, _) = run_for(&plan(150, 2), against_atomics);
    let (mut programs, mut atomics) = (0, 0);
    for shard in ["0/3", "1/3", "2/3"] {
        let part = Plan {
            shard: shard.parse().expect("a shard"),
            ..plan(150, 1)
        };
        let (part, _) = run_for(&part, against_atomics);
        programs += part.tally.programs;
        atomics += part.classes.get("state: an atomic").copied().unwrap_or(0);
    }
    assert_eq!(programs, 150);
    assert_eq!(atomics, whole.classes["state: an atomic"]);
}

#[test]
fn a_panic_is_a_finding() {
    fn make(_: &Plan) -> Result<Vec<Box<dyn Oracle>>, CannotAsk> {
        Ok(vec![Box::new(Fussy(atomic, || panic!("of an atomic")))])
    }
    let (report, found) = run_for(&plan(100, 2), make);
    assert_eq!(report.tally.programs, 100);
    let first = found.first().expect("a finding");
    assert_eq!(first.finding.oracle, OracleKind::Crash);
    assert!(first.finding.what.ends_with(": of an atomic"));
    assert_eq!(first.case.raw.program.code.len(), 2);
}

#[test]
fn what_does_not_end_is_a_finding() {
    fn make(_: &Plan) -> Result<Vec<Box<dyn Oracle>>, CannotAsk> {
        let sleep = || {
            std::thread::sleep(Duration::from_secs(3600));
            Finding::new(OracleKind::State, "late", "it came to an end")
        };
        Ok(vec![Box::new(Fussy(atomic, sleep))])
    }
    let plan = Plan {
        patience: Duration::from_millis(700),
        ..plan(60, 2)
    };
    let (report, found) = run_for(&plan, make);
    let hung = report.classes["crash: no end"];
    assert!(hung >= 1 && !found.is_empty(), "{hung}");
    assert_eq!(report.tally.programs + hung, 60);
    assert_eq!(report.covered, 60);
}

#[test]
fn who_watches_may_end_it() {
    let mut kept = Kept {
        enough: Some(1),
        ..Kept::default()
    };
    let stop = AtomicBool::new(false);
    let forever = Plan {
        limit: Limit::Time(Duration::from_secs(3600)),
        ..plan(0, 2)
    };
    let report = run_with(&forever, against_atomics, &stop, &mut kept).expect("oracles");
    assert_eq!((kept.found.len(), report.found), (1, 1));
    let stop = AtomicBool::new(true);
    let report = run_with(&forever, against_atomics, &stop, &mut Kept::default());
    assert!(report.expect("oracles").time < Duration::from_secs(60));
}

#[test]
fn one_program_alone() {
    let only = Plan {
        limit: Limit::Only(7),
        ..plan(0, 2)
    };
    let (report, _) = run_for(&only, against_atomics);
    assert_eq!(report.tally.programs, 1);
}
