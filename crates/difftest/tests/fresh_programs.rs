//! Programs that nobody has seen before: what our verifier says of each is what the
//! running kernel says of it.
//!
//! `EBPF_SIM_SEED` gives the seed of a run. A program on which the two differ is
//! reduced and printed as a file test. `ebpf-sim fuzz --oracle verdict --against
//! kernel` does the same for longer.
#![cfg(target_os = "linux")]

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use difftest::families::seeds;
use difftest::fuzz::{self, Against, Found, Limit, OracleKind, Plan, Report, Shard, Watch};
use kernel::testing::note;

/// How many programs of all kinds.
const PROGRAMS: u64 = 23_000;
/// How many of each kind, in all of them.
const MIX: &str = "typed=9000,edge=9000,legal=2500,mutated=2500";

/// Keeps what is found as text.
#[derive(Default)]
struct Shown(String);

impl Watch for Shown {
    fn found(&mut self, found: &Found) -> ControlFlow<()> {
        // Writing to a string does not fail.
        let _ = write!(self.0, "\n{}", fuzz::reproduce::test(found));
        ControlFlow::Continue(())
    }

    fn progress(&mut self, _: &Report) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[test]
fn programs_that_nobody_has_seen() {
    if kernel::testing::kernel_or_skip().is_none() {
        return;
    }
    let seed = *seeds().last().expect("a seed");
    let plan = Plan {
        seed,
        mix: MIX.parse().expect("a mix"),
        oracles: vec![OracleKind::Verdict],
        against: Against::Kernel,
        shard: Shard::default(),
        limit: Limit::Programs(PROGRAMS),
        jobs: NonZeroUsize::MIN.saturating_add(1),
        patience: Duration::from_secs(120),
    };
    let mut shown = Shown::default();
    let report = fuzz::run(&plan, &AtomicBool::new(false), &mut shown).expect("a kernel");
    let (tally, text) = (&report.tally, &shown.0);
    note(&format!(
        "fresh programs, {seed}: {} asked, {} accepted by Linux, {} unsupported{text}",
        tally.asked, tally.accepted_there, tally.unsupported,
    ));
    assert_eq!(report.cannot_ask, None);
    assert_eq!(report.covered, PROGRAMS);
    // A change may have made a program name a map that there is not.
    assert!(
        tally.asked * 100 > PROGRAMS * 99,
        "only {} asked",
        tally.asked
    );
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
