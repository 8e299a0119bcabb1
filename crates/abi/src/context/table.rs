//! The rows: one table for each context that Linux 6.18 hands to programs.
//!
//! Measured (`corpus/facts/linux-6.18/context.json`; a test compares). There
//! every offset near the structure was asked; that programs of tracepoints may
//! read anything aligned below zero and up to 8192, and `syscall` programs up to
//! 65535, was asked of the same kernel besides.

use super::Gives::*;
use super::{Context, Structure, at, every, load, run, store};

/// `socket_filter`.
pub(crate) static SOCKET_FILTER: Context = Context {
    structure: Some(&SK_BUFF),
    loads: &[
        load(
            1,
            Scalar,
            &[run(0, 71), run(84, 87), run(164, 167), run(176, 179)],
        ),
        load(
            2,
            Scalar,
            &[
                every(2, 0, 70),
                at(84),
                at(86),
                at(164),
                at(166),
                at(176),
                at(178),
            ],
        ),
        load(4, Scalar, &[every(4, 0, 68), at(84), at(164), at(176)]),
        load(8, Scalar, &[at(48), at(56)]),
        load(8, SockCommonOrNull, &[at(168)]),
    ],
    stores: &[
        store(1, &[run(48, 67)]),
        store(2, &[every(2, 48, 66)]),
        store(4, &[every(4, 48, 64)]),
        store(8, &[at(48), at(56)]),
    ],
};

/// `kprobe`, `kprobe/trace_kprobe_multi`, `kprobe/trace_uprobe_multi`,
/// `kprobe/trace_uprobe_multi.s`, `kprobe/trace_kprobe_session`,
/// `kprobe/trace_uprobe_session`.
pub(crate) static KPROBE: Context = Context {
    structure: Some(&PT_REGS),
    loads: &[
        load(1, Scalar, &[run(0, 167)]),
        load(2, Scalar, &[every(2, 0, 166)]),
        load(4, Scalar, &[every(4, 0, 164)]),
        load(8, Scalar, &[every(8, 0, 160)]),
    ],
    stores: &[],
};

/// `sched_cls`, `sched_cls/tcx_ingress`, `sched_cls/tcx_egress`,
/// `sched_cls/netkit_primary`, `sched_cls/netkit_peer`, `sched_act`.
pub(crate) static TC: Context = Context {
    structure: Some(&SK_BUFF),
    loads: &[
        load(
            1,
            Scalar,
            &[run(0, 75), run(84, 87), run(160, 167), run(176, 180)],
        ),
        load(
            2,
            Scalar,
            &[
                every(2, 0, 74),
                at(84),
                at(86),
                every(2, 160, 166),
                at(176),
                at(178),
            ],
        ),
        load(4, Packet, &[at(76)]),
        load(4, PacketEnd, &[at(80)]),
        load(4, PacketMeta, &[at(140)]),
        load(
            4,
            Scalar,
            &[every(4, 0, 72), at(84), at(160), at(164), at(176)],
        ),
        load(8, Scalar, &[at(48), at(56), at(152), at(184)]),
        load(8, SockCommonOrNull, &[at(168)]),
    ],
    stores: &[
        store(1, &[run(48, 67)]),
        store(2, &[every(2, 48, 66)]),
        store(4, &[at(8), at(12), at(32), every(4, 44, 64), at(72)]),
        store(8, &[at(48), at(56), at(152)]),
    ],
};

/// `tracepoint`.
pub(crate) static TRACEPOINT: Context = Context {
    structure: None,
    loads: &[
        load(1, Scalar, &[run(-32768, -1), run(8, 8191)]),
        load(2, Scalar, &[every(2, -32768, -2), every(2, 8, 8190)]),
        load(4, Scalar, &[every(4, -32768, -4), every(4, 8, 8188)]),
        load(8, Scalar, &[every(8, -32768, -8), every(8, 8, 8184)]),
    ],
    stores: &[],
};

/// `xdp`, `xdp.frags`, `xdp/xdp_cpumap`, `xdp/xdp`.
pub(crate) static XDP: Context = Context {
    structure: Some(&XDP_MD),
    loads: &[
        load(4, Packet, &[at(0)]),
        load(4, PacketEnd, &[at(4)]),
        load(4, PacketMeta, &[at(8)]),
        load(4, Scalar, &[at(12), at(16)]),
    ],
    stores: &[],
};

