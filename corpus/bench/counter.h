/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the programs count: packets and bytes. */
#pragma once

#include "bench.h"
#include "packet.h"

struct counter {
	__u64 packets;
	__u64 bytes;
};

static __always_inline int count(struct counter *counter, struct xdp_md *ctx)
{
	if (!counter)
		return XDP_DROP;
	counter->packets++;
	counter->bytes += xdp_data_end(ctx) - xdp_data(ctx);
	return XDP_PASS;
}
