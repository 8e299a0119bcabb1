// SPDX-License-Identifier: MIT OR Apache-2.0
// Destination NAT for TCP and UDP over IPv4: rewrites address and port as a
// table says and updates both checksums by difference (bpf_csum_diff).
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct service {
	__be32 addr;
	__be16 port;
	__u16 protocol;
};

struct backend {
	__be32 addr;
	__be16 port;
	__u16 pad;
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, struct service);
	__type(value, struct backend);
} services SEC(".maps");

static __always_inline __sum16 csum_apply(__sum16 check, __s64 diff)
{
	return csum_fold((__u64)(__u16)~check + (__u32)diff);
}

SEC("xdp")
int nat(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__be16 *port, *check;
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || (ip->frag_off & bpf_htons(0x3fff)))
		return XDP_PASS;

	if (ip->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = PULL(&c, struct tcphdr);
		if (!tcp)
			return XDP_DROP;
		port = &tcp->dest;
		check = &tcp->check;
	} else if (ip->protocol == IPPROTO_UDP) {
		struct udphdr *udp = PULL(&c, struct udphdr);
		if (!udp)
			return XDP_DROP;
		port = &udp->dest;
		check = &udp->check;
	} else {
		return XDP_PASS;
	}

	struct service key = { ip->daddr, *port, ip->protocol };
	struct backend *to = bpf_map_lookup_elem(&services, &key);
	if (!to)
		return XDP_PASS;

	__be32 from_words[2] = { ip->daddr, *port };
	__be32 to_words[2] = { to->addr, to->port };
	__s64 l3 = bpf_csum_diff(from_words, 4, to_words, 4, 0);
	__s64 l4 = bpf_csum_diff(from_words, 8, to_words, 8, 0);

	ip->daddr = to->addr;
	ip->check = csum_apply(ip->check, l3);
	*port = to->port;
	// A UDP checksum of zero means none.
	if (ip->protocol == IPPROTO_TCP || *check)
		*check = csum_apply(*check, l4);
	__sync_fetch_and_add(&to->packets, 1);
	return XDP_TX;
}

LICENSE("Dual MIT/GPL");
