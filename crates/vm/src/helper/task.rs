//! Where and for whom the program runs: CPU, task, chance.

use super::call::{Answer, Call};

/// Bytes of a task's name with its closing NUL (`TASK_COMM_LEN`).
const COMM_LEN: usize = 16;

/// `u32 bpf_get_prandom_u32(void)`
pub(super) fn get_prandom_u32(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.machine.world.random.next_u32()))
}

/// `u32 bpf_get_smp_processor_id(void)`
pub(super) fn get_smp_processor_id(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.machine.world.cpu.id))
}

/// `long bpf_get_numa_node_id(void)`
pub(super) fn get_numa_node_id(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.machine.world.cpu.numa_node))
}

/// `u64 bpf_get_current_pid_tgid(void)`: process id above thread id.
pub(super) fn get_current_pid_tgid(call: &mut Call<'_>) -> Answer {
    let task = &call.machine.world.task;
    Ok(u64::from(task.tgid) << 32 | u64::from(task.pid))
}

/// `u64 bpf_get_current_uid_gid(void)`: group id above user id.
pub(super) fn get_current_uid_gid(call: &mut Call<'_>) -> Answer {
    let task = &call.machine.world.task;
    Ok(u64::from(task.gid) << 32 | u64::from(task.uid))
}

/// `long bpf_get_current_comm(void *buf, u32 size)`: the name, cut to fit, with
/// NULs up to the end of the buffer.
pub(super) fn get_current_comm(call: &mut Call<'_>) -> Answer {
    let size = call.size(2)?;
    let buffer = call.writable(1, size)?;
    let machine = &mut *call.machine;
    let name = machine.world.task.comm.as_bytes();
    let len = name
        .len()
        .min(COMM_LEN - 1)
        .min((size as usize).saturating_sub(1));
    let (text, rest) = buffer.bytes_mut(&mut machine.space).split_at_mut(len);
    text.copy_from_slice(&name[..len]);
    rest.fill(0);
    Ok(0)
}

/// `u64 bpf_get_current_cgroup_id(void)`
pub(super) fn get_current_cgroup_id(call: &mut Call<'_>) -> Answer {
    Ok(call.machine.world.task.cgroup_id)
}
