// SPDX-License-Identifier: MIT OR Apache-2.0
// A filter whose judgement is a function of its own, which another program may
// take the place of (`freplace`).
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct seen {
	__u32 from;
	__u32 bytes;
};

__u64 judged;

__noinline int policy(struct xdp_md *ctx, struct seen *seen)
{
	// Compilers do not hand over what is not used.
	if (!seen || ctx->rx_queue_index == 8)
		return XDP_ABORTED;
	return seen->bytes > 100 ? XDP_DROP : XDP_PASS;
}

// Not called where the function above is replaced, but not replaced itself.
__noinline int other(struct xdp_md *ctx)
{
	return ctx->rx_queue_index == 7 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int filter(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct seen seen = {};
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_DROP;
	seen.from = bpf_ntohl(ip->saddr);
	seen.bytes = xdp_data_end(ctx) - xdp_data(ctx);
	judged++;
	return other(ctx) == XDP_DROP ? XDP_DROP : policy(ctx, &seen);
}

LICENSE("Dual MIT/GPL");
