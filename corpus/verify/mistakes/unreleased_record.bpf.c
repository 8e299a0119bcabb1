// SPDX-License-Identifier: MIT OR Apache-2.0
// A record of a ring buffer is submitted or discarded on every way out.
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
	struct ethhdr *eth = xdp_data(ctx);
	__u64 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return XDP_PASS;
	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_PASS;
	*event = eth->h_proto;
	bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}

SEC("xdp")
int right(struct xdp_md *ctx)
{
	struct ethhdr *eth = xdp_data(ctx);
	__u64 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return XDP_PASS;
	if ((void *)(eth + 1) > xdp_data_end(ctx)) {
		bpf_ringbuf_discard(event, 0);
		return XDP_PASS;
	}
	*event = eth->h_proto;
	bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
