//! A campaign: the programs of a seed, put to oracles by several threads.
//!
//! Programs are handed out in chunks of consecutive ones. What comes of a chunk is
//! taken in when all before it have been, and findings are made smaller then, one
//! after another: so what a campaign says does not depend on how many threads it
//! has.
//!
//! A program that takes longer than the plan's patience is a finding. Its thread
//! cannot be ended; it is left behind, and another one does its chunk once more
//! without that program.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::coverage::Coverage;
use super::minimise::minimised;
use super::panel::{self, Make, Panel, cover};
use super::panics::caught;
use super::peer;
use super::reproduce::Replayed;
use super::worker::{CHUNK, Chunk, Done, Shared, Slot, work};
use super::{Against, Case, Finding, Found, Limit, OracleKind, Plan, Tally};
use crate::CannotAsk;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(200);
/// Findings of the same class that are made smaller and told; the others are
/// counted.
const EACH: u64 = 3;

/// Who is told how a campaign goes. Whatever it answers with
/// [`ControlFlow::Break`] ends the campaign.
pub trait Watch {
    /// Something was found.
    fn found(&mut self, found: &Found) -> ControlFlow<()>;

    /// Some time went by.
    fn progress(&mut self, report: &Report) -> ControlFlow<()>;
}

/// What came of a campaign, so far.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Programs and runs.
    pub tally: Tally,
    /// What of the verifier was exercised, by one program in sixteen.
    pub coverage: Coverage,
    /// How often something of a class was found.
    pub classes: BTreeMap<String, u64>,
    /// Different programs that were told.
    pub found: u64,
    /// The first so many programs of the shard were looked at, all of them.
    pub covered: u64,
    /// How long it took.
    pub time: Duration,
    /// Why it ended early, where somebody could no longer be asked.
    pub cannot_ask: Option<CannotAsk>,
}

/// Runs a campaign until its limit, or until `stop` is set.
///
/// # Errors
///
/// When somebody who has to be asked cannot be, from the start.
pub fn run(plan: &Plan, stop: &AtomicBool, watch: &mut dyn Watch) -> Result<Report, CannotAsk> {
    run_with(plan, panel::make, stop, watch)
}

fn run_with(
    plan: &Plan,
    make: Make,
    stop: &AtomicBool,
    watch: &mut dyn Watch,
) -> Result<Report, CannotAsk> {
    let panel = Panel::new(plan, make)?;
    let shared = Arc::new(Shared::new(plan, make));
    let (sender, done) = channel();
    let mut campaign = Campaign {
        plan,
        stop,
        watch,
        panel,
        start: Instant::now(),
        report: Report::default(),
        waiting: BTreeMap::new(),
        next: 0,
        hashes: Vec::new(),
        enough: false,
        workers: Vec::new(),
        shared,
    };
    for _ in 0..plan.jobs.get() {
        campaign.hire(None, &sender);
    }
    campaign.lead(&done, &sender);
    Ok(campaign.report)
}

/// Puts cases to the oracles of a plan, one after another, as they are. `told`
/// hears of each finding and says whether to go on.
///
/// # Errors
///
/// When somebody who has to be asked cannot be.
pub fn replay(
    plan: &Plan,
    cases: &[Replayed],
    told: &mut dyn FnMut(&Found) -> bool,
) -> Result<Report, CannotAsk> {
    let mut panel = Panel::new(plan, panel::make)?;
    let mut report = Report::default();
    let start = Instant::now();
    for Replayed { case, seed, index } in cases {
        report.tally.begin();
        cover(case, &mut report.coverage);
        if let Some(finding) = panel.check(case, &mut report.tally)? {
            let found = Found {
                seed: *seed,
                index: *index,
                slots_before: case.raw.program.code.len(),
                case: case.clone(),
                finding,
            };
            *report.classes.entry(found.class()).or_default() += 1;
            report.found += 1;
            if !told(&found) {
                break;
            }
        }
    }
    report.time = start.elapsed();
    Ok(report)
}

type Sender = std::sync::mpsc::Sender<Done>;

struct Campaign<'p> {
    plan: &'p Plan,
    stop: &'p AtomicBool,
    watch: &'p mut dyn Watch,
    /// For making findings smaller.
    panel: Panel,
    start: Instant,
    report: Report,
    /// Chunks that are done while one before them is not.
    waiting: BTreeMap<u64, Done>,
    /// The chunk to take in next.
    next: u64,
    /// Of what was told.
    hashes: Vec<u64>,
    /// Who watches has seen enough: what is found now is counted only.
    enough: bool,
    workers: Vec<Arc<Slot>>,
    shared: Arc<Shared>,
}

