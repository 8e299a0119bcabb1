//! Whether known bugs would be found: each is brought back, and each oracle looks
//! for it.
//!
//! A program counts as finding a bug only if nothing is wrong about it without the
//! bug, so what is really wrong, here or in Linux, finds nothing.
//!
//! A bug is there for one thread alone, and that thread's time is counted, in the
//! kernel as well. Bugs in the readers of files are looked for among bytes
//! ([`bytes`](super::bytes)) instead of programs.

mod files;
mod summary;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use inject::{Bug, Class};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::panel::{self, Panel};
use super::panics::caught;
use super::{Against, Case, Finding, Kind, Limit, Mix, OracleKind, Plan, Shard, Tally};
use crate::CannotAsk;
use crate::families::Seed;

pub use summary::{Row, Summary};

/// What is to be looked for, by whom and how long.
#[derive(Clone, Debug)]
pub struct SelfTest {
    /// The bugs.
    pub bugs: Vec<Bug>,
    /// The oracles; each looks by itself, where bugs of the class are.
    pub oracles: Vec<OracleKind>,
    /// Whom ours are held against, by oracles that hold them against somebody.
    pub against: Against,
    /// Where programs come from.
    pub seeds: Vec<Seed>,
    /// Which kinds of programs; none: those among which bugs of a class are.
    pub mix: Option<Mix>,
    /// How long one oracle may look for one bug with one seed, of the processor's
    /// time.
    pub budget: Duration,
    /// Threads, each of which looks for another one.
    pub jobs: NonZeroUsize,
}

/// One oracle that looked for one bug.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sought {
    /// The bug's id.
    pub bug: &'static str,
    /// What it is a bug of.
    pub class: &'static str,
    /// The oracle.
    pub oracle: &'static str,
    /// Where programs came from.
    pub seed: u64,
    /// Whether it was found.
    pub found: bool,
    /// Programs that were looked at.
    pub programs: u64,
    /// What that took of the processor's time.
    pub cpu_seconds: f64,
    /// What was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// Who looks for which bug, and where.
#[derive(Clone, Copy, Debug)]
struct Task {
    bug: Bug,
    oracle: OracleKind,
    seed: Seed,
}

/// Looks for the bugs; `tell` hears of each search that is over, and may end the
/// others.
///
/// # Errors
///
/// When somebody who has to be asked cannot be.
pub fn self_test(
    plan: &SelfTest,
    tell: &mut dyn FnMut(&Sought) -> ControlFlow<()>,
) -> Result<Summary, CannotAsk> {
    let tasks = tasks(plan);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, results) = mpsc::channel();
    let mut all = Vec::new();
    thread::scope(|scope| {
        for _ in 0..plan.jobs.get() {
            let (sender, tasks, next, stop) = (sender.clone(), &tasks, &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed)
                    && let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed))
                    && sender.send(seek(*task, plan, stop)).is_ok()
                {}
            });
        }
        drop(sender);
        for sought in &results {
            let sought = sought.inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            if tell(&sought).is_break() {
                stop.store(true, Ordering::Relaxed);
                break;
            }
            all.push(sought);
        }
        Ok(())
    })?;
    Ok(Summary::of(&all, plan))
}

fn tasks(plan: &SelfTest) -> Vec<Task> {
    let mut tasks = Vec::new();
    for bug in &plan.bugs {
        for oracle in &plan.oracles {
            if !is_for(*oracle, *bug) || !oracle.can_ask(&plan.against) {
                continue;
            }
            tasks.extend(plan.seeds.iter().map(|seed| Task {
                bug: *bug,
                oracle: *oracle,
                seed: *seed,
            }));
        }
    }
    tasks
}

/// Whether an oracle looks where a bug shows.
fn is_for(oracle: OracleKind, bug: Bug) -> bool {
    match (bug, bug.class()) {
        (Bug::Cve2024_45020, _) | (_, Class::Loader) => oracle == OracleKind::Crash,
        // Both engines call the same helpers.
        (Bug::Cve2021_3489, _) => oracle == OracleKind::State,
        (_, Class::Machine | Class::Compiler) => oracle == OracleKind::Result,
        _ => !matches!(oracle, OracleKind::Result | OracleKind::Crash),
    }
}

/// The programs among which bugs of a class are.
fn mix(class: Class) -> Mix {
    match class {
        Class::Scalar | Class::Pruning => Mix::only(Kind::Scalar),
        _ => Mix::default(),
    }
}

fn seek(task: Task, plan: &SelfTest, stop: &AtomicBool) -> Result<Sought, CannotAsk> {
    let mut search = Search::new(task, plan, stop);
    if task.bug.class() == Class::Loader {
        files::seek(&mut search)?;
    } else {
        seek_in_programs(&mut search)?;
    }
    Ok(search.sought)
}

/// A search under way.
struct Search<'p> {
    task: Task,
    plan: &'p SelfTest,
    stop: &'p AtomicBool,
    start: Duration,
    sought: Sought,
}

impl<'p> Search<'p> {
    fn new(task: Task, plan: &'p SelfTest, stop: &'p AtomicBool) -> Search<'p> {
        let sought = Sought {
            bug: task.bug.id(),
            class: task.bug.class().name(),
            oracle: task.oracle.name(),
            seed: task.seed.0,
            found: false,
            programs: 0,
            cpu_seconds: 0.0,
            what: None,
        };
        Search {
            task,
            plan,
            stop,
            start: cpu_time(),
            sought,
        }
    }

    /// Whether to look at another one, which counts.
    fn goes_on(&mut self) -> bool {
        self.sought.cpu_seconds = (cpu_time() - self.start).as_secs_f64();
        let in_time = self.sought.cpu_seconds <= self.plan.budget.as_secs_f64();
        let goes_on = !self.sought.found && in_time && !self.stop.load(Ordering::Relaxed);
        self.sought.programs += u64::from(goes_on);
        goes_on
    }

    fn found(&mut self, index: u64, finding: &Finding) {
        self.sought.found = true;
        self.sought.what = Some(format!("{index}: {}", finding.what));
    }
}

fn seek_in_programs(search: &mut Search<'_>) -> Result<(), CannotAsk> {
    let Task { bug, oracle, seed } = search.task;
    let plan = Plan {
        seed,
        mix: search.plan.mix.unwrap_or_else(|| mix(bug.class())),
        oracles: vec![oracle],
        against: search.plan.against.clone(),
        shard: Shard::default(),
        limit: Limit::Time(search.plan.budget),
        jobs: NonZeroUsize::MIN,
        patience: search.plan.budget,
    };
    let mut panel = Panel::new(&plan, panel::make)?;
    // Making the oracle is not looking.
    search.start = cpu_time();
    let mut tally = Tally::default();
    let mut index = 0;
    while search.goes_on() {
        let case = caught(|| Case::new(&plan.mix, seed, index));
        if let Ok(case) = case {
            let with = {
                let _injected = inject::inject(bug);
                panel.check(&case, &mut tally)?
            };
            if let Some(finding) = with
                && panel.check(&case, &mut tally)?.is_none()
            {
                search.found(index, &finding);
            }
        }
        index += 1;
    }
    Ok(())
}

/// What this thread has used of the processor's time.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}