/// `xdp/xdp_devmap`.
pub(crate) static XDP_DEVMAP: Context = Context {
    structure: Some(&XDP_MD),
    loads: &[
        load(4, Packet, &[at(0)]),
        load(4, PacketEnd, &[at(4)]),
        load(4, PacketMeta, &[at(8)]),
        load(4, Scalar, &[every(4, 12, 20)]),
    ],
    stores: &[],
};

/// `perf_event`.
pub(crate) static PERF_EVENT: Context = Context {
    structure: Some(&BPF_PERF_EVENT_DATA),
    loads: &[
        load(1, Scalar, &[run(168, 183)]),
        load(2, Scalar, &[every(2, 168, 182)]),
        load(4, Scalar, &[every(4, 168, 180)]),
        load(8, Scalar, &[every(8, 0, 176)]),
    ],
    stores: &[],
};

/// `cgroup_skb/cgroup_inet_ingress`, `cgroup_skb/cgroup_inet_egress`.
pub(crate) static CGROUP_SKB: Context = Context {
    structure: Some(&SK_BUFF),
    loads: &[
        load(
            1,
            Scalar,
            &[
                run(0, 71),
                run(84, 91),
                run(132, 139),
                run(164, 167),
                run(176, 179),
            ],
        ),
        load(
            2,
            Scalar,
            &[
                every(2, 0, 70),
                every(2, 84, 90),
                every(2, 132, 138),
                at(164),
                at(166),
                at(176),
                at(178),
            ],
        ),
        load(4, Packet, &[at(76)]),
        load(4, PacketEnd, &[at(80)]),
        load(
            4,
            Scalar,
            &[every(4, 0, 68), every(4, 84, 136), at(164), at(176)],
        ),
        load(8, Scalar, &[at(48), at(56), at(152), at(184)]),
        load(8, SockCommonOrNull, &[at(168)]),
    ],
    stores: &[
        store(1, &[run(48, 67)]),
        store(2, &[every(2, 48, 66)]),
        store(4, &[at(8), at(32), every(4, 48, 64)]),
        store(8, &[at(48), at(56), at(152)]),
    ],
};

/// `cgroup_sock/cgroup_inet_sock_create`, `cgroup_sock/cgroup_inet_sock_release`.
pub(crate) static CGROUP_SOCK: Context = Context {
    structure: Some(&BPF_SOCK),
    loads: &[
        load(
            1,
            Scalar,
            &[every(4, 4, 12), run(48, 49), run(52, 72), at(76)],
        ),
        load(
            2,
            Scalar,
            &[every(4, 4, 12), at(48), every(2, 52, 72), at(76)],
        ),
        load(4, Scalar, &[every(4, 0, 20), every(4, 48, 76)]),
    ],
    stores: &[store(4, &[at(0), at(16), at(20)])],
};

/// `cgroup_sock/cgroup_inet4_post_bind`.
pub(crate) static CGROUP_POST_BIND4: Context = Context {
    structure: Some(&BPF_SOCK),
    loads: &[
        load(
            1,
            Scalar,
            &[
                every(4, 4, 12),
                run(24, 27),
                at(44),
                run(48, 49),
                run(52, 72),
                at(76),
            ],
        ),
        load(
            2,
            Scalar,
            &[
                every(4, 4, 12),
                at(24),
                at(26),
                every(4, 44, 52),
                every(2, 54, 72),
                at(76),
            ],
        ),
        load(4, Scalar, &[every(4, 4, 12), at(24), every(4, 44, 76)]),
    ],
    stores: &[],
};

/// `cgroup_sock/cgroup_inet6_post_bind`.
pub(crate) static CGROUP_POST_BIND6: Context = Context {
    structure: Some(&BPF_SOCK),
    loads: &[
        load(
            1,
            Scalar,
            &[
                every(4, 4, 12),
                run(28, 44),
                run(48, 49),
                run(52, 72),
                at(76),
            ],
        ),
        load(
            2,
            Scalar,
            &[
                every(4, 4, 12),
                every(2, 28, 44),
                at(48),
                every(2, 52, 72),
                at(76),
            ],
        ),
        load(4, Scalar, &[every(4, 4, 12), every(4, 28, 76)]),
    ],
    stores: &[],
};