impl Campaign<'_> {
    /// Starts a thread, with a chunk to do first.
    fn hire(&mut self, first: Option<Chunk>, sender: &Sender) {
        let slot = Arc::new(Slot::default());
        let (shared, sender) = (Arc::clone(&self.shared), sender.clone());
        self.workers.push(Arc::clone(&slot));
        std::thread::spawn(move || work(&shared, &slot, first, &sender));
    }

    fn lead(&mut self, done: &Receiver<Done>, sender: &Sender) {
        let mut told = Instant::now();
        loop {
            let busy = self.workers.iter().any(|slot| !slot.left());
            match done.recv_timeout(if busy { TICK } else { Duration::ZERO }) {
                Ok(chunk) => {
                    self.waiting.insert(chunk.chunk.number, chunk);
                    self.take_in();
                }
                // Whoever left has sent what it had.
                Err(RecvTimeoutError::Timeout) if !busy => break,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_after(sender);
            if self.is_over() {
                self.end();
            }
            self.report.time = self.start.elapsed();
            if told.elapsed() >= TICK {
                told = Instant::now();
                self.enough |= self.watch.progress(&self.report).is_break();
            }
        }
        // What a chunk that never came was before.
        let rest = std::mem::take(&mut self.waiting);
        for chunk in rest.into_values() {
            self.count(chunk);
        }
        self.report.time = self.start.elapsed();
    }

    fn end(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let late = match self.plan.limit {
            Limit::Time(time) => self.start.elapsed() >= time,
            Limit::Programs(_) | Limit::Only(_) => false,
        };
        late || self.enough || self.stop.load(Ordering::Relaxed) || self.report.cannot_ask.is_some()
    }

    /// Takes in the chunks whose turn it is.
    fn take_in(&mut self) {
        while let Some(done) = self.waiting.remove(&self.next) {
            self.next += 1;
            if done.whole && self.report.covered == done.chunk.number * CHUNK {
                self.report.covered += done.looked_at;
            }
            self.count(done);
        }
    }

    fn count(&mut self, done: Done) {
        self.report.tally.add(&done.tally);
        self.report.coverage.add(done.coverage);
        let refusals = done.tally.refusals.keys().map(|code| (*code).to_owned());
        self.report.coverage.refusals.extend(refusals);
        if self.report.cannot_ask.is_none() {
            self.report.cannot_ask = done.cannot_ask;
        }
        for (index, finding) in done.findings {
            self.found(index, finding);
        }
    }

    fn found(&mut self, index: u64, finding: Finding) {
        let count = self.report.classes.entry(finding.full_class()).or_default();
        *count += 1;
        if *count > EACH || self.enough {
            return;
        }
        let (mix, seed) = (&self.plan.mix, self.plan.seed);
        // Where the generator itself panics there is no program to show.
        let Ok(case) = caught(|| Case::new(mix, seed, index)) else {
            return;
        };
        let found = self.reduced(index, &case, finding);
        if self.hashes.contains(&found.hash()) {
            return;
        }
        self.hashes.push(found.hash());
        self.report.found += 1;
        self.enough = self.watch.found(&found).is_break();
    }

    fn reduced(&mut self, index: u64, case: &Case, finding: Finding) -> Found {
        let slots = case.raw.program.code.len();
        // What takes too long takes as long again with every smaller program.
        let late = [HANG, peer::LATE].contains(&finding.class.as_str());
        let (case, finding) = match late {
            true => (case.clone(), finding),
            false => minimised(case, finding, &mut self.panel, self.stop),
        };
        Found {
            seed: self.plan.seed,
            index,
            slots_before: slots,
            case,
            finding,
        }
    }

    /// Replaces threads whose program takes too long.
    fn look_after(&mut self, sender: &Sender) {
        // Another verifier is given as long, and is begun anew.
        let patience = match self.plan.against {
            Against::Command(_) => self.plan.patience * 3,
            _ => self.plan.patience,
        };
        for at in 0..self.workers.len() {
            let Some((mut chunk, index)) = self.workers[at].overdue(patience) else {
                continue;
            };
            self.workers[at].leave_behind();
            chunk.hung.push(index);
            self.hire(Some(chunk), sender);
        }
    }
}

/// The class of programs that take too long.
pub(super) const HANG: &str = "no end";

/// What is said of a program that takes too long.
pub(super) fn hang(patience: Duration) -> Finding {
    let what = format!("no end after {} s", patience.as_secs_f64());
    Finding::new(OracleKind::Crash, HANG, what)
}

/// A counter that several threads take numbers from.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    pub(super) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
