// SPDX-License-Identifier: MIT OR Apache-2.0
// Flow statistics in LRU maps: one shared and one per CPU; direction-independent
// keys, flags and sizes per flow. A table of few entries forgets old flows.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct flow_key {
	struct in6_addr low;
	struct in6_addr high;
	__be16 low_port;
	__be16 high_port;
	__u8 protocol;
	__u8 pad[3];
};

struct flow {
	__u64 packets;
	__u64 bytes;
	__u8 tcp_flags;
	__u8 pad[3];
	__u32 longest;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u8);
	__type(value, __u64);
} protocols SEC(".maps");

static __always_inline int compare(const struct in6_addr *a, const struct in6_addr *b)
{
	for (int i = 0; i < 4; i++)
		if (a->u6_addr32[i] != b->u6_addr32[i])
			return a->u6_addr32[i] < b->u6_addr32[i] ? -1 : 1;
	return 0;
}

SEC("xdp")
int flowtable(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct in6_addr saddr = {}, daddr = {};
	__u32 length = c.end - c.pos;
	__be16 sport = 0, dport = 0;
	struct flow_key key = {};
	struct ethhdr *eth;
	__u8 flags = 0;
	int proto = pull_eth(&c, &eth);

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = pull_ip(&c);
		if (!ip)
			return XDP_DROP;
		saddr.u6_addr32[3] = ip->saddr;
		daddr.u6_addr32[3] = ip->daddr;
		key.protocol = ip->protocol;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = pull_ip6(&c);
		if (!ip6)
			return XDP_DROP;
		saddr = ip6->saddr;
		daddr = ip6->daddr;
		key.protocol = ip6->nexthdr;
	} else {
		return XDP_PASS;
	}
	if (key.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = PULL(&c, struct tcphdr);
		if (tcp) {
			sport = tcp->source;
			dport = tcp->dest;
			flags = ((__u8 *)tcp)[13];
		}
	} else if (key.protocol == IPPROTO_UDP) {
		struct udphdr *udp = PULL(&c, struct udphdr);
		if (udp) {
			sport = udp->source;
			dport = udp->dest;
		}
	}

	int order = compare(&saddr, &daddr);
	bool swap = order > 0 || (order == 0 && sport > dport);
	key.low = swap ? daddr : saddr;
	key.high = swap ? saddr : daddr;
	key.low_port = swap ? dport : sport;
	key.high_port = swap ? sport : dport;

	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	if (flow) {
		__sync_fetch_and_add(&flow->packets, 1);
		__sync_fetch_and_add(&flow->bytes, length);
		flow->tcp_flags |= flags;
		if (length > flow->longest)
			flow->longest = length;
	} else {
		struct flow fresh = { 1, length, flags, {}, length };
		bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST);
	}

	__u64 one = 1, *n = bpf_map_lookup_elem(&protocols, &key.protocol);
	if (n)
		(*n)++;
	else
		bpf_map_update_elem(&protocols, &key.protocol, &one, BPF_ANY);
	return flow ? XDP_PASS : XDP_TX;
}

LICENSE("Dual MIT/GPL");