/// `lwt_in`, `lwt_out`, `lwt_xmit`, `lwt_seg6local`.
pub(crate) static LWT: Context = Context {
    structure: Some(&SK_BUFF),
    loads: &[
        load(
            1,
            Scalar,
            &[run(0, 71), run(84, 87), run(164, 167), run(176, 179)],
        ),
        load(
            2,
            Scalar,
            &[
                every(2, 0, 70),
                at(84),
                at(86),
                at(164),
                at(166),
                at(176),
                at(178),
            ],
        ),
        load(4, Packet, &[at(76)]),
        load(4, PacketEnd, &[at(80)]),
        load(4, Scalar, &[every(4, 0, 68), at(84), at(164), at(176)]),
        load(8, Scalar, &[at(48), at(56)]),
        load(8, SockCommonOrNull, &[at(168)]),
    ],
    stores: &[
        store(1, &[run(48, 67)]),
        store(2, &[every(2, 48, 66)]),
        store(4, &[at(8), at(32), every(4, 48, 64)]),
        store(8, &[at(48), at(56)]),
    ],
};

/// `sock_ops/cgroup_sock_ops`.
pub(crate) static SOCK_OPS: Context = Context {
    structure: Some(&BPF_SOCK_OPS),
    loads: &[
        load(1, Scalar, &[at(212)]),
        load(2, Scalar, &[at(212)]),
        load(4, Scalar, &[every(4, 0, 164), at(208), at(212)]),
        load(8, Packet, &[at(192)]),
        load(8, PacketEnd, &[at(200)]),
        load(8, Scalar, &[at(168), at(176), at(216)]),
        load(8, SockOrNull, &[at(184)]),
    ],
    stores: &[store(4, &[at(4), at(164)])],
};

/// `sk_skb`, `sk_skb/sk_skb_stream_parser`, `sk_skb/sk_skb_stream_verdict`,
/// `sk_skb/sk_skb_verdict`.
pub(crate) static SK_SKB: Context = Context {
    structure: Some(&SK_BUFF),
    loads: &[
        load(
            1,
            Scalar,
            &[
                run(0, 7),
                run(12, 71),
                run(84, 91),
                run(132, 139),
                run(164, 167),
                run(176, 179),
            ],
        ),
        load(
            2,
            Scalar,
            &[
                every(2, 0, 6),
                every(2, 12, 70),
                every(2, 84, 90),
                every(2, 132, 138),
                at(164),
                at(166),
                at(176),
                at(178),
            ],
        ),
        load(4, Packet, &[at(76)]),
        load(4, PacketEnd, &[at(80)]),
        load(
            4,
            Scalar,
            &[
                at(0),
                at(4),
                every(4, 12, 68),
                every(4, 84, 136),
                at(164),
                at(176),
            ],
        ),
        load(8, Scalar, &[at(48), at(56)]),
        load(8, SockCommonOrNull, &[at(168)]),
    ],
    stores: &[store(4, &[at(32), at(44)])],
};

/// `cgroup_device/cgroup_device`.
pub(crate) static CGROUP_DEVICE: Context = Context {
    structure: Some(&BPF_CGROUP_DEV_CTX),
    loads: &[
        load(1, Scalar, &[run(0, 3)]),
        load(2, Scalar, &[at(0), at(2)]),
        load(4, Scalar, &[every(4, 0, 8)]),
    ],
    stores: &[],
};

/// `sk_msg/sk_msg_verdict`.
pub(crate) static SK_MSG: Context = Context {
    structure: Some(&SK_MSG_MD),
    loads: &[
        load(4, Scalar, &[every(4, 16, 68)]),
        load(8, Packet, &[at(0)]),
        load(8, PacketEnd, &[at(8)]),
        load(8, Sock, &[at(72)]),
    ],
    stores: &[],
};

/// `raw_tracepoint`.
pub(crate) static RAW_TRACEPOINT: Context = Context {
    structure: None,
    loads: &[
        load(1, Scalar, &[run(0, 95)]),
        load(2, Scalar, &[every(2, 0, 94)]),
        load(4, Scalar, &[every(4, 0, 92)]),
        load(8, Scalar, &[every(8, 0, 88)]),
    ],
    stores: &[],
};

