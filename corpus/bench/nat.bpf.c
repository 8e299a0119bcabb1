// SPDX-License-Identifier: MIT OR Apache-2.0
// Source NAT: address and port are written, both checksums follow by difference.
#include "bench.h"
#include "packet.h"

static __always_inline __sum16 csum_replace4(__sum16 check, __be32 from, __be32 to)
{
	__u64 sum = (__u16)~check + (__u64)(__u32)~from + to;

	return csum_fold(sum);
}

SEC("xdp") int nat(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__be32 address = bpf_htonl(0xc0000201);
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);

	if (!ip || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	struct tcphdr *tcp = pull_tcp(&c);

	if (!tcp)
		return XDP_DROP;
	__be16 port = bpf_htons(1024 + bpf_ntohs(tcp->source) % 60000);

	ip->check = csum_replace4(ip->check, ip->saddr, address);
	tcp->check = csum_replace4(tcp->check, ip->saddr, address);
	tcp->check = csum_replace2(tcp->check, tcp->source, port);
	ip->saddr = address;
	tcp->source = port;
	swap_mac(eth);
	return XDP_TX;
}

LICENSE("Dual MIT/GPL");
