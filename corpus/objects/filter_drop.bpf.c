// SPDX-License-Identifier: MIT OR Apache-2.0
// Default-drop: passes what its maps name on layers 2 to 4, drops the rest.
#include "layer_filter.h"

SEC("xdp")
int filter_drop(struct xdp_md *ctx)
{
	return count(match(ctx) ? XDP_PASS : XDP_DROP);
}

LICENSE("Dual MIT/GPL");
