//! Oracle 3: the verdict, its sentence and the counts, against the running kernel.
//!
//! Programs of the pool ([`Pool`]) share maps and types that the kernel is given
//! once; any other program gets its own.
//!
//! Of a program with an atomic operation that fetches, the counts are not compared:
//! Linux 6.18 loses sight of the stack slot whose number it fetched
//! (CVE-2026-43009), ours does not, and follows more of such a program.

use std::sync::Arc;

use abi::Program;
use isa::Insn;
use kernel::Kernel;

use super::{Case, Finding, LinuxSaid, Oracle, OracleKind, Tally};
use crate::CannotAsk;
use crate::generate::Pool;
use crate::verify::{Aspect, Compared, Judge, LinuxJudge, Opinion, OurJudge, PooledJudge, Said};

/// Statistics alone: the last line of a refusal, and the counts.
const LEVEL: u32 = 4;

/// Our verdict against that of the running kernel.
#[derive(Debug)]
pub struct AgainstLinux {
    linux: Linux,
    ours: OurJudge,
}

impl AgainstLinux {
    /// Gives the kernel the maps and types of all generated programs.
    ///
    /// # Errors
    ///
    /// When it cannot be asked, or does not take them.
    pub fn new() -> Result<AgainstLinux, CannotAsk> {
        let (linux, ours) = Linux::open()?;
        Ok(AgainstLinux { linux, ours })
    }
}

impl Oracle for AgainstLinux {
    fn kind(&self) -> OracleKind {
        OracleKind::Verdict
    }

    fn check(&mut self, case: &Case, tally: &mut Tally) -> Result<Option<Finding>, CannotAsk> {
        let (verdict, ours) = self.ours.verdict(&case.raw);
        tally.ours(&verdict);
        let Some(linux) = self.linux.ask(case, LEVEL, tally) else {
            return Ok(None);
        };
        Ok(difference(&linux, &ours, fetches(&case.raw.program)))
    }
}

/// The running kernel, asked about cases.
#[derive(Debug)]
pub(super) struct Linux {
    pooled: PooledJudge,
    alone: LinuxJudge,
}

impl Linux {
    /// The kernel, and our verifier told of the same machine.
    pub(super) fn open() -> Result<(Linux, OurJudge), CannotAsk> {
        let pool = Pool::get();
        let kernel = kernel()?;
        let ours = OurJudge::of(&kernel);
        let pooled = PooledJudge::new(kernel, &pool.maps, Some(&pool.btf))?;
        let alone = LinuxJudge::new(self::kernel()?);
        Ok((Linux { pooled, alone }, ours))
    }

    /// What it says; nothing of a program that cannot be put to it: a change may
    /// have made it name a map that there is not.
    pub(super) fn ask(&mut self, case: &Case, level: u32, tally: &mut Tally) -> Option<Opinion> {
        let is_pooled = Arc::ptr_eq(&case.raw.program.maps, &Pool::get().maps);
        let opinion = match is_pooled {
            true => self.pooled.judge(&case.raw, level),
            false => self.alone.judge(&case.raw, level),
        };
        let opinion = opinion.ok()?;
        tally.asked += 1;
        tally.accepted_there += u64::from(opinion.said == Said::Accepted);
        Some(opinion)
    }
}

fn kernel() -> Result<Kernel, CannotAsk> {
    Kernel::open().map_err(|why| CannotAsk::Missing {
        missing: why.to_string(),
    })
}

impl From<&Opinion> for LinuxSaid {
    fn from(opinion: &Opinion) -> LinuxSaid {
        LinuxSaid {
            errno: match opinion.said {
                Said::Refused(errno) => Some(errno),
                _ => None,
            },
            message: opinion.message.clone(),
        }
    }
}

/// Whether a program has an atomic operation that fetches.
pub(super) fn fetches(program: &Program) -> bool {
    program.code.iter().any(|slot| {
        let insn = isa::decode(*slot, None);
        matches!(insn, Insn::Atomic { op, .. } if op.fetches())
    })
}

/// The first difference. Nothing is wrong where we give no verdict.
fn difference(linux: &Opinion, ours: &Opinion, fetches: bool) -> Option<Finding> {
    if matches!(ours.said, Said::Unsupported(_)) {
        return None;
    }
    let compared = Compared::new(linux, ours);
    let is_count = |aspect| matches!(aspect, Aspect::Processed | Aspect::States);
    let mut differences = compared.differences.iter();
    let difference = differences.find(|d| !(fetches && is_count(d.aspect)))?;
    let class = match (difference.aspect, &ours.said) {
        (Aspect::Verdict, Said::Accepted) => {
            format!("accepted by us alone ({})", shape(&linux.message))
        }
        (Aspect::Verdict, _) => format!("accepted by Linux alone ({})", shape(&ours.message)),
        (aspect @ (Aspect::Errno | Aspect::Message), _) => {
            format!("another {} ({})", aspect.name(), shape(&linux.message))
        }
        (aspect, _) => format!("another {}", aspect.name()),
    };
    Some(Finding {
        linux: Some(linux.into()),
        ..Finding::new(OracleKind::Verdict, class, difference.to_string())
    })
}

/// A sentence without the numbers in it.
fn shape(sentence: &str) -> String {
    let mut shape = String::new();
    let words = sentence.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    for word in words.take(12) {
        match word.contains(|c: char| c.is_ascii_digit()) {
            true => shape.extend([
                "#",
                word.trim_start_matches(|c: char| c.is_ascii_alphanumeric()),
            ]),
            false => shape += word,
        }
    }
    shape.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_say_nothing_of_programs_that_fetch() {
        let of = |count| {
            let log = format!("processed {count} insns (limit 1000000)\n");
            Opinion::new(Said::Accepted, log)
        };
        assert!(difference(&of(1), &of(2), false).is_some());
        assert_eq!(difference(&of(1), &of(2), true), None);
        let program = |text: &str| {
            let code = isa::asm::assemble(text).expect("an instruction");
            Program::bare(abi::ProgType::Xdp, code.slots().to_vec())
        };
        assert!(fetches(&program(
            "r1 = atomic64_fetch_add((u64 *)(r10 -24), r1)"
        )));
        assert!(!fetches(&program("lock *(u64 *)(r10 -8) += r1")));
    }

    #[test]
    fn sentences_of_one_shape() {
        let shapes = [
            "R2 min value is 0xfff1, max -12",
            "R10 min value is 0x4, max -1",
        ]
        .map(shape);
        assert_eq!(shapes[0], "# min value is #, max -#");
        assert_eq!(shapes[0], shapes[1]);
    }
}
