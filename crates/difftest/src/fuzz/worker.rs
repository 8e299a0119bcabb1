//! One thread of a campaign.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::campaign::{Numbers, hang};
use super::coverage::Coverage;
use super::panel::{Make, Panel, cover};
use super::panics::caught;
use super::{Case, Finding, Plan, Tally};
use crate::CannotAsk;

/// Programs that are handed out at once.
pub(super) const CHUNK: u64 = 64;
/// One program in so many shows what of the verifier it exercises.
const SAMPLE: u64 = 16;

/// What all threads of a campaign see.
pub(super) struct Shared {
    plan: Plan,
    make: Make,
    chunks: Numbers,
    /// Set when no further program is to be begun.
    pub(super) stop: AtomicBool,
}

impl Shared {
    pub(super) fn new(plan: &Plan, make: Make) -> Shared {
        Shared {
            plan: plan.clone(),
            make,
            chunks: Numbers::default(),
            stop: AtomicBool::new(false),
        }
    }
}

/// Some consecutive programs of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) number: u64,
    /// Indices of programs that were begun before and did not end.
    pub(super) hung: Vec<u64>,
}

/// What came of a chunk.
pub(super) struct Done {
    pub(super) chunk: Chunk,
    pub(super) tally: Tally,
    pub(super) coverage: Coverage,
    pub(super) findings: Vec<(u64, Finding)>,
    /// Programs of it that were looked at, and whether these are all.
    pub(super) looked_at: u64,
    pub(super) whole: bool,
    pub(super) cannot_ask: Option<CannotAsk>,
}

/// What a thread is at, for who looks after it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    at: Mutex<At>,
}

#[derive(Debug, Default)]
struct At {
    /// The program, and since when.
    begun: Option<(Chunk, u64, Instant)>,
    /// It has left, or was left behind.
    left: bool,
}

impl Slot {
    fn with<T>(&self, look: impl FnOnce(&mut At) -> T) -> T {
        look(&mut self.at.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn left(&self) -> bool {
        self.with(|at| at.left)
    }

    pub(super) fn leave_behind(&self) {
        self.with(|at| at.left = true);
    }

    /// The program that has taken longer than `patience`.
    pub(super) fn overdue(&self, patience: Duration) -> Option<(Chunk, u64)> {
        self.with(|at| {
            let (chunk, index, since) = at.begun.as_ref()?;
            let late = !at.left && since.elapsed() > patience;
            late.then(|| (chunk.clone(), *index))
        })
    }
}

/// Works through chunks until there is none, or the campaign stops.
pub(super) fn work(shared: &Shared, slot: &Slot, first: Option<Chunk>, done: &Sender<Done>) {
    let mut first = first;
    let panel = Panel::new(&shared.plan, shared.make);
    let mut panel = match panel {
        Ok(panel) => panel,
        Err(why) => {
            let chunk = first.unwrap_or_else(|| next(shared));
            let _ = done.send(Done::nothing(chunk, Some(why)));
            return slot.leave_behind();
        }
    };
    while !shared.stop.load(Ordering::Relaxed) {
        let chunk = first.take().unwrap_or_else(|| next(shared));
        let came = one(shared, slot, &mut panel, chunk);
        let is_empty = came.whole && came.looked_at == 0;
        // A thread that was left behind has been replaced.
        if slot.left() || is_empty || done.send(came).is_err() {
            break;
        }
    }
    slot.leave_behind();
}

fn next(shared: &Shared) -> Chunk {
    Chunk {
        number: shared.chunks.next(),
        hung: Vec::new(),
    }
}

impl Done {
    fn nothing(chunk: Chunk, cannot_ask: Option<CannotAsk>) -> Done {
        Done {
            chunk,
            tally: Tally::default(),
            coverage: Coverage::default(),
            findings: Vec::new(),
            looked_at: 0,
            whole: true,
            cannot_ask,
        }
    }
}

fn one(shared: &Shared, slot: &Slot, panel: &mut Panel, chunk: Chunk) -> Done {
    let plan = &shared.plan;
    let mut done = Done::nothing(chunk, None);
    let start = done.chunk.number.saturating_mul(CHUNK);
    for n in start..start.saturating_add(CHUNK) {
        let Some(index) = plan.nth(n) else {
            break;
        };
        if shared.stop.load(Ordering::Relaxed) || slot.left() {
            done.whole = false;
            break;
        }
        done.looked_at += 1;
        if done.chunk.hung.contains(&index) {
            done.findings.push((index, hang(plan.patience)));
            continue;
        }
        let chunk = done.chunk.clone();
        slot.with(|at| at.begun = Some((chunk, index, Instant::now())));
        let said = look(plan, panel, &mut done, index);
        slot.with(|at| at.begun = None);
        match said {
            Ok(None) => {}
            Ok(Some(finding)) => done.findings.push((index, finding)),
            Err(why) => {
                done.cannot_ask = Some(why);
                done.whole = false;
                break;
            }
        }
    }
    done
}

fn look(
    plan: &Plan,
    panel: &mut Panel,
    done: &mut Done,
    index: u64,
) -> Result<Option<Finding>, CannotAsk> {
    let case = match caught(|| Case::new(&plan.mix, plan.seed, index)) {
        Ok(case) => case,
        Err(panic) => return Ok(Some(panic.finding())),
    };
    done.tally.begin();
    if index.is_multiple_of(SAMPLE) {
        cover(&case, &mut done.coverage);
    }
    panel.check(&case, &mut done.tally)
}
