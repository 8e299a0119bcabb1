// SPDX-License-Identifier: MIT OR Apache-2.0
// Maps in maps: an array of hashes, one per IP protocol, and a hash of arrays,
// one per VLAN, filled by the object (static `.values`) or left to user space.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct per_source {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __be32);
	__type(value, __u64);
} tcp_sources SEC(".maps"), udp_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 256);
	__type(key, __u32);
	__array(values, struct per_source);
} by_protocol SEC(".maps") = {
	.values = {
		[IPPROTO_TCP] = &tcp_sources,
		[IPPROTO_UDP] = &udp_sources,
	},
};

struct per_vlan {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} vlan_first SEC(".maps"), vlan_second SEC(".maps");

// An anonymous inner definition; the object's values are array elements, so a
// hash takes small keys.
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__type(key, __u32);
		__type(value, __u64);
	});
} by_vlan SEC(".maps") = {
	.values = {
		[0] = (void *)&vlan_first,
		[3] = (void *)&vlan_second,
	},
};

static __always_inline bool count(void *inner, const void *key)
{
	__u64 one = 1, *n;

	if (!inner)
		return false;
	n = bpf_map_lookup_elem(inner, key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(inner, key, &one, BPF_NOEXIST);
	return true;
}

SEC("xdp")
int mapinmap(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);
	__u32 vlan = 0, zero = 0, protocol;

	if (!eth)
		return XDP_ABORTED;
	__be16 proto = eth->h_proto;
	if (proto == bpf_htons(ETH_P_8021Q)) {
		struct vlan_hdr *tag = PULL(&c, struct vlan_hdr);
		if (!tag)
			return XDP_DROP;
		vlan = bpf_ntohs(tag->tci) & 3;
		proto = tag->proto;
	}
	bool known_vlan = count(bpf_map_lookup_elem(&by_vlan, &vlan), &zero);

	if (proto != bpf_htons(ETH_P_IP))
		return known_vlan ? XDP_PASS : XDP_DROP;
	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_DROP;
	protocol = ip->protocol;
	__be32 source = ip->saddr;
	if (!count(bpf_map_lookup_elem(&by_protocol, &protocol), &source))
		return XDP_TX;
	return known_vlan ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
