// SPDX-License-Identifier: MIT OR Apache-2.0
// A counter for each network, found by the longest prefix.
#include "counter.h"

struct prefix {
	__u32 len;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__type(key, struct prefix);
	__type(value, struct counter);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} networks SEC(".maps");

SEC("xdp") int lpm_count(struct xdp_md *ctx)
{
	__u8 *data = xdp_data(ctx);

	if ((void *)(data + 34) > xdp_data_end(ctx))
		return XDP_DROP;
	struct prefix prefix = { 32, *(__be32 *)(data + 26) };

	return count(bpf_map_lookup_elem(&networks, &prefix), ctx);
}

LICENSE("Dual MIT/GPL");
