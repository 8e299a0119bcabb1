// SPDX-License-Identifier: MIT OR Apache-2.0
// The flow of a UDP datagram over IPv6 behind a VLAN tag and up to four extension
// headers. Answers a hash of the flow.
#include "bench.h"
#include "packet.h"

SEC("xdp") int parse_v6vlan(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	struct ipv6hdr *ip6 = pull_ip6(&c);

	if (!ip6)
		return XDP_DROP;
	__u8 next = ip6->nexthdr;

	for (int i = 0; i < 4; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		struct ipv6_opt_hdr *option = PULL(&c, struct ipv6_opt_hdr);

		if (!option)
			return XDP_DROP;
		next = option->nexthdr;
		c.pos += option->hdrlen * 8 + 6;
	}
	if (next != IPPROTO_UDP)
		return XDP_PASS;
	struct udphdr *udp = PULL(&c, struct udphdr);

	if (!udp)
		return XDP_DROP;
	__u32 flow = bpf_ntohs(udp->source) * 31 + bpf_ntohs(udp->dest);

	for (int i = 0; i < 4; i++)
		flow = flow * 31 + (ip6->saddr.u6_addr32[i] ^ ip6->daddr.u6_addr32[i]);
	return flow;
}

LICENSE("Dual MIT/GPL");