/// `cgroup_sock_addr/cgroup_inet4_bind`, `cgroup_sock_addr/cgroup_inet4_connect`,
/// `cgroup_sock_addr/cgroup_udp4_recvmsg`, `cgroup_sock_addr/cgroup_inet4_getpeername`,
/// `cgroup_sock_addr/cgroup_inet4_getsockname`.
pub(crate) static SOCK_ADDR4: Context = Context {
    structure: Some(&BPF_SOCK_ADDR),
    loads: &[
        load(1, Scalar, &[run(4, 7), run(24, 27)]),
        load(2, Scalar, &[at(4), at(6), at(24), at(26)]),
        load(4, Scalar, &[at(0), at(4), every(4, 24, 36)]),
        load(8, Sock, &[at(64)]),
    ],
    stores: &[store(4, &[at(4), at(24)])],
};

/// `cgroup_sock_addr/cgroup_inet6_bind`, `cgroup_sock_addr/cgroup_inet6_connect`,
/// `cgroup_sock_addr/cgroup_udp6_recvmsg`, `cgroup_sock_addr/cgroup_inet6_getpeername`,
/// `cgroup_sock_addr/cgroup_inet6_getsockname`.
pub(crate) static SOCK_ADDR6: Context = Context {
    structure: Some(&BPF_SOCK_ADDR),
    loads: &[
        load(1, Scalar, &[run(8, 27)]),
        load(2, Scalar, &[every(2, 8, 26)]),
        load(4, Scalar, &[at(0), every(4, 8, 36)]),
        load(8, Scalar, &[at(8), at(16)]),
        load(8, Sock, &[at(64)]),
    ],
    stores: &[store(4, &[every(4, 8, 24)]), store(8, &[at(8), at(16)])],
};

/// `cgroup_sock_addr/cgroup_udp4_sendmsg`.
pub(crate) static SOCK_ADDR4_SENDMSG: Context = Context {
    structure: Some(&BPF_SOCK_ADDR),
    loads: &[
        load(1, Scalar, &[run(4, 7), run(24, 27), run(40, 43)]),
        load(2, Scalar, &[at(4), at(6), at(24), at(26), at(40), at(42)]),
        load(4, Scalar, &[at(0), at(4), every(4, 24, 40)]),
        load(8, Sock, &[at(64)]),
    ],
    stores: &[store(4, &[at(4), at(24), at(40)])],
};

/// `cgroup_sock_addr/cgroup_udp6_sendmsg`.
pub(crate) static SOCK_ADDR6_SENDMSG: Context = Context {
    structure: Some(&BPF_SOCK_ADDR),
    loads: &[
        load(1, Scalar, &[run(8, 27), run(44, 59)]),
        load(2, Scalar, &[every(2, 8, 26), every(2, 44, 58)]),
        load(4, Scalar, &[at(0), every(4, 8, 36), every(4, 44, 56)]),
        load(8, Scalar, &[at(8), at(16), at(48)]),
        load(8, Sock, &[at(64)]),
    ],
    stores: &[
        store(4, &[every(4, 8, 24), every(4, 44, 56)]),
        store(8, &[at(8), at(16), at(48)]),
    ],
};

/// `cgroup_sock_addr/cgroup_unix_connect`, `cgroup_sock_addr/cgroup_unix_sendmsg`,
/// `cgroup_sock_addr/cgroup_unix_recvmsg`, `cgroup_sock_addr/cgroup_unix_getpeername`,
/// `cgroup_sock_addr/cgroup_unix_getsockname`.
pub(crate) static SOCK_ADDR_UNIX: Context = Context {
    structure: Some(&BPF_SOCK_ADDR),
    loads: &[
        load(1, Scalar, &[run(24, 27)]),
        load(2, Scalar, &[at(24), at(26)]),
        load(4, Scalar, &[at(0), every(4, 24, 36)]),
        load(8, Sock, &[at(64)]),
    ],
    stores: &[store(4, &[at(24)])],
};

/// `sk_reuseport/sk_reuseport_select`, `sk_reuseport/sk_reuseport_select_or_migrate`.
pub(crate) static SK_REUSEPORT: Context = Context {
    structure: Some(&SK_REUSEPORT_MD),
    loads: &[
        load(1, Scalar, &[run(16, 19), run(24, 31)]),
        load(2, Scalar, &[every(2, 16, 30)]),
        load(4, Scalar, &[every(4, 16, 32)]),
        load(8, Packet, &[at(0)]),
        load(8, PacketEnd, &[at(8)]),
        load(8, Sock, &[at(40)]),
        load(8, SockCommonOrNull, &[at(48)]),
    ],
    stores: &[],
};

