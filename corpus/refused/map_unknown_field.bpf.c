// SPDX-License-Identifier: MIT OR Apache-2.0
// A map definition with a field that no loader knows.
#include "bpf_helpers.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(colour, 7);
} painted SEC(".maps");

SEC("xdp")
int map_unknown_field(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&painted, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
