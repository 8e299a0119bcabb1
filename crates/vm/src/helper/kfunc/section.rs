//! Sections in which a program must not be disturbed: nobody disturbs it here.

use super::super::call::{Answer, Call};

/// `void bpf_rcu_read_lock(void)` and its like.
pub(super) fn nothing(_: &mut Call<'_>) -> Answer {
    Ok(0)
}

/// `void bpf_local_irq_save(unsigned long *flags)`: interrupts were on.
pub(super) fn irq_save(call: &mut Call<'_>) -> Answer {
    /// `X86_EFLAGS_IF`, and the bit that is always set.
    const ON: u64 = 0x202;
    let flags = call.arg(1);
    call.machine.space.store(flags, ON.to_le_bytes())?;
    Ok(0)
}

/// `void bpf_local_irq_restore(unsigned long *flags)`
pub(super) fn irq_restore(call: &mut Call<'_>) -> Answer {
    call.readable(1, 8)?;
    Ok(0)
}
