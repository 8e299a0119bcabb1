//! The verifier of this workspace, as a judge.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use btf::Btf;
use kernel::log::Counts;
use kernel::{Kernel, LoadFlags};
use loader::raw::RawProgram;
use verifier::{Config, Privileges, Stats, Verdict};

use super::{Judge, Opinion, Said};
use crate::CannotAsk;

/// Our verifier, told of a machine.
#[derive(Clone, Debug)]
pub struct OurJudge {
    /// CPUs of the machine.
    pub cpus: u32,
    /// Types of its kernel.
    pub kernel_btf: Option<Arc<Btf>>,
}

impl Default for OurJudge {
    /// The machine on which the samples were measured: two CPUs.
    fn default() -> OurJudge {
        OurJudge {
            cpus: 2,
            kernel_btf: None,
        }
    }
}

impl OurJudge {
    /// Told of the running kernel.
    pub fn of(kernel: &Kernel) -> OurJudge {
        OurJudge {
            cpus: kernel.cpus(),
            kernel_btf: kernel.btf().cloned(),
        }
    }

    /// The configuration that a load like this stands for.
    pub fn config(&self, raw: &RawProgram) -> Config {
        let flag = |flag: LoadFlags| raw.flags & flag.0 != 0;
        Config {
            privileges: match raw.caps.perfmon {
                true => Privileges::Full,
                false => Privileges::BpfOnly,
            },
            strict_alignment: flag(LoadFlags::STRICT_ALIGNMENT),
            test_state_freq: flag(LoadFlags::TEST_STATE_FREQ),
            test_reg_invariants: flag(LoadFlags::TEST_REG_INVARIANTS),
            cpus: self.cpus,
            kernel_btf: self.kernel_btf.clone(),
            ..Config::default()
        }
    }
}

impl Judge for OurJudge {
    fn name(&self) -> &'static str {
        "ebpf-sim"
    }

    fn judge(&mut self, raw: &RawProgram, _level: u32) -> Result<Opinion, CannotAsk> {
        if !raw.caps.bpf {
            return Err(CannotAsk::Missing {
                missing: "loads without CAP_BPF end before the verifier".to_owned(),
            });
        }
        let config = self.config(raw);
        // A panic is a fault of the verifier's; the other programs go on.
        let run = || verifier::verify(&raw.program, &config, None);
        let Ok(verdict) = catch_unwind(AssertUnwindSafe(run)) else {
            return Err(CannotAsk::Broken {
                what: "the verifier".to_owned(),
                why: "it panicked".to_owned(),
            });
        };
        Ok(opinion(&verdict))
    }
}

fn opinion(verdict: &Verdict<'_>) -> Opinion {
    let mut log = String::new();
    let said = match verdict {
        Verdict::Accepted(_) => Said::Accepted,
        Verdict::Refused(rejection) => {
            // Writing to a string does not fail.
            let _ = writeln!(log, "{}", rejection.reason);
            Said::Refused(rejection.reason.errno())
        }
        Verdict::Unsupported(undecided) => {
            let unsupported = &undecided.unsupported;
            Said::Unsupported(unsupported.feature.clone())
        }
    };
    let mut opinion = Opinion::new(said, log);
    opinion.counts = counts(verdict.stats());
    opinion
}

fn counts(stats: &Stats) -> Counts {
    let number = |count: u64| u32::try_from(count).ok();
    Counts {
        processed: number(stats.processed),
        max_states_per_insn: number(stats.max_states_per_insn),
        total_states: number(stats.total_states),
        peak_states: number(stats.peak_states),
        stack_depth: Some(stats.stack_depths.clone()),
        ..Counts::default()
    }
}
