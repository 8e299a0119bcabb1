// SPDX-License-Identifier: MIT OR Apache-2.0
// Drops packets from networks on a list, by longest prefix, IPv4 and IPv6; an
// entry may also be an exception within a larger network. Counts per entry.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct prefix4 {
	__u32 prefixlen;
	__u8 addr[4];
};

struct prefix6 {
	__u32 prefixlen;
	__u8 addr[16];
};

struct verdict {
	__u32 drop;
	__u32 pad;
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, struct verdict);
} networks4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, struct verdict);
} networks6 SEC(".maps");

static __always_inline int decide(struct verdict *verdict)
{
	if (!verdict)
		return XDP_PASS;
	__sync_fetch_and_add(&verdict->packets, 1);
	return verdict->drop ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int blocklist(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	int proto = pull_eth(&c, &eth);

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = pull_ip(&c);
		if (!ip)
			return XDP_DROP;
		struct prefix4 key = { .prefixlen = 32 };
		__builtin_memcpy(key.addr, &ip->saddr, 4);
		return decide(bpf_map_lookup_elem(&networks4, &key));
	}
	if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = pull_ip6(&c);
		if (!ip6)
			return XDP_DROP;
		struct prefix6 key = { .prefixlen = 128 };
		__builtin_memcpy(key.addr, &ip6->saddr, 16);
		return decide(bpf_map_lookup_elem(&networks6, &key));
	}
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
