// SPDX-License-Identifier: MIT OR Apache-2.0
// The internet checksum of a packet, a word of 16 bits at a time, each checked
// against the packet's end. Answers the sum.
#include "bench.h"
#include "packet.h"

SEC("xdp") int csum(struct xdp_md *ctx)
{
	__u16 *word = xdp_data(ctx);
	void *end = xdp_data_end(ctx);
	__u64 sum = 0;

	for (int i = 0; i < 760; i++) {
		if ((void *)(word + 1) > end)
			break;
		sum += *word++;
	}
	return csum_fold(sum);
}

LICENSE("Dual MIT/GPL");
