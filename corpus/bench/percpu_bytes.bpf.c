// SPDX-License-Identifier: MIT OR Apache-2.0
// How often each byte occurs in a packet's first 32, in an array for each CPU: 32
// look-ups, for one takes less than can be measured.
#include "counter.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

SEC("xdp") int percpu_bytes(struct xdp_md *ctx)
{
	__u8 *data = xdp_data(ctx);

	if ((void *)(data + 32) > xdp_data_end(ctx))
		return XDP_DROP;
	COUNT_BYTES(&counters, data, 32)
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
