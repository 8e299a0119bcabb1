//! What must not be held when a program ends or goes on elsewhere.

use crate::explore::Verifier;
use crate::reason::{Reference, Result};
use crate::state::ReferenceKind;

impl Verifier<'_> {
    /// Checks that nothing is held where a program ends: at `place`, in Linux's
    /// words. With `locks`, spin locks count too.
    pub(crate) fn check_nothing_held(&self, place: &'static str, locks: bool) -> Result {
        let refs = &self.state.refs;
        let inside = |region| Err(Reference::Inside { place, region }.into());
        if locks && refs.active_locks > 0 {
            return inside("bpf_spin_lock");
        }
        self.check_no_references(place)?;
        if refs.irq_id != 0 {
            return inside("bpf_local_irq_save");
        }
        if refs.rcu_locks > 0 {
            return inside("bpf_rcu_read_lock");
        }
        if refs.preempt_locks > 0 {
            return inside("bpf_preempt_disable");
        }
        Ok(())
    }

    /// Checks that no acquired object is left, in the outermost function: others,
    /// callbacks as well, leave what they hold to their callers.
    fn check_no_references(&self, place: &'static str) -> Result {
        if self.state.current() > 0 {
            return Ok(());
        }
        let held = self.state.refs.list.iter();
        let objects = held.filter(|r| r.kind == ReferenceKind::Pointer);
        let left: Vec<_> = objects.map(|r| (r.id, r.pc)).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(Reference::Left { place, left }.into())
        }
    }
}
