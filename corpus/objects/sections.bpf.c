// SPDX-License-Identifier: MIT OR Apache-2.0
// One program for each of many section names, to try the table that turns names
// into program and attach types. Optional ones (`?`) need more than a privilege
// to load programs.
#include "bpf_helpers.h"
#include "skb.h"
#include "xdp.h"

struct bpf_sock_ops;
struct bpf_sock_addr;
struct sk_msg_md;
struct pt_regs;

#define PROGRAM(section, name, context, value) \
	SEC(section)                           \
	int name(context *ctx)                 \
	{                                      \
		return value;                  \
	}

PROGRAM("xdp.frags", on_xdp_frags, struct xdp_md, XDP_PASS)
PROGRAM("xdp.frags/devmap", on_xdp_frags_devmap, struct xdp_md, XDP_PASS)
PROGRAM("xdp.frags/cpumap", on_xdp_frags_cpumap, struct xdp_md, XDP_PASS)
PROGRAM("tc", on_tc, struct __sk_buff, TC_ACT_OK)
PROGRAM("action", on_action, struct __sk_buff, TC_ACT_OK)
PROGRAM("cgroup_skb/ingress", on_cgroup_ingress, struct __sk_buff, 1)
PROGRAM("cgroup_skb/egress", on_cgroup_egress, struct __sk_buff, 1)
PROGRAM("cgroup/skb", on_cgroup_skb, struct __sk_buff, 1)
PROGRAM("cgroup/sock_create", on_sock_create, void, 1)
PROGRAM("cgroup/connect4", on_connect4, struct bpf_sock_addr, 1)
PROGRAM("cgroup/sendmsg6", on_sendmsg6, struct bpf_sock_addr, 1)
PROGRAM("cgroup/dev", on_cgroup_dev, void, 1)
PROGRAM("sockops", on_sockops, struct bpf_sock_ops, 1)
PROGRAM("sk_skb/stream_parser", on_stream_parser, struct __sk_buff, 0)
PROGRAM("sk_skb/stream_verdict", on_stream_verdict, struct __sk_buff, 1)
PROGRAM("sk_msg", on_sk_msg, struct sk_msg_md, 1)
PROGRAM("sk_lookup", on_sk_lookup, void, 1)
PROGRAM("lwt_in", on_lwt_in, struct __sk_buff, 0)
PROGRAM("lwt_xmit", on_lwt_xmit, struct __sk_buff, 0)
PROGRAM("flow_dissector", on_flow_dissector, struct __sk_buff, 0)
PROGRAM("kprobe/do_nothing", on_kprobe, struct pt_regs, 0)
PROGRAM("uprobe", on_uprobe, struct pt_regs, 0)
PROGRAM("ksyscall/openat", on_ksyscall, struct pt_regs, 0)
PROGRAM("tp/sched/sched_switch", on_tp, void, 0)
PROGRAM("raw_tracepoint/sys_enter", on_raw_tracepoint, void, 0)
PROGRAM("perf_event", on_perf_event, void, 0)
PROGRAM("?fentry/do_unlinkat", on_fentry, __u64, 0)
PROGRAM("?fexit/do_unlinkat", on_fexit, __u64, 0)
PROGRAM("tp_btf/sched_switch", on_tp_btf, __u64, 0)
PROGRAM("?lsm/file_open", on_lsm, __u64, 0)
PROGRAM("?syscall", on_syscall, void, 0)

LICENSE("GPL");
