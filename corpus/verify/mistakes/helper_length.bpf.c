// SPDX-License-Identifier: MIT OR Apache-2.0
// A length that a helper is given has a lower and an upper bound.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("xdp")
int wrong(struct xdp_md *ctx)
{
	__u64 words[4] = { ctx->ingress_ifindex };
	__u32 length = ctx->rx_queue_index;

	bpf_ringbuf_output(&events, words, length, 0);
	return XDP_PASS;
}

SEC("xdp")
int right(struct xdp_md *ctx)
{
	__u64 words[4] = { ctx->ingress_ifindex };
	__u32 length = ctx->rx_queue_index;

	if (length > 0 && length <= sizeof(words))
		bpf_ringbuf_output(&events, words, length, 0);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