/// `flow_dissector/flow_dissector`.
pub(crate) static FLOW_DISSECTOR: Context = Context {
    structure: Some(&SK_BUFF),
    loads: &[
        load(4, Packet, &[at(76)]),
        load(4, PacketEnd, &[at(80)]),
        load(8, FlowKeys, &[at(144)]),
    ],
    stores: &[],
};

/// `cgroup_sysctl/cgroup_sysctl`.
pub(crate) static CGROUP_SYSCTL: Context = Context {
    structure: Some(&BPF_SYSCTL),
    loads: &[
        load(1, Scalar, &[run(0, 7)]),
        load(2, Scalar, &[every(2, 0, 6)]),
        load(4, Scalar, &[at(0), at(4)]),
    ],
    stores: &[store(4, &[at(4)])],
};

/// `raw_tracepoint_writable`.
pub(crate) static RAW_TRACEPOINT_WRITABLE: Context = Context {
    structure: None,
    loads: &[
        load(1, Scalar, &[run(1, 95)]),
        load(2, Scalar, &[every(2, 2, 94)]),
        load(4, Scalar, &[every(4, 4, 92)]),
        load(8, Scalar, &[every(8, 8, 88)]),
        load(8, TpBuffer, &[at(0)]),
    ],
    stores: &[],
};

/// `cgroup_sockopt/cgroup_getsockopt`.
pub(crate) static GETSOCKOPT: Context = Context {
    structure: Some(&BPF_SOCKOPT),
    loads: &[
        load(4, Scalar, &[every(4, 24, 36)]),
        load(8, Packet, &[at(8)]),
        load(8, PacketEnd, &[at(16)]),
        load(8, Sock, &[at(0)]),
    ],
    stores: &[store(4, &[at(32), at(36)])],
};

/// `cgroup_sockopt/cgroup_setsockopt`.
pub(crate) static SETSOCKOPT: Context = Context {
    structure: Some(&BPF_SOCKOPT),
    loads: &[
        load(4, Scalar, &[every(4, 24, 32)]),
        load(8, Packet, &[at(8)]),
        load(8, PacketEnd, &[at(16)]),
        load(8, Sock, &[at(0)]),
    ],
    stores: &[store(4, &[every(4, 24, 32)])],
};

/// `tracing/trace_raw_tp:sched_switch`.
pub(crate) static TP_BTF_SCHED_SWITCH: Context = Context {
    structure: None,
    loads: &[
        load(1, Scalar, &[at(0), at(24)]),
        load(2, Scalar, &[at(0), at(24)]),
        load(4, Scalar, &[at(0), at(24)]),
        load(8, Scalar, &[at(0), at(24)]),
        load(8, Kernel("task_struct"), &[at(8), at(16)]),
    ],
    stores: &[],
};

/// `tracing/trace_iter:task`, `tracing/trace_iter.s:task`.
pub(crate) static ITER_TASK: Context = Context {
    structure: None,
    loads: &[
        load(8, Kernel("bpf_iter_meta"), &[at(0)]),
        load(8, KernelOrNull("task_struct"), &[at(8)]),
    ],
    stores: &[],
};

/// `tracing/trace_iter:tcp`.
pub(crate) static ITER_TCP: Context = Context {
    structure: None,
    loads: &[
        load(1, Scalar, &[at(16)]),
        load(2, Scalar, &[at(16)]),
        load(4, Scalar, &[at(16)]),
        load(8, Scalar, &[at(16)]),
        load(8, Kernel("bpf_iter_meta"), &[at(0)]),
        load(8, KernelOrNull("sock_common"), &[at(8)]),
    ],
    stores: &[],
};

/// `struct_ops:tcp_congestion_ops.ssthresh`.
pub(crate) static TCP_SSTHRESH: Context = Context {
    structure: None,
    loads: &[load(8, Kernel("tcp_sock"), &[at(0)])],
    stores: &[],
};

/// `struct_ops:bpf_dummy_ops.test_1`.
pub(crate) static DUMMY_TEST_1: Context = Context {
    structure: None,
    loads: &[load(8, KernelOrNull("bpf_dummy_ops_state"), &[at(0)])],
    stores: &[],
};

