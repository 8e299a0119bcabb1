// SPDX-License-Identifier: MIT OR Apache-2.0
// Frames larger than one buffer (`xdp.frags`): length by bpf_xdp_get_buff_len,
// reads and writes across buffers by bpf_xdp_load_bytes and store_bytes, and
// growing or cutting the end of such a frame.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

__u64 linear;
__u64 in_frags;
__u64 last_byte_sum;
__u64 refused;

static __always_inline __u64 note_length(struct xdp_md *ctx)
{
	__u64 length = bpf_xdp_get_buff_len(ctx);
	__u64 here = xdp_data_end(ctx) - xdp_data(ctx);

	linear += here;
	in_frags += length - here;
	return length;
}

// Turns the last eight bytes round, wherever they are.
SEC("xdp.frags")
int mirror_end(struct xdp_md *ctx)
{
	__u64 length = note_length(ctx);
	__u8 tail[8], turned[8];

	if (length < 22)
		return XDP_PASS;
	if (bpf_xdp_load_bytes(ctx, length - 8, tail, sizeof(tail)))
		return XDP_ABORTED;
	last_byte_sum += tail[7];
	for (int i = 0; i < 8; i++)
		turned[i] = tail[7 - i];
	if (bpf_xdp_store_bytes(ctx, length - 8, turned, sizeof(turned)))
		return XDP_ABORTED;
	return XDP_TX;
}

// Copies what lies around the end of the first buffer to the front.
SEC("xdp.frags")
int across(struct xdp_md *ctx)
{
	__u64 length = note_length(ctx);
	__u8 around[16];

	if (bpf_xdp_load_bytes(ctx, 3520 - 8, around, sizeof(around))) {
		refused++;
		return XDP_PASS;
	}
	if (bpf_xdp_store_bytes(ctx, 0, around, sizeof(around)))
		return XDP_ABORTED;
	// Past the end.
	if (bpf_xdp_load_bytes(ctx, length - 1, around, 2))
		refused++;
	return XDP_TX;
}

// Half of the frame goes.
SEC("xdp.frags")
int halve(struct xdp_md *ctx)
{
	__u64 length = note_length(ctx);
	int cut = length / 2;

	if (length < 28)
		return XDP_PASS;
	return bpf_xdp_adjust_tail(ctx, -cut) ? XDP_ABORTED : XDP_TX;
}

// Ten bytes more, which are zero.
SEC("xdp.frags")
int lengthen(struct xdp_md *ctx)
{
	__u64 length = note_length(ctx);

	if (bpf_xdp_adjust_tail(ctx, 10)) {
		refused++;
		return XDP_DROP;
	}
	return bpf_xdp_get_buff_len(ctx) == length + 10 ? XDP_PASS : XDP_ABORTED;
}

LICENSE("Dual MIT/GPL");
