//! RCU regions and regions without preemption.

use abi::kfuncs::Only;

use super::Call;
use crate::explore::Verifier;
use crate::reason::{self, Result};
use crate::state::Flags;

impl Verifier<'_> {
    /// Begins or ends a region, if the function does.
    pub(super) fn change_region(&mut self, call: &Call) -> Result {
        let name = call.kfunc.name;
        let sleeps = call.kfunc.only == Only::Sleepable;
        let region = |region| Err(reason::Kfunc::SleepsInside { name, region }.into());
        let refs = &mut self.state.refs;
        match (name, refs.rcu_locks > 0) {
            ("bpf_rcu_read_lock", true) => return Err(reason::Kfunc::NestedRcu(name).into()),
            ("bpf_rcu_read_lock", false) => refs.rcu_locks = 1,
            ("bpf_rcu_read_unlock", false) => {
                return Err(reason::Kfunc::RcuUnlock(name).into());
            }
            ("bpf_rcu_read_unlock", true) => {
                refs.rcu_locks = 0;
                self.distrust_rcu_pointers();
            }
            (_, true) if sleeps => return region("rcu_read_lock region"),
            _ => {}
        }
        let refs = &mut self.state.refs;
        match (name, refs.preempt_locks) {
            ("bpf_preempt_disable", _) => refs.preempt_locks += 1,
            ("bpf_preempt_enable", 0) => {
                return Err(reason::Kfunc::PreemptEnable(name).into());
            }
            ("bpf_preempt_enable", _) => refs.preempt_locks -= 1,
            (_, 1..) if sleeps => return region("non-preemptible region"),
            _ => {}
        }
        if sleeps && self.state.refs.irq_id != 0 {
            return region("IRQ-disabled region");
        }
        Ok(())
    }

    /// What RCU kept may be gone.
    fn distrust_rcu_pointers(&mut self) {
        self.state.for_each_value(
            |value| value.flags.contains(Flags::RCU),
            |value| {
                let kept = value.flags.without(Flags::RCU.and(Flags::OR_NULL));
                value.flags = kept.and(Flags::UNTRUSTED);
            },
        );
    }
}
