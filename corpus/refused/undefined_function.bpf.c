// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls a function that is nowhere, and that nobody said the kernel has.
#include "bpf_helpers.h"
#include "xdp.h"

int not_defined_anywhere(int n);

SEC("xdp")
int undefined_function(struct xdp_md *ctx)
{
	return not_defined_anywhere(ctx->rx_queue_index);
}

LICENSE("Dual MIT/GPL");
