// SPDX-License-Identifier: MIT OR Apache-2.0
// Other judgements for the filter in policy.bpf.c: right ones with a map and a
// function of their own, and some that Linux would not take.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct seen {
	__u32 from;
	__u32 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} refused SEC(".maps");

static __noinline int private_net(__u32 address)
{
	return address >> 24 == 10;
}

SEC("freplace/policy")
int strict(struct xdp_md *ctx, struct seen *seen)
{
	__u64 one = 1, *count;
	__u32 from;

	if (!seen)
		return XDP_ABORTED;
	if (private_net(seen->from))
		return XDP_PASS;
	from = seen->from;
	count = bpf_map_lookup_elem(&refused, &from);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&refused, &from, &one, BPF_ANY);
	return XDP_DROP;
}

SEC("freplace/filter")
int reflect(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("?freplace/policy")
int too_few(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("?freplace/policy")
int another_type(struct xdp_md *ctx, struct ethhdr *seen)
{
	return XDP_DROP;
}

SEC("?freplace/policy")
int unchecked(struct xdp_md *ctx, struct seen *seen)
{
	return seen->bytes;
}

LICENSE("Dual MIT/GPL");
