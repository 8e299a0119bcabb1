// SPDX-License-Identifier: MIT OR Apache-2.0
// A counter for each protocol, in an array for each CPU.
#include "counter.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

SEC("xdp") int percpu_count(struct xdp_md *ctx)
{
	__u8 *data = xdp_data(ctx);

	if ((void *)(data + 34) > xdp_data_end(ctx))
		return XDP_DROP;
	__u32 protocol = data[23];

	return count(bpf_map_lookup_elem(&counters, &protocol), ctx);
}

LICENSE("Dual MIT/GPL");
