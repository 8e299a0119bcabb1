// SPDX-License-Identifier: MIT OR Apache-2.0
// Metadata in front of the packet (bpf_xdp_adjust_meta): writes a mark there,
// reads it back, and tries the sizes that the helper takes or refuses.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct mark {
	__u32 magic;
	__u16 length;
	__u16 proto;
};

#define MAGIC 0x4d415247

struct result {
	__u64 tried;
	__u64 accepted;
};

// Key: the size asked for, divided by two.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 160);
	__type(key, __u32);
	__type(value, struct result);
} sizes SEC(".maps");

SEC("xdp")
int meta_mark(struct xdp_md *ctx)
{
	struct mark *mark;
	struct ethhdr *eth;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
		return XDP_ABORTED;
	mark = (void *)(long)ctx->data_meta;
	eth = xdp_data(ctx);
	if ((void *)(mark + 1) > (void *)eth || (void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	mark->magic = MAGIC;
	mark->length = xdp_data_end(ctx) - (void *)eth;
	mark->proto = bpf_ntohs(eth->h_proto);
	return mark->magic == MAGIC ? XDP_PASS : XDP_DROP;
}

// The mark is gone again when the packet leaves.
SEC("xdp")
int meta_drop(struct xdp_md *ctx)
{
	struct mark *mark;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
		return XDP_ABORTED;
	mark = (void *)(long)ctx->data_meta;
	if ((void *)(mark + 1) > xdp_data(ctx))
		return XDP_ABORTED;
	mark->magic = MAGIC;
	if (bpf_xdp_adjust_meta(ctx, sizeof(*mark)))
		return XDP_ABORTED;
	return ctx->data_meta == ctx->data ? XDP_TX : XDP_DROP;
}

// One size per packet, from 0 to 318 bytes.
SEC("xdp")
int meta_sizes(struct xdp_md *ctx)
{
	static __u32 next;
	__u32 key = next++ % 160;
	struct result *result = bpf_map_lookup_elem(&sizes, &key);

	if (!result)
		return XDP_ABORTED;
	result->tried++;
	if (bpf_xdp_adjust_meta(ctx, -(int)(key * 2)))
		return XDP_DROP;
	result->accepted++;
	// What the program did not write is not the program's to show.
	bpf_xdp_adjust_meta(ctx, key * 2);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
