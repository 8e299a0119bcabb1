//! The verifier of this workspace, as a judge.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use btf::Btf;
use kernel::log::Counts;
use kernel::{Kernel, LoadFlags};
use loader::raw::RawProgram;
use verifier::log::Log;
use verifier::{Config, Observer, Privileges, Stats, Verdict};

use super::{Judge, Opinion, Said};
use crate::CannotAsk;

/// Of a longer log the beginning is dropped, as Linux does it.
const LONGEST_LOG: usize = 64 << 20;

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

impl OurJudge {
    /// The verdict itself, and what [`Judge::judge`] makes of it at level 0.
    pub fn verdict<'p>(&self, raw: &'p RawProgram) -> (Verdict<'p>, Opinion) {
        let verdict = verifier::verify(&raw.program, &self.config(raw), None);
        let said = opinion(&verdict, String::new());
        (verdict, said)
    }
}

impl Judge for OurJudge {
    fn name(&self) -> &'static str {
        "ebpf-sim"
    }

    fn judge(&mut self, raw: &RawProgram, level: u32) -> Result<Opinion, CannotAsk> {
        if !raw.caps.bpf {
            return Err(CannotAsk::Missing {
                missing: "loads without CAP_BPF end before the verifier".to_owned(),
            });
        }
        let config = self.config(raw);
        let mut log = (level != 0).then(|| Log::with_limit(level, LONGEST_LOG));
        // A panic is a fault of the verifier's; the other programs go on.
        let run = || {
            let observer = log.as_mut().map(|log| log as &mut dyn Observer);
            verifier::verify(&raw.program, &config, observer)
        };
        let Ok(verdict) = catch_unwind(AssertUnwindSafe(run)) else {
            return Err(CannotAsk::Broken {
                what: "the verifier".to_owned(),
                why: "it panicked".to_owned(),
            });
        };
        Ok(opinion(
            &verdict,
            log.map_or_else(String::new, Log::into_text),
        ))
    }
}

fn opinion(verdict: &Verdict<'_>, log: String) -> Opinion {
    let (said, message) = match verdict {
        Verdict::Accepted(_) => (Said::Accepted, String::new()),
        Verdict::Refused(rejection) => {
            let sentence = rejection.reason.to_string();
            let last = sentence.lines().last().unwrap_or_default();
            (Said::Refused(rejection.reason.errno()), last.to_owned())
        }
        Verdict::Unsupported(undecided) => {
            let feature = undecided.unsupported.feature.clone();
            (Said::Unsupported(feature), String::new())
        }
    };
    Opinion {
        said,
        message,
        log,
        counts: counts(verdict.stats()),
    }
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
