//! Programs that nobody has seen before: what our verifier says of each is what the
//! running kernel says of it, and what those do that it accepts lies within what it
//! recorded.
//!
//! `EBPF_SIM_SEED` gives the seed of a run. A program of which this is not so is
//! reduced and printed as a file test. `ebpf-sim fuzz --oracle verdict --against
//! kernel` and `ebpf-sim fuzz --oracle state` do the same for longer.
#![cfg(target_os = "linux")]

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use difftest::families::seeds;
use difftest::fuzz::{self, Against, Found, Limit, OracleKind, Plan, Report, Shard, Watch};
use kernel::testing::note;

/// Programs that the kernel is asked about.
const ASKED: u64 = 23_000;
/// How many of each kind there are among them.
const ASKED_MIX: &str = "typed=9000,edge=9000,legal=2500,mutated=2500";
/// Programs that are run.
const RUN: u64 = 200_000;
/// How many of each kind there are among them.
const RUN_MIX: &str = "scalar=192,xdp=3,typed=2,edge=2,mutated=1";

/// Keeps what is found as text.
#[derive(Default)]
struct Shown(String);

impl Watch for Shown {
    fn found(&mut self, found: &Found) -> ControlFlow<()> {
        // Writing to a string does not fail.
        let what = &found.finding.what;
        let _ = write!(self.0, "\n{what}\n{}", fuzz::reproduce::test(found));
        ControlFlow::Continue(())
    }

    fn progress(&mut self, _: &Report) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Our verifier and engines, with a fresh seed.
fn plan(programs: u64, mix: &str) -> Plan {
    Plan {
        seed: *seeds().last().expect("a seed"),
        mix: mix.parse().expect("a mix"),
        oracles: vec![OracleKind::State],
        against: Against::Nobody,
        shard: Shard::default(),
        limit: Limit::Programs(programs),
        jobs: NonZeroUsize::MIN.saturating_add(1),
        patience: Duration::from_secs(120),
    }
}

#[test]
fn programs_that_nobody_has_seen() {
    if kernel::testing::kernel_or_skip().is_none() {
        return;
    }
    let plan = Plan {
        oracles: vec![OracleKind::Verdict],
        against: Against::Kernel,
        ..plan(ASKED, ASKED_MIX)
    };
    let seed = plan.seed;
    let mut shown = Shown::default();
    let report = fuzz::run(&plan, &AtomicBool::new(false), &mut shown).expect("a kernel");
    let (tally, text) = (&report.tally, &shown.0);
    note(&format!(
        "fresh programs, {seed}: {} asked, {} accepted by Linux, {} unsupported{text}",
        tally.asked, tally.accepted_there, tally.unsupported,
    ));
    assert_eq!(report.cannot_ask, None);
    assert_eq!(report.covered, ASKED);
    // A change may have made a program name a map that there is not.
    assert!(tally.asked * 100 > ASKED * 99, "only {} asked", tally.asked);
    for (start, allowed) in [
        ("crash: ", 0),
        ("verdict: accepted by us alone", 0),
        ("verdict: accepted by Linux alone", tally.asked / 1000),
        ("verdict: another ", tally.asked / 200),
    ] {
        let classes = report.classes.iter();
        let count: u64 = classes
            .filter_map(|(class, count)| class.starts_with(start).then_some(count))
            .sum();
        assert!(
            count <= allowed,
            "{count} times {start}, try again with {seed}:{text}"
        );
    }
}

#[test]
fn what_programs_do_was_foreseen() {
    let plan = Plan {
        // Always the same: campaigns are for fresh ones.
        seed: *seeds().first().expect("a seed"),
        ..plan(RUN, RUN_MIX)
    };
    let seed = plan.seed;
    let mut shown = Shown::default();
    let report = fuzz::run(&plan, &AtomicBool::new(false), &mut shown).expect("memory");
    let (tally, text) = (&report.tally, &shown.0);
    note(&format!(
        "fresh programs, {seed}: {} accepted and run {} times, within {} states, {:.0} s{text}",
        tally.accepted,
        tally.runs,
        tally.states,
        report.time.as_secs_f64(),
    ));
    assert_eq!(report.covered, RUN);
    assert!(tally.accepted * 10 > RUN * 7, "{tally:?}");
    assert!(tally.states > RUN, "{tally:?}");
    assert!(report.classes.is_empty(), "try again with {seed}:{text}");
}
