// SPDX-License-Identifier: MIT OR Apache-2.0
// A map whose key has one size by its type and another by its number.
#include "bpf_helpers.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(key_size, 8);
	__type(value, __u64);
} torn SEC(".maps");

SEC("xdp")
int map_key_conflict(struct xdp_md *ctx)
{
	__u64 key = 0;

	return bpf_map_lookup_elem(&torn, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
