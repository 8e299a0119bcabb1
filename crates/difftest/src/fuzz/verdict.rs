//! Oracle 3: the verdict, its sentence and the counts, against the running kernel.

use kernel::Kernel;

use super::{Case, Finding, Oracle, OracleKind, Tally};
use crate::CannotAsk;
use crate::generate::Pool;
use crate::verify::{Aspect, Compared, Judge, Opinion, OurJudge, PooledJudge, Said};

/// Statistics alone: the last line of a refusal, and the counts.
const LEVEL: u32 = 4;

/// Our verdict against that of the running kernel.
#[derive(Debug)]
pub struct AgainstLinux {
    linux: PooledJudge,
    ours: OurJudge,
}

impl AgainstLinux {
    /// Gives the kernel the maps and types of all generated programs.
    ///
    /// # Errors
    ///
    /// When it does not take them.
    pub fn new(kernel: Kernel) -> Result<AgainstLinux, CannotAsk> {
        let pool = Pool::get();
        let ours = OurJudge::of(&kernel);
        let linux = PooledJudge::new(kernel, &pool.maps, Some(&pool.btf))?;
        Ok(AgainstLinux { linux, ours })
    }
}

impl Oracle for AgainstLinux {
    fn kind(&self) -> OracleKind {
        OracleKind::Verdict
    }

    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        let ours = self.ours.judge(&case.raw, LEVEL)?;
        // A change may have made a program name a map that there is not.
        let Ok(linux) = self.linux.judge(&case.raw, LEVEL) else {
            return Ok(None);
        };
        tally.asked += 1;
        tally.accepted_there += u64::from(linux.said == Said::Accepted);
        Ok(finding(&linux, &ours))
    }
}

/// The first difference.
fn finding(linux: &Opinion, ours: &Opinion) -> Option<Finding> {
    if matches!(ours.said, Said::Unsupported(_)) {
        return None;
    }
    let compared = Compared::new(linux, ours);
    let difference = compared.differences.first()?;
    let class = match (difference.aspect, &ours.said) {
        (Aspect::Verdict, Said::Accepted) => "accepted by us alone".to_owned(),
        (Aspect::Verdict, _) => "accepted by Linux alone".to_owned(),
        (aspect, _) => format!("another {}", aspect.name()),
    };
    Some(Finding {
        oracle: OracleKind::Verdict,
        class,
        what: difference.to_string(),
        pc: None,
        input: None,
    })
}
