// SPDX-License-Identifier: MIT OR Apache-2.0
// Tunnels: makes room in front of the packet (bpf_xdp_adjust_head) and puts an
// outer IPv4 header there, alone (IPIP) or with UDP and GUE; and takes either
// away again.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define GUE_PORT 6080

const volatile __u8 tunnel_source[4] = { 198, 51, 100, 1 };
const volatile __u8 tunnel_destination[4] = { 198, 51, 100, 2 };

struct guehdr {
	__u8 hlen : 5;
	__u8 control : 1;
	__u8 version : 2;
	__u8 protocol;
	__be16 flags;
};

static __always_inline void outer_ip(struct iphdr *ip, __u8 protocol, __u16 length)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(length);
	ip->ttl = 64;
	ip->protocol = protocol;
	ip->saddr = *(const volatile __be32 *)tunnel_source;
	ip->daddr = *(const volatile __be32 *)tunnel_destination;
	ip->check = csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
}

// The IP protocol number of what an untagged frame carries, or -1.
static __always_inline int inner_protocol(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth)
		return -1;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return IPPROTO_IPIP;
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return IPPROTO_IPV6;
	return -1;
}

// Moves the Ethernet header `room` bytes forward; what follows it is free.
static __always_inline void *grow(struct xdp_md *ctx, int room)
{
	if (bpf_xdp_adjust_head(ctx, -room))
		return NULL;
	struct ethhdr *eth = xdp_data(ctx);
	void *old = (void *)eth + room;
	if (old + sizeof(*eth) > xdp_data_end(ctx))
		return NULL;
	__builtin_memmove(eth, old, sizeof(*eth));
	eth->h_proto = bpf_htons(ETH_P_IP);
	return eth + 1;
}

SEC("xdp")
int encap_ipip(struct xdp_md *ctx)
{
	int protocol = inner_protocol(ctx);

	if (protocol < 0)
		return XDP_PASS;
	struct iphdr *ip = grow(ctx, sizeof(*ip));
	if (!ip || (void *)(ip + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	outer_ip(ip, protocol, xdp_data_end(ctx) - (void *)ip);
	return XDP_TX;
}

SEC("xdp")
int encap_gue(struct xdp_md *ctx)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		struct guehdr gue;
	} *outer;
	int protocol = inner_protocol(ctx);

	if (protocol < 0)
		return XDP_PASS;
	outer = grow(ctx, sizeof(*outer));
	if (!outer || (void *)(outer + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	__u16 length = xdp_data_end(ctx) - (void *)outer;

	__builtin_memset(&outer->gue, 0, sizeof(outer->gue));
	outer->gue.protocol = protocol;
	outer->udp.source = bpf_htons(50000);
	outer->udp.dest = bpf_htons(GUE_PORT);
	outer->udp.len = bpf_htons(length - sizeof(outer->ip));
	outer->udp.check = 0;
	outer_ip(&outer->ip, IPPROTO_UDP, length);
	return XDP_TX;
}

// Cuts `room` bytes out behind the Ethernet header.
static __always_inline int shrink(struct xdp_md *ctx, int room, __u8 protocol)
{
	struct ethhdr *eth = xdp_data(ctx), copy;

	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	copy = *eth;
	copy.h_proto = bpf_htons(protocol == IPPROTO_IPV6 ? ETH_P_IPV6 : ETH_P_IP);
	if (bpf_xdp_adjust_head(ctx, room))
		return XDP_ABORTED;
	eth = xdp_data(ctx);
	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	*eth = copy;
	return XDP_PASS;
}

SEC("xdp")
int decap(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = PULL(&c, struct iphdr);
	if (!ip || ip->version != 4 || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol == IPPROTO_IPIP || ip->protocol == IPPROTO_IPV6)
		return shrink(ctx, sizeof(*ip), ip->protocol);
	if (ip->protocol != IPPROTO_UDP)
		return XDP_PASS;

	struct udphdr *udp = PULL(&c, struct udphdr);
	if (!udp || udp->dest != bpf_htons(GUE_PORT))
		return XDP_PASS;
	struct guehdr *gue = PULL(&c, struct guehdr);
	if (!gue)
		return XDP_DROP;
	if (gue->version == 1) // an IP packet without GUE header
		return shrink(ctx, sizeof(*ip) + sizeof(*udp),
			      *(__u8 *)gue >> 4 == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP);
	if (gue->version != 0 || gue->control || gue->hlen)
		return XDP_DROP;
	return shrink(ctx, sizeof(*ip) + sizeof(*udp) + sizeof(*gue), gue->protocol);
}

LICENSE("Dual MIT/GPL");