/// `sk_lookup/sk_lookup`.
pub(crate) static SK_LOOKUP: Context = Context {
    structure: Some(&BPF_SK_LOOKUP),
    loads: &[
        load(1, Scalar, &[run(8, 67)]),
        load(2, Scalar, &[every(2, 8, 66)]),
        load(4, Scalar, &[every(4, 8, 64)]),
        load(8, SockOrNull, &[at(0)]),
    ],
    stores: &[],
};

/// `syscall.s`.
pub(crate) static SYSCALL: Context = Context {
    structure: None,
    loads: &[
        load(1, Scalar, &[run(0, 65534)]),
        load(2, Scalar, &[every(2, 0, 65534)]),
        load(4, Scalar, &[every(4, 0, 65532)]),
        load(8, Scalar, &[every(8, 0, 65528)]),
    ],
    stores: &[
        store(1, &[run(0, 65534)]),
        store(2, &[every(2, 0, 65534)]),
        store(4, &[every(4, 0, 65532)]),
        store(8, &[every(8, 0, 65528)]),
    ],
};

/// `netfilter/netfilter`.
pub(crate) static NETFILTER: Context = Context {
    structure: None,
    loads: &[
        load(8, Kernel("nf_hook_state"), &[at(0)]),
        load(8, Kernel("sk_buff"), &[at(8)]),
    ],
    stores: &[],
};

static SK_BUFF: Structure = Structure {
    name: "__sk_buff",
    size: 192,
    fields: &[
        (0, "len"),
        (4, "pkt_type"),
        (8, "mark"),
        (12, "queue_mapping"),
        (16, "protocol"),
        (20, "vlan_present"),
        (24, "vlan_tci"),
        (28, "vlan_proto"),
        (32, "priority"),
        (36, "ingress_ifindex"),
        (40, "ifindex"),
        (44, "tc_index"),
        (48, "cb"),
        (68, "hash"),
        (72, "tc_classid"),
        (76, "data"),
        (80, "data_end"),
        (84, "napi_id"),
        (88, "family"),
        (92, "remote_ip4"),
        (96, "local_ip4"),
        (100, "remote_ip6"),
        (116, "local_ip6"),
        (132, "remote_port"),
        (136, "local_port"),
        (140, "data_meta"),
        (144, "flow_keys"),
        (152, "tstamp"),
        (160, "wire_len"),
        (164, "gso_segs"),
        (168, "sk"),
        (176, "gso_size"),
        (180, "tstamp_type"),
        (184, "hwtstamp"),
    ],
};

static BPF_CGROUP_DEV_CTX: Structure = Structure {
    name: "bpf_cgroup_dev_ctx",
    size: 12,
    fields: &[(0, "access_type"), (4, "major"), (8, "minor")],
};

static BPF_PERF_EVENT_DATA: Structure = Structure {
    name: "bpf_perf_event_data",
    size: 184,
    fields: &[(0, "regs"), (168, "sample_period"), (176, "addr")],
};

static BPF_SK_LOOKUP: Structure = Structure {
    name: "bpf_sk_lookup",
    size: 72,
    fields: &[
        (0, "cookie"),
        (8, "family"),
        (12, "protocol"),
        (16, "remote_ip4"),
        (20, "remote_ip6"),
        (36, "remote_port"),
        (40, "local_ip4"),
        (44, "local_ip6"),
        (60, "local_port"),
        (64, "ingress_ifindex"),
    ],
};

static BPF_SOCK: Structure = Structure {
    name: "bpf_sock",
    size: 80,
    fields: &[
        (0, "bound_dev_if"),
        (4, "family"),
        (8, "type"),
        (12, "protocol"),
        (16, "mark"),
        (20, "priority"),
        (24, "src_ip4"),
        (28, "src_ip6"),
        (44, "src_port"),
        (48, "dst_port"),
        (52, "dst_ip4"),
        (56, "dst_ip6"),
        (72, "state"),
        (76, "rx_queue_mapping"),
    ],
};

static BPF_SOCK_ADDR: Structure = Structure {
    name: "bpf_sock_addr",
    size: 72,
    fields: &[
        (0, "user_family"),
        (4, "user_ip4"),
        (8, "user_ip6"),
        (24, "user_port"),
        (28, "family"),
        (32, "type"),
        (36, "protocol"),
        (40, "msg_src_ip4"),
        (44, "msg_src_ip6"),
        (64, "sk"),
    ],
};

