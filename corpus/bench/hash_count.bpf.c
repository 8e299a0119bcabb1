// SPDX-License-Identifier: MIT OR Apache-2.0
// A counter for each flow, in a hash.
#include "counter.h"

struct flow {
	__be32 saddr, daddr;
	__be16 source, dest;
	__u32 protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow);
	__type(value, struct counter);
} flows SEC(".maps");

SEC("xdp") int hash_count(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);

	if (!ip || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	struct tcphdr *tcp = pull_tcp(&c);

	if (!tcp)
		return XDP_DROP;
	struct flow flow = { ip->saddr, ip->daddr, tcp->source, tcp->dest, ip->protocol };

	return count(bpf_map_lookup_elem(&flows, &flow), ctx);
}

LICENSE("Dual MIT/GPL");
