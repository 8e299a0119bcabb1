// SPDX-License-Identifier: MIT OR Apache-2.0
// Pushes an 802.1Q tag onto frames, and pops the outermost tag off them.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

const volatile __u16 vlan_id = 123;

SEC("xdp")
int vlan_push(struct xdp_md *ctx)
{
	struct ethhdr copy, *eth = xdp_data(ctx);
	struct vlan_hdr *tag;

	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	copy = *eth;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*tag)))
		return XDP_ABORTED;
	eth = xdp_data(ctx);
	tag = (void *)(eth + 1);
	if ((void *)(tag + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	tag->tci = bpf_htons(vlan_id);
	tag->proto = copy.h_proto;
	*eth = copy;
	eth->h_proto = bpf_htons(ETH_P_8021Q);
	return XDP_TX;
}

SEC("xdp")
int vlan_pop(struct xdp_md *ctx)
{
	struct ethhdr copy, *eth = xdp_data(ctx);
	struct vlan_hdr *tag = (void *)(eth + 1);

	if ((void *)(tag + 1) > xdp_data_end(ctx))
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_8021Q) && eth->h_proto != bpf_htons(ETH_P_8021AD))
		return XDP_PASS;
	copy = *eth;
	copy.h_proto = tag->proto;
	if (bpf_xdp_adjust_head(ctx, sizeof(*tag)))
		return XDP_ABORTED;
	eth = xdp_data(ctx);
	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	*eth = copy;
	return XDP_TX;
}

LICENSE("Dual MIT/GPL");
