/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A filter on the addresses and ports of layers 2 to 4, for both policies.
 * `filter_pass` passes what it does not know and drops what its maps name;
 * `filter_drop` the other way round. Every entry counts its own hits. */
#pragma once

#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

/* Which side of the packet an entry speaks of. */
enum {
	MATCH_SRC = 1,
	MATCH_DST = 2,
	MATCH_TCP = 4,
	MATCH_UDP = 8,
};

struct entry {
	__u64 sides; /* MATCH_* */
	__u64 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u8[6]);
	__type(value, struct entry);
} macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct entry);
} ipv4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct in6_addr);
	__type(value, struct entry);
} ipv6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32); /* host byte order */
	__type(value, struct entry);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 5);
	__type(key, __u32);
	__type(value, __u64);
} actions SEC(".maps");

static __always_inline bool hit(void *map, const void *key, __u64 sides)
{
	struct entry *entry = bpf_map_lookup_elem(map, key);

	if (!entry || (entry->sides & sides) != sides)
		return false;
	entry->hits++;
	return true;
}

static __always_inline bool match_ports(struct cursor *c, __u8 protocol)
{
	__u64 l4 = protocol == IPPROTO_TCP ? MATCH_TCP : MATCH_UDP;
	__u32 source, dest;

	if (protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = PULL(c, struct tcphdr);
		if (!tcp)
			return false;
		source = bpf_ntohs(tcp->source);
		dest = bpf_ntohs(tcp->dest);
	} else if (protocol == IPPROTO_UDP) {
		struct udphdr *udp = PULL(c, struct udphdr);
		if (!udp)
			return false;
		source = bpf_ntohs(udp->source);
		dest = bpf_ntohs(udp->dest);
	} else {
		return false;
	}
	return hit(&ports, &dest, MATCH_DST | l4) || hit(&ports, &source, MATCH_SRC | l4);
}

static __always_inline bool match(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	int proto = pull_eth(&c, &eth);

	if (proto < 0)
		return false;
	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = pull_ip(&c);
		if (!ip)
			return false;
		if (match_ports(&c, ip->protocol))
			return true;
		__be32 addr = ip->daddr;
		if (hit(&ipv4, &addr, MATCH_DST))
			return true;
		addr = ip->saddr;
		if (hit(&ipv4, &addr, MATCH_SRC))
			return true;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = pull_ip6(&c);
		if (!ip6)
			return false;
		if (match_ports(&c, ip6->nexthdr))
			return true;
		struct in6_addr addr = ip6->daddr;
		if (hit(&ipv6, &addr, MATCH_DST))
			return true;
		addr = ip6->saddr;
		if (hit(&ipv6, &addr, MATCH_SRC))
			return true;
	}
	__u8 mac[8] = {};
	__builtin_memcpy(mac, eth->h_dest, 6);
	if (hit(&macs, mac, MATCH_DST))
		return true;
	__builtin_memcpy(mac, eth->h_source, 6);
	return hit(&macs, mac, MATCH_SRC);
}

static __always_inline int count(__u32 action)
{
	__u64 *packets = bpf_map_lookup_elem(&actions, &action);

	if (packets)
		(*packets)++;
	return action;
}
