// SPDX-License-Identifier: MIT OR Apache-2.0
// A look-up may find nothing: its result is tested for NULL before it is used.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

SEC("xdp")
int wrong(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	__u64 *count = bpf_map_lookup_elem(&packets, &queue);

	*count += 1;
	return XDP_PASS;
}

SEC("xdp")
int right(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	__u64 *count = bpf_map_lookup_elem(&packets, &queue);

	if (count)
		*count += 1;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
