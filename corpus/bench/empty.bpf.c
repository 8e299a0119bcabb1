// SPDX-License-Identifier: MIT OR Apache-2.0
// Nothing: what a call costs.
#include "bench.h"

SEC("xdp") int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