static BPF_SOCK_OPS: Structure = Structure {
    name: "bpf_sock_ops",
    size: 224,
    fields: &[
        (0, "op"),
        (4, "args"),
        (20, "family"),
        (24, "remote_ip4"),
        (28, "local_ip4"),
        (32, "remote_ip6"),
        (48, "local_ip6"),
        (64, "remote_port"),
        (68, "local_port"),
        (72, "is_fullsock"),
        (76, "snd_cwnd"),
        (80, "srtt_us"),
        (84, "bpf_sock_ops_cb_flags"),
        (88, "state"),
        (92, "rtt_min"),
        (96, "snd_ssthresh"),
        (100, "rcv_nxt"),
        (104, "snd_nxt"),
        (108, "snd_una"),
        (112, "mss_cache"),
        (116, "ecn_flags"),
        (120, "rate_delivered"),
        (124, "rate_interval_us"),
        (128, "packets_out"),
        (132, "retrans_out"),
        (136, "total_retrans"),
        (140, "segs_in"),
        (144, "data_segs_in"),
        (148, "segs_out"),
        (152, "data_segs_out"),
        (156, "lost_out"),
        (160, "sacked_out"),
        (164, "sk_txhash"),
        (168, "bytes_received"),
        (176, "bytes_acked"),
        (184, "sk"),
        (192, "skb_data"),
        (200, "skb_data_end"),
        (208, "skb_len"),
        (212, "skb_tcp_flags"),
        (216, "skb_hwtstamp"),
    ],
};

static BPF_SOCKOPT: Structure = Structure {
    name: "bpf_sockopt",
    size: 40,
    fields: &[
        (0, "sk"),
        (8, "optval"),
        (16, "optval_end"),
        (24, "level"),
        (28, "optname"),
        (32, "optlen"),
        (36, "retval"),
    ],
};

static BPF_SYSCTL: Structure = Structure {
    name: "bpf_sysctl",
    size: 8,
    fields: &[(0, "write"), (4, "file_pos")],
};

static PT_REGS: Structure = Structure {
    name: "pt_regs",
    size: 168,
    fields: &[
        (0, "r15"),
        (8, "r14"),
        (16, "r13"),
        (24, "r12"),
        (32, "bp"),
        (40, "bx"),
        (48, "r11"),
        (56, "r10"),
        (64, "r9"),
        (72, "r8"),
        (80, "ax"),
        (88, "cx"),
        (96, "dx"),
        (104, "si"),
        (112, "di"),
        (120, "orig_ax"),
        (128, "ip"),
        (136, "cs"),
        (144, "flags"),
        (152, "sp"),
        (160, "ss"),
    ],
};

static SK_MSG_MD: Structure = Structure {
    name: "sk_msg_md",
    size: 80,
    fields: &[
        (0, "data"),
        (8, "data_end"),
        (16, "family"),
        (20, "remote_ip4"),
        (24, "local_ip4"),
        (28, "remote_ip6"),
        (44, "local_ip6"),
        (60, "remote_port"),
        (64, "local_port"),
        (68, "size"),
        (72, "sk"),
    ],
};

static SK_REUSEPORT_MD: Structure = Structure {
    name: "sk_reuseport_md",
    size: 56,
    fields: &[
        (0, "data"),
        (8, "data_end"),
        (16, "len"),
        (20, "eth_protocol"),
        (24, "ip_protocol"),
        (28, "bind_inany"),
        (32, "hash"),
        (40, "sk"),
        (48, "migrating_sk"),
    ],
};

static XDP_MD: Structure = Structure {
    name: "xdp_md",
    size: 24,
    fields: &[
        (0, "data"),
        (4, "data_end"),
        (8, "data_meta"),
        (12, "ingress_ifindex"),
        (16, "rx_queue_index"),
        (20, "egress_ifindex"),
    ],
};

/// Tracepoints whose arguments were not asked.
pub(crate) static ARGUMENTS: Context = Context {
    structure: None,
    loads: &[
        load(1, Argument, &[run(0, 95)]),
        load(2, Argument, &[every(2, 0, 94)]),
        load(4, Argument, &[every(4, 0, 92)]),
        load(8, Argument, &[every(8, 0, 88)]),
    ],
    stores: &[],
};
