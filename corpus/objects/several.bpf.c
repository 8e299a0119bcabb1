// SPDX-License-Identifier: MIT OR Apache-2.0
// Several programs in one object that share a map: three for XDP, one of them
// optional (`?xdp`: not loaded unless asked for), and one for traffic control.
// The map says that it wants to be pinned by name.
#include "bpf_helpers.h"
#include "packet.h"
#include "skb.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} runs SEC(".maps");

static __always_inline void run(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&runs, &which);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	run(0);
	return XDP_PASS;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	run(1);
	return XDP_DROP;
}

SEC("?xdp")
int optional(struct xdp_md *ctx)
{
	run(2);
	return XDP_TX;
}

SEC("tc")
int shaper(struct __sk_buff *skb)
{
	run(3);
	return TC_ACT_OK;
}

LICENSE("Dual MIT/GPL");
