//! Where and for whom the program runs: CPU, task, chance.

use abi::Errno;

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

/// `u32 bpf_get_cgroup_classid(void)`
pub(super) fn get_cgroup_classid(call: &mut Call<'_>) -> Answer {
    Ok(u64::from(call.machine.world.task.cgroup_classid))
}

/// `u64 bpf_get_current_ancestor_cgroup_id(int level)`: 0 below its own.
pub(super) fn get_current_ancestor_cgroup_id(call: &mut Call<'_>) -> Answer {
    let level = call.arg32(1) as usize;
    let task = &call.machine.world.task;
    Ok(match level == task.cgroup_ancestors.len() {
        true => task.cgroup_id,
        false => task.cgroup_ancestors.get(level).copied().unwrap_or(0),
    })
}

/// `long bpf_get_ns_current_pid_tgid(u64 dev, u64 ino, nsdata, u32 size)`
pub(super) fn get_ns_current_pid_tgid(call: &mut Call<'_>) -> Answer {
    let size = call.size(4)?;
    let to = call.writable(3, size)?;
    let named = (call.arg(1), call.arg(2));
    let machine = &mut *call.machine;
    let task = &machine.world.task;
    let to = to.bytes_mut(&mut machine.space);
    to.fill(0);
    if size != 8 || task.pid_namespace != Some(named) {
        return Ok(Errno::EINVAL.to_ret());
    }
    to[..4].copy_from_slice(&task.pid.to_le_bytes());
    to[4..].copy_from_slice(&task.tgid.to_le_bytes());
    Ok(0)
}

/// `long bpf_get_branch_snapshot(void *entries, u32 size, u64 flags)`: as on a
/// processor that records no branches.
pub(super) fn get_branch_snapshot(call: &mut Call<'_>) -> Answer {
    let size = call.size(2)?;
    call.writable(1, size)?;
    Ok(match call.arg(3) {
        0 => Errno::ENOENT.to_ret(),
        _ => Errno::EINVAL.to_ret(),
    })
}
