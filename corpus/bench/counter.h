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

/* Counts the bytes of a packet, and where they stand. A macro, since the map's own
 * type says natively how it is looked up. */
#define COUNT_BYTES(counters, data, end)                                          \
	_Pragma("clang loop unroll(full)") for (int i = 0; i < (end); i++)        \
	{                                                                         \
		__u32 byte = (data)[i];                                           \
		struct counter *counter = bpf_map_lookup_elem(counters, &byte);   \
                                                                                  \
		if (counter) {                                                    \
			counter->packets++;                                       \
			counter->bytes += i;                                      \
		}                                                                 \
	}
