// SPDX-License-Identifier: MIT OR Apache-2.0
// A gateway between a trunk with 802.1Q tags and access ports without: `trunk`
// takes the tag off and sends the frame to the port of its VLAN, `access` puts
// the tag of its port on and sends the frame to the trunk.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define VID_MASK 0x0fff

// VLAN of each access port, by its index.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u16);
} vlans SEC(".maps");

// Access port of each VLAN.
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 64);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} ports SEC(".maps");

const volatile __u32 trunk_ifindex = 2;

__u64 unknown_vlan;

SEC("xdp")
int trunk(struct xdp_md *ctx)
{
	struct ethhdr copy, *eth = xdp_data(ctx);
	struct vlan_hdr *tag = (void *)(eth + 1);
	__u32 vid;

	if ((void *)(tag + 1) > xdp_data_end(ctx) || eth->h_proto != bpf_htons(ETH_P_8021Q))
		return XDP_PASS;
	vid = bpf_ntohs(tag->tci) & VID_MASK;
	copy = *eth;
	copy.h_proto = tag->proto;
	if (bpf_redirect_map(&ports, vid, XDP_DROP) != XDP_REDIRECT) {
		__sync_fetch_and_add(&unknown_vlan, 1);
		return XDP_DROP;
	}
	if (bpf_xdp_adjust_head(ctx, sizeof(*tag)))
		return XDP_ABORTED;
	eth = xdp_data(ctx);
	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	*eth = copy;
	return XDP_REDIRECT;
}

SEC("xdp")
int access(struct xdp_md *ctx)
{
	__u32 port = ctx->ingress_ifindex;
	__u16 *vlan = bpf_map_lookup_elem(&vlans, &port);
	struct ethhdr copy, *eth = xdp_data(ctx);
	struct vlan_hdr *tag;

	if (!vlan || (void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_DROP;
	copy = *eth;
	// Who is on an access port has no say in tags.
	if (copy.h_proto == bpf_htons(ETH_P_8021Q) || copy.h_proto == bpf_htons(ETH_P_8021AD))
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*tag)))
		return XDP_ABORTED;
	eth = xdp_data(ctx);
	tag = (void *)(eth + 1);
	if ((void *)(tag + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	tag->tci = bpf_htons(*vlan & VID_MASK);
	tag->proto = copy.h_proto;
	*eth = copy;
	eth->h_proto = bpf_htons(ETH_P_8021Q);
	return bpf_redirect(trunk_ifindex, 0);
}

LICENSE("Dual MIT/GPL");
