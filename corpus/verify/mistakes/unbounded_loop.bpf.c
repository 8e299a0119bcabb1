// SPDX-License-Identifier: MIT OR Apache-2.0
// A loop needs an end that can be seen, whatever the context says.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define MOST 64

SEC("xdp")
int wrong(struct xdp_md *ctx)
{
	__u32 hash = ctx->ingress_ifindex;

	for (__u32 i = 0; i < ctx->rx_queue_index; i++)
		hash = hash * 31 + (hash >> 3);
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int right(struct xdp_md *ctx)
{
	__u32 hash = ctx->ingress_ifindex;

	for (__u32 i = 0; i < MOST && i < ctx->rx_queue_index; i++)
		hash = hash * 31 + (hash >> 3);
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
