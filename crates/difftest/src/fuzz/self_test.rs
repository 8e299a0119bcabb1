//! Whether known bugs would be found: each is brought back, and each oracle looks
//! for it.
//!
//! A program counts as finding the bug only if nothing is wrong about it without
//! the bug, so what is really wrong, here or in Linux, finds nothing.
//!
//! Everything happens in the calling thread, since a bug is there for one thread
//! alone; the time is that thread's, in the kernel as well.

use std::ops::ControlFlow;
use std::time::Duration;

use inject::{Bug, Class};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::panel::Panel;
use super::panics::caught;
use super::{Against, Case, Finding, Mix, OracleKind, Tally};
use crate::CannotAsk;
use crate::families::Seed;

/// What is to be looked for, by whom and how long.
#[derive(Clone, Debug)]
pub struct SelfTest {
    /// The bugs.
    pub bugs: Vec<Bug>,
    /// The oracles; each looks by itself.
    pub oracles: Vec<OracleKind>,
    /// Whom ours are held against, by oracles that hold them against somebody.
    pub against: Against,
    /// Where programs come from.
    pub seeds: Vec<Seed>,
    /// How long one oracle may look for one bug with one seed.
    pub budget: Duration,
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
    /// How long that took.
    pub cpu_seconds: f64,
    /// What was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// Looks for the bugs; `tell` hears of each that was looked for, and may end it.
///
/// # Errors
///
/// When somebody who has to be asked cannot be.
pub fn self_test(
    plan: &SelfTest,
    mut tell: impl FnMut(&Sought) -> ControlFlow<()>,
) -> Result<(), CannotAsk> {
    for bug in &plan.bugs {
        for oracle in &plan.oracles {
            if !is_for(*oracle, bug.class()) {
                continue;
            }
            for seed in &plan.seeds {
                let sought = seek(*bug, *oracle, *seed, plan)?;
                if tell(&sought).is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Whether an oracle looks where bugs of a class are.
fn is_for(oracle: OracleKind, class: Class) -> bool {
    match class {
        Class::Machine | Class::Compiler => oracle == OracleKind::Result,
        Class::Loader => false,
        _ => oracle != OracleKind::Result,
    }
}

/// The programs among which bugs of a class are.
fn mix(class: Class) -> Mix {
    let _ = class;
    Mix::default()
}

fn seek(bug: Bug, oracle: OracleKind, seed: Seed, plan: &SelfTest) -> Result<Sought, CannotAsk> {
    let mix = mix(bug.class());
    let mut panel = Panel::new(&[oracle], &plan.against)?;
    let mut tally = Tally::default();
    let mut sought = Sought {
        bug: bug.id(),
        class: bug.class().name(),
        oracle: oracle.name(),
        seed: seed.0,
        found: false,
        programs: 0,
        cpu_seconds: 0.0,
        what: None,
    };
    let start = cpu_time();
    for index in 0.. {
        sought.cpu_seconds = (cpu_time() - start).as_secs_f64();
        if sought.cpu_seconds > plan.budget.as_secs_f64() {
            break;
        }
        sought.programs += 1;
        let Ok(case) = caught(|| Case::new(&mix, seed, index)) else {
            continue;
        };
        let finding = {
            let _injected = inject::inject(bug);
            panel.check(&case, &mut tally)?
        };
        if let Some(finding) = finding
            && panel.check(&case, &mut tally)?.is_none()
        {
            sought.found = true;
            sought.cpu_seconds = (cpu_time() - start).as_secs_f64();
            sought.what = Some(told(index, &finding));
            break;
        }
    }
    Ok(sought)
}

fn told(index: u64, finding: &Finding) -> String {
    format!("program {index}: {}: {}", finding.class, finding.what)
}

/// What this thread has used of the processor.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}
