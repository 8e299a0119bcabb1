//! Helpers that are not the same to all who call them: other arguments by
//! program type, and what else a call asks of the program.

use super::Arg::{self, *};
use super::Helper;
use crate::{AttachType, Flavor, ProgType};

/// Helpers that take pointers into the packet (measured on Linux 6.18, a call
/// each). Programs of type `cgroup_sockopt` may hand their buffer to all.
const TAKES_PACKET: &[u32] = &[
    1, 2, 3, 28, 84, 85, 87, 99, 100, 110, 195, 204, 205, 206, 207,
];

impl Helper {
    /// What it takes from programs of this type.
    pub fn args_in(&self, prog_type: ProgType) -> &'static [Arg] {
        use ProgType::*;
        match (self.name, prog_type) {
            (
                "bpf_get_cgroup_classid",
                SchedCls | SchedAct | LwtIn | LwtOut | LwtXmit | LwtSeg6local,
            ) => &[Ctx],
            ("bpf_get_socket_cookie", SkReuseport | Tracing | Syscall) => &[SockCommonBtfOrNull],
            ("bpf_setsockopt", CgroupSockopt | Tracing | StructOps) => {
                &[SockCommonBtf, Any, Any, Mem, Size]
            }
            ("bpf_getsockopt", CgroupSockopt | Tracing | StructOps) => {
                &[SockCommonBtf, Any, Any, MemWrite, Size]
            }
            ("bpf_sk_storage_get", CgroupSock) => &[MapPtr, Ctx, OptMapValue, Any],
            ("bpf_sk_assign", SkLookup) => &[Ctx, SockOrNull, Any],
            ("bpf_xdp_get_buff_len", Tracing | Syscall) => &[Btf],
            _ => self.args,
        }
    }

    /// How many of r1 to r5 it may read: its arguments, the numbers that
    /// `bpf_trace_printk` takes behind its format, and the flags of
    /// `bpf_get_branch_snapshot`, of which Linux's verifier is not told.
    pub fn registers(&self) -> usize {
        match self.name {
            "bpf_trace_printk" => 5,
            "bpf_get_branch_snapshot" => 3,
            _ => self.args.len(),
        }
    }

    /// Whether it takes pointers into the packet.
    pub fn takes_packet(&self) -> bool {
        TAKES_PACKET.contains(&self.id)
    }

    /// Whether programs of this flavor have it in their list and may not call it
    /// all the same ("helper call is not allowed in probe", `EINVAL`).
    pub fn is_barred_in(&self, flavor: &Flavor) -> bool {
        let raw_tp = flavor.attach_type == Some(AttachType::TraceRawTp);
        let syscall = flavor.prog_type == ProgType::Syscall;
        match self.name {
            "bpf_sk_storage_get" | "bpf_sk_storage_delete" => syscall,
            "bpf_d_path" => syscall || raw_tp,
            _ => false,
        }
    }

    /// The kernel structure that its `Btf` argument must point to.
    pub fn kernel_type(&self) -> Option<&'static str> {
        let name = match self.name {
            "bpf_skb_output" => "sk_buff",
            "bpf_tcp_send_ack" => "tcp_sock",
            "bpf_xdp_output" | "bpf_xdp_get_buff_len" => "xdp_buff",
            "bpf_seq_printf" | "bpf_seq_write" | "bpf_seq_printf_btf" => "seq_file",
            "bpf_get_task_stack"
            | "bpf_task_storage_get"
            | "bpf_task_storage_delete"
            | "bpf_task_pt_regs"
            | "bpf_find_vma"
            | "bpf_copy_from_user_task" => "task_struct",
            "bpf_d_path" => "path",
            "bpf_sock_from_file" => "file",
            "bpf_cgrp_storage_get" | "bpf_cgrp_storage_delete" => "cgroup",
            _ => return None,
        };
        Some(name)
    }
}
