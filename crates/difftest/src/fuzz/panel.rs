//! All the oracles of a campaign, as one that survives what they fall over.

use super::coverage::Coverage;
use super::oracle::config;
use super::panics::caught;
use super::peer::AgainstCommand;
use super::state::PATIENCE;
use super::{Against, Case, Finding, Oracle, OracleKind, Plan, Tally};
use crate::CannotAsk;
use verifier::Config;

/// Who makes the oracles of a plan.
pub(super) type Make = fn(&Plan) -> Result<Vec<Box<dyn Oracle>>, CannotAsk>;

/// All the oracles of a campaign.
pub(super) struct Panel {
    plan: Plan,
    make: Make,
    oracles: Vec<Box<dyn Oracle>>,
}

impl Panel {
    /// # Errors
    ///
    /// When somebody who would have to be asked cannot be.
    pub(super) fn new(plan: &Plan, make: Make) -> Result<Panel, CannotAsk> {
        Ok(Panel {
            plan: plan.clone(),
            make,
            oracles: make(plan)?,
        })
    }

    /// The first thing that is wrong. A panic is one.
    pub(super) fn check(
        &mut self,
        case: &Case,
        tally: &mut Tally,
    ) -> Result<Option<Finding>, CannotAsk> {
        self.check_by(OracleKind::Crash, case, tally)
    }

    /// The same of one oracle; of [`OracleKind::Crash`], any.
    pub(super) fn check_by(
        &mut self,
        kind: OracleKind,
        case: &Case,
        tally: &mut Tally,
    ) -> Result<Option<Finding>, CannotAsk> {
        for oracle in &mut self.oracles {
            if kind != OracleKind::Crash && oracle.kind() != kind {
                continue;
            }
            match caught(|| oracle.check(case, tally)) {
                Ok(Ok(None)) => {}
                Ok(said) => return said,
                Err(panic) => {
                    // They may be half changed.
                    self.oracles = (self.make)(&self.plan)?;
                    return Ok(Some(panic.finding()));
                }
            }
        }
        Ok(None)
    }
}

/// What of our verifier a program exercises; what it panics of the oracles say.
pub(super) fn cover(case: &Case, coverage: &mut Coverage) {
    let program = &case.raw.program;
    let config = Config {
        patience: PATIENCE,
        ..config(&case.raw)
    };
    let mut seen = Coverage::default();
    let watched = caught(|| verifier::verify(program, &config, Some(&mut seen)).is_accepted());
    if watched.is_ok() {
        coverage.add(seen);
    }
}

/// The oracles of a plan: at least one.
pub(super) fn make(plan: &Plan) -> Result<Vec<Box<dyn Oracle>>, CannotAsk> {
    let mut oracles = Vec::new();
    for kind in &plan.oracles {
        oracles.extend(one(*kind, plan)?);
    }
    if oracles.is_empty() {
        oracles.push(Box::new(OurVerdict));
    }
    Ok(oracles)
}

/// The oracle of a kind, where there is one against such a party.
fn one(kind: OracleKind, plan: &Plan) -> Result<Option<Box<dyn Oracle>>, CannotAsk> {
    Ok(match (kind, &plan.against) {
        (OracleKind::Verdict, Against::Command(command)) => {
            Some(Box::new(AgainstCommand::new(command, plan.patience)))
        }
        #[cfg(target_os = "linux")]
        (OracleKind::Registers, Against::Kernel) => {
            Some(Box::new(super::RegistersAgainstLinux::new()?))
        }
        #[cfg(target_os = "linux")]
        (OracleKind::Verdict, Against::Kernel) => Some(Box::new(super::AgainstLinux::new()?)),
        #[cfg(not(target_os = "linux"))]
        (_, Against::Kernel) => {
            return Err(CannotAsk::Missing {
                missing: "only Linux has a kernel to ask".to_owned(),
            });
        }
        #[cfg(target_os = "linux")]
        (OracleKind::Result, Against::Kernel) => {
            Some(Box::new(super::SameResults::against_linux()?))
        }
        (OracleKind::Result, _) => Some(Box::new(super::SameResults::new())),
        (OracleKind::State, _) => Some(Box::new(super::WithinStates::new()?)),
        _ => None,
    })
}

/// No more than that our verifier comes to an end.
struct OurVerdict;

impl Oracle for OurVerdict {
    fn kind(&self) -> OracleKind {
        OracleKind::Crash
    }

    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        let verdict = verifier::verify(&case.raw.program, &config(&case.raw), None);
        tally.ours(&verdict);
        Ok(None)
    }
}
