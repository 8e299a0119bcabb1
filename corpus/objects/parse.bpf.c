// SPDX-License-Identifier: MIT OR Apache-2.0
// Walks Ethernet, VLAN, ARP, IPv4, IPv6 with its extension headers, TCP, UDP
// and ICMP, and counts packets and bytes of each. Passes what it can parse and
// drops what is cut short or lies about its length.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

enum protocol {
	PROTO_MALFORMED,
	PROTO_OTHER,
	PROTO_ARP,
	PROTO_IPV4_OTHER,
	PROTO_IPV4_FRAGMENT,
	PROTO_IPV6_OTHER,
	PROTO_IPV6_FRAGMENT,
	PROTO_TCP,
	PROTO_UDP,
	PROTO_ICMP,
	PROTO_ICMPV6,
	PROTO_MAX,
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROTO_MAX);
	__type(key, __u32);
	__type(value, struct counter);
} protocols SEC(".maps");

static enum protocol parse_l4(struct cursor *c, __u8 protocol)
{
	struct udphdr *udp;

	switch (protocol) {
	case IPPROTO_TCP:
		return pull_tcp(c) ? PROTO_TCP : PROTO_MALFORMED;
	case IPPROTO_UDP:
		udp = PULL(c, struct udphdr);
		if (!udp || bpf_ntohs(udp->len) < sizeof(*udp))
			return PROTO_MALFORMED;
		return PROTO_UDP;
	case IPPROTO_ICMP:
		return PULL(c, struct icmphdr) ? PROTO_ICMP : PROTO_MALFORMED;
	case IPPROTO_ICMPV6:
		return PULL(c, struct icmphdr) ? PROTO_ICMPV6 : PROTO_MALFORMED;
	}
	return PROTO_OTHER;
}

static enum protocol parse_ipv4(struct cursor *c)
{
	void *start = c->pos;
	struct iphdr *ip = pull_ip(c);

	if (!ip)
		return PROTO_MALFORMED;
	__u16 total = bpf_ntohs(ip->tot_len);
	if (total < ip->ihl * 4 || start + total > c->end)
		return PROTO_MALFORMED;
	if (ip->frag_off & bpf_htons(0x1fff))
		return PROTO_IPV4_FRAGMENT;
	enum protocol l4 = parse_l4(c, ip->protocol);
	return l4 == PROTO_OTHER ? PROTO_IPV4_OTHER : l4;
}

static enum protocol parse_ipv6(struct cursor *c)
{
	struct ipv6hdr *ip6 = pull_ip6(c);

	if (!ip6 || c->pos + bpf_ntohs(ip6->payload_len) > c->end)
		return PROTO_MALFORMED;
	__u8 next = ip6->nexthdr;
	for (int i = 0; i < 6; i++) {
		struct ipv6_opt_hdr *opt;

		if (next == IPPROTO_FRAGMENT)
			return PROTO_IPV6_FRAGMENT;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		opt = PULL(c, struct ipv6_opt_hdr);
		if (!opt)
			return PROTO_MALFORMED;
		c->pos += 6 + opt->hdrlen * 8;
		next = opt->nexthdr;
	}
	enum protocol l4 = parse_l4(c, next);
	return l4 == PROTO_OTHER ? PROTO_IPV6_OTHER : l4;
}

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u64 bytes = c.end - c.pos;
	enum protocol found;
	struct ethhdr *eth;

	switch (pull_eth(&c, &eth)) {
	case -1:
		found = PROTO_MALFORMED;
		break;
	case bpf_htons(ETH_P_IP):
		found = parse_ipv4(&c);
		break;
	case bpf_htons(ETH_P_IPV6):
		found = parse_ipv6(&c);
		break;
	case bpf_htons(ETH_P_ARP):
		found = PULL(&c, struct arphdr) ? PROTO_ARP : PROTO_MALFORMED;
		break;
	default:
		found = PROTO_OTHER;
	}

	__u32 key = found;
	struct counter *counter = bpf_map_lookup_elem(&protocols, &key);
	if (counter) {
		__sync_fetch_and_add(&counter->packets, 1);
		__sync_fetch_and_add(&counter->bytes, bytes);
	}
	return found == PROTO_MALFORMED ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
