// SPDX-License-Identifier: MIT OR Apache-2.0
// The flow of a TCP segment over IPv4: every check that a filter makes. Answers
// a hash of the flow and the flags.
#include "bench.h"
#include "packet.h"

SEC("xdp") int parse_tcp4(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);

	if (!ip || ip->protocol != IPPROTO_TCP || ip->frag_off & bpf_htons(0x1fff))
		return XDP_PASS;
	struct tcphdr *tcp = pull_tcp(&c);

	if (!tcp)
		return XDP_DROP;
	__u32 ports = (__u32)bpf_ntohs(tcp->source) << 16 | bpf_ntohs(tcp->dest);
	__u32 flow = bpf_ntohl(ip->saddr) * 31 + bpf_ntohl(ip->daddr);

	if (tcp->syn && !tcp->ack)
		flow ^= 1;
	return flow * 31 + ports;
}

LICENSE("Dual MIT/GPL");
