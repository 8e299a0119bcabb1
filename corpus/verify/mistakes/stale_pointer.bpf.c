// SPDX-License-Identifier: MIT OR Apache-2.0
// After a helper that moves the packet its addresses are taken from the context
// again, and checked again.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

SEC("xdp")
int wrong(struct xdp_md *ctx)
{
	struct ethhdr *eth = xdp_data(ctx);

	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_DROP;
	eth->h_proto = bpf_htons(ETH_P_8021Q);
	return XDP_TX;
}

SEC("xdp")
int right(struct xdp_md *ctx)
{
	struct ethhdr *eth;

	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_DROP;
	eth = xdp_data(ctx);
	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_DROP;
	eth->h_proto = bpf_htons(ETH_P_8021Q);
	return XDP_TX;
}

LICENSE("Dual MIT/GPL");
