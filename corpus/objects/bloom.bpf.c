// SPDX-License-Identifier: MIT OR Apache-2.0
// Drops the first packet of every source and lets later ones through, as a bloom
// filter remembers them. A filter may take a new source for a known one, never
// the other way round.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 4096);
	__uint(value_size, sizeof(__be32));
	__uint(map_extra, 5); // hash functions
} sources SEC(".maps");

__u64 fresh;

SEC("xdp")
int bloom(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_DROP;
	__be32 source = ip->saddr;
	if (!bpf_map_peek_elem(&sources, &source))
		return XDP_PASS;
	bpf_map_push_elem(&sources, &source, BPF_ANY);
	__sync_fetch_and_add(&fresh, 1);
	return XDP_DROP;
}

LICENSE("Dual MIT/GPL");
