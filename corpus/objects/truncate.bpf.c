// SPDX-License-Identifier: MIT OR Apache-2.0
// Moves the end of the packet (bpf_xdp_adjust_tail): cuts long packets, makes
// short ones longer, and asks for what the helper must refuse.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

const volatile __u32 snaplen = 96;
const volatile __u32 shortest = 60;

// How often the helper refused, by how its answer reads negated.
__u64 refused[64];
__u64 bytes_cut;

static __always_inline void refuse(long error)
{
	__u64 n = -error;

	if (n < 64)
		__sync_fetch_and_add(&refused[n], 1);
}

// At most `snaplen` bytes of each packet go on.
SEC("xdp")
int truncate(struct xdp_md *ctx)
{
	__u32 length = xdp_data_end(ctx) - xdp_data(ctx);

	if (length <= snaplen)
		return XDP_PASS;
	long error = bpf_xdp_adjust_tail(ctx, (int)snaplen - (int)length);
	if (error) {
		refuse(error);
		return XDP_ABORTED;
	}
	__sync_fetch_and_add(&bytes_cut, length - snaplen);
	return XDP_PASS;
}

// Frames below the least size of Ethernet get zeroes at the end.
SEC("xdp")
int pad(struct xdp_md *ctx)
{
	__u32 length = xdp_data_end(ctx) - xdp_data(ctx);

	if (length >= shortest)
		return XDP_PASS;
	long error = bpf_xdp_adjust_tail(ctx, shortest - length);
	if (error) {
		refuse(error);
		return XDP_ABORTED;
	}
	return XDP_TX;
}

// Less than an Ethernet header, more than there is room for.
SEC("xdp")
int refuse_tail(struct xdp_md *ctx)
{
	int length = xdp_data_end(ctx) - xdp_data(ctx);

	refuse(bpf_xdp_adjust_tail(ctx, 13 - length));
	refuse(bpf_xdp_adjust_tail(ctx, -length - 1));
	refuse(bpf_xdp_adjust_tail(ctx, 60000));
	refuse(bpf_xdp_adjust_tail(ctx, 0));
	// Fourteen bytes are allowed.
	return bpf_xdp_adjust_tail(ctx, 14 - length) ? XDP_ABORTED : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
