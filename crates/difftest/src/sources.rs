//! Where programs get values from that no party controls.

use abi::Program;
use isa::{CallTarget, Code, Insn};

/// Helpers that read time.
const CLOCKS: &[&str] = &[
    "bpf_ktime_get_ns",
    "bpf_ktime_get_boot_ns",
    "bpf_ktime_get_coarse_ns",
    "bpf_ktime_get_tai_ns",
    "bpf_jiffies64",
];

/// Helpers that answer from chance, from secrets, or from who is asking.
const OTHERS: &[&str] = &[
    "bpf_get_prandom_u32",
    "bpf_perf_event_read",
    "bpf_perf_event_read_value",
    "bpf_get_current_task",
    "bpf_get_current_task_btf",
    "bpf_get_current_pid_tgid",
    "bpf_get_current_uid_gid",
    "bpf_get_current_comm",
    "bpf_get_current_cgroup_id",
    "bpf_get_current_ancestor_cgroup_id",
    "bpf_get_ns_current_pid_tgid",
    "bpf_get_stackid",
    "bpf_tcp_gen_syncookie",
    "bpf_tcp_check_syncookie",
    "bpf_tcp_raw_gen_syncookie_ipv4",
    "bpf_tcp_raw_gen_syncookie_ipv6",
    "bpf_tcp_raw_check_syncookie_ipv4",
    "bpf_tcp_raw_check_syncookie_ipv6",
];

/// The helpers of this kind that programs call, each once, in the order of the
/// lists.
pub fn of<'a>(programs: impl IntoIterator<Item = &'a Program>) -> Vec<&'static str> {
    let called: Vec<&str> = programs.into_iter().flat_map(helpers).collect();
    let all = CLOCKS.iter().chain(OTHERS).copied();
    all.filter(|name| called.contains(name)).collect()
}

/// Whether a helper reads time.
pub fn is_clock(name: &str) -> bool {
    CLOCKS.contains(&name)
}

pub(crate) fn helpers(program: &Program) -> impl Iterator<Item = &'static str> {
    let code = Code::new(program.code.clone());
    let ids: Vec<i32> = code
        .iter()
        .filter_map(|(_, insn)| match insn {
            Insn::Call {
                target: CallTarget::Helper(id),
            } => Some(id),
            _ => None,
        })
        .collect();
    ids.into_iter()
        .filter_map(|id| abi::helpers::by_id(u32::try_from(id).ok()?))
        .map(|helper| helper.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_a_helper() {
        for name in CLOCKS.iter().chain(OTHERS) {
            assert!(abi::helpers::by_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn sources_of_a_program() {
        let code = isa::asm::assemble("call 5\ncall 8\nr0 = 0\nexit").unwrap();
        let subject = crate::Subject::xdp("clock", code.slots().to_vec(), Vec::new());
        assert_eq!(of(&subject.programs), ["bpf_ktime_get_ns"]);
    }
}
