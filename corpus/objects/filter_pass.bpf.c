// SPDX-License-Identifier: MIT OR Apache-2.0
// Default-pass: drops what its maps name on layers 2 to 4, passes the rest.
#include "layer_filter.h"

SEC("xdp")
int filter_pass(struct xdp_md *ctx)
{
	return count(match(ctx) ? XDP_DROP : XDP_PASS);
}

LICENSE("Dual MIT/GPL");
