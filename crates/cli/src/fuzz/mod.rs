//! `ebpf-sim fuzz`: campaigns of random programs, and what came of them.

mod live;
mod merge;
mod replay;
mod report;
mod self_test;
mod told;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use difftest::CannotAsk;
use difftest::families::{Seed, seeds};
use difftest::fuzz::ledger::Ledger;
use difftest::fuzz::{self, Against, Found, Limit, OracleKind, Plan, Report, Watch};

use crate::args::{FuzzArgs, FuzzCommand, FuzzOracle};
use crate::error::{self, Failure};
use crate::output::{self, Output};
use live::Live;
use told::Told;

/// How long a campaign takes that nobody gave a limit.
const TIME: Duration = Duration::from_secs(60);

pub(crate) fn fuzz(args: &FuzzArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    if let Some(FuzzCommand::Merge(args)) = &args.command {
        return merge::merge(args, out);
    }
    let plan = plan(args)?;
    if args.self_test.self_test {
        return self_test::self_test(args, &plan, out);
    }
    match &args.replay {
        Some(path) => replay::replay(path, args, &plan, out),
        None => campaign(args, &plan, out),
    }
}

fn campaign(args: &FuzzArgs, plan: &Plan, out: &mut Output) -> Result<ExitCode, Failure> {
    let stop = stop_at_signals();
    let mut watcher = Watcher {
        told: Told::new(args, out),
        ledger: open(args, plan)?,
        live: Live::new(plan),
        args,
        failure: None,
    };
    let report = fuzz::run(plan, &stop, &mut watcher).map_err(cannot)?;
    watcher.live.finish();
    if let Some(failure) = watcher.ended(&report) {
        // What was found so far stays said.
        error::say(report::text(&report, &report::head(plan)));
        return Err(failure);
    }
    error::say(report::text(&report, &report::head(plan)));
    if let Some(why) = report.cannot_ask {
        return Err(cannot(why));
    }
    Ok(match report.classes.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}

/// Sees what a campaign finds.
struct Watcher<'w> {
    told: Told<'w>,
    ledger: Option<Ledger>,
    live: Live,
    args: &'w FuzzArgs,
    /// Why it has to end.
    failure: Option<Failure>,
}

impl Watcher<'_> {
    fn ended(&mut self, report: &Report) -> Option<Failure> {
        let written = self.ledger.as_mut().map(|ledger| ledger.end(report));
        self.note(written.unwrap_or(Ok(())));
        self.failure.take()
    }

    /// Keeps why the ledger cannot be written.
    fn note(&mut self, written: std::io::Result<()>) {
        if let (Err(error), Some(path)) = (written, &self.args.ledger) {
            self.failure.get_or_insert(Failure::write(path, error));
        }
    }

    fn goes_on(&self) -> ControlFlow<()> {
        match self.failure {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Watch for Watcher<'_> {
    fn found(&mut self, found: &Found) -> ControlFlow<()> {
        if let Some(ledger) = &mut self.ledger {
            let written = ledger.found(found);
            self.note(written);
        }
        let (told, live) = (&mut self.told, &self.live);
        if let Err(failure) = live.aside(|| told.found(found)) {
            self.failure.get_or_insert(failure);
        }
        self.goes_on()
    }

    fn progress(&mut self, report: &Report) -> ControlFlow<()> {
        self.live.show(report);
        if let Some(ledger) = &mut self.ledger {
            let written = ledger.progress(report);
            self.note(written);
        }
        // It may be long until there is something to write.
        if output::reader_left() {
            self.failure.get_or_insert(Failure::ClosedPipe);
        }
        self.goes_on()
    }
}

fn open(args: &FuzzArgs, plan: &Plan) -> Result<Option<Ledger>, Failure> {
    let path = args.ledger.as_ref();
    path.map(|path| Ledger::open(path, plan).map_err(|error| Failure::write(path, error)))
        .transpose()
}

fn cannot(why: CannotAsk) -> Failure {
    Failure::unsupported("--against", why)
}

fn plan(args: &FuzzArgs) -> Result<Plan, Failure> {
    let against = match args.against.as_str() {
        "none" => Against::Nobody,
        "kernel" => Against::Kernel,
        command => Against::Command(command.to_owned()),
    };
    let fresh = || seeds().last().copied().unwrap_or(Seed(1));
    Ok(Plan {
        seed: args.seed.map_or_else(fresh, Seed),
        mix: args.mix.unwrap_or_default(),
        oracles: oracles(args, &against)?,
        against,
        shard: args.shard,
        limit: match (args.only, args.programs) {
            (Some(index), _) => Limit::Only(index),
            (None, Some(programs)) => Limit::Programs(programs),
            (None, None) => Limit::Time(args.time.unwrap_or(TIME)),
        },
        jobs: args
            .jobs
            .unwrap_or_else(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
        patience: args.patience,
    })
}

/// The oracles; one that lacks whom to ask is a mistake where it was named.
fn oracles(args: &FuzzArgs, against: &Against) -> Result<Vec<OracleKind>, Failure> {
    let mut kinds = Vec::new();
    for oracle in &args.oracle {
        let kind = match oracle {
            FuzzOracle::State => OracleKind::State,
            FuzzOracle::Registers => OracleKind::Registers,
            FuzzOracle::Verdict => OracleKind::Verdict,
            FuzzOracle::Result => OracleKind::Result,
            FuzzOracle::All => {
                kinds.extend(OracleKind::ALL.iter().filter(|kind| kind.can_ask(against)));
                continue;
            }
        };
        if !kind.can_ask(against) {
            let name = kind.name();
            let why = format!("there is nobody to ask: give --against {}", kind.asks());
            return Err(Failure::input(format!("--oracle {name}"), why));
        }
        kinds.push(kind);
    }
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

/// Set by Ctrl-C and by whoever ends processes; the second time, the process ends.
fn stop_at_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    let handler = move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    // Without it a signal ends the process as it always did.
    let _ = ctrlc::set_handler(handler);
    stop
}
