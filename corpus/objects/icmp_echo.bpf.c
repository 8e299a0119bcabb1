// SPDX-License-Identifier: MIT OR Apache-2.0
// Answers ICMP and ICMPv6 echo requests from the driver: swaps the addresses,
// turns the type round, mends the checksum, and sends the packet back.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

__u64 echoes;

static __always_inline void turn(struct icmphdr *icmp, __u8 type)
{
	__be16 before = *(__be16 *)icmp;

	icmp->type = type;
	icmp->checksum = csum_replace2(icmp->checksum, before, *(__be16 *)icmp);
}

SEC("xdp")
int icmp_echo(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct icmphdr *icmp;
	struct ethhdr *eth;
	int proto = pull_eth(&c, &eth);

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = pull_ip(&c);
		if (!ip || ip->protocol != IPPROTO_ICMP || (ip->frag_off & bpf_htons(0x3fff)))
			return XDP_PASS;
		icmp = PULL(&c, struct icmphdr);
		if (!icmp || icmp->type != ICMP_ECHO || icmp->code)
			return XDP_PASS;
		__be32 addr = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = addr;
		turn(icmp, ICMP_ECHOREPLY);
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = pull_ip6(&c);
		if (!ip6 || ip6->nexthdr != IPPROTO_ICMPV6)
			return XDP_PASS;
		icmp = PULL(&c, struct icmphdr);
		if (!icmp || icmp->type != ICMPV6_ECHO_REQUEST || icmp->code)
			return XDP_PASS;
		struct in6_addr addr = ip6->saddr;
		ip6->saddr = ip6->daddr;
		ip6->daddr = addr;
		turn(icmp, ICMPV6_ECHO_REPLY);
	} else {
		return XDP_PASS;
	}
	swap_mac(eth);
	__sync_fetch_and_add(&echoes, 1);
	return XDP_TX;
}

LICENSE("Dual MIT/GPL");
