// SPDX-License-Identifier: MIT OR Apache-2.0
// A map that does not say what type it is.
#include "bpf_helpers.h"
#include "xdp.h"

struct {
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} untyped SEC(".maps");

SEC("xdp")
int map_without_type(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&untyped, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
