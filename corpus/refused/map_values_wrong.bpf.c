// SPDX-License-Identifier: MIT OR Apache-2.0
// A program array that is filled with a map.
#include "bpf_helpers.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} not_a_program SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} steps SEC(".maps") = {
	.values = { [0] = (void *)&not_a_program },
};

SEC("xdp")
int map_values_wrong(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &steps, 0);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
