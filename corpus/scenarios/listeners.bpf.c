// SPDX-License-Identifier: MIT OR Apache-2.0
// Lets a TCP packet through only if a socket of this machine waits for it, and
// counts those for sockets that are marked.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port;
	__be16 dst_port;
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;
	__s32 rx_queue_mapping;
};

enum { TCP_ESTABLISHED = 1 };

__u64 established;
__u64 listening;

SEC("xdp")
int listeners(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sock;
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	struct tcphdr *tcp = pull_tcp(&c);
	if (!tcp)
		return XDP_DROP;
	tuple.ipv4.saddr = ip->saddr;
	tuple.ipv4.daddr = ip->daddr;
	tuple.ipv4.sport = tcp->source;
	tuple.ipv4.dport = tcp->dest;
	sock = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sock)
		return XDP_DROP;
	if (sock->state == TCP_ESTABLISHED)
		established++;
	else
		listening++;
	bpf_sk_release(sock);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
