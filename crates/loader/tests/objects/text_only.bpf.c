// flags: -mcpu=v2
// SPDX-License-Identifier: MIT OR Apache-2.0
// Nothing but .text: a program, and a function that it calls.
#include "bpf_helpers.h"
#include "xdp.h"

__noinline int half(int x)
{
	return x >> 1;
}

int program(struct xdp_md *ctx)
{
	return half(ctx->rx_queue_index) + 1;
}
