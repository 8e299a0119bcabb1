// SPDX-License-Identifier: MIT OR Apache-2.0
// A function that calls itself, by way of another one.
#include "bpf_helpers.h"
#include "xdp.h"

static __noinline int odd(unsigned int n);

static __noinline int even(unsigned int n)
{
	return n ? odd(n - 1) + 1 : 0;
}

static __noinline int odd(unsigned int n)
{
	return n ? even(n - 1) * 2 : 1;
}

SEC("xdp")
int recursion(struct xdp_md *ctx)
{
	return even(ctx->rx_queue_index) & 3;
}

LICENSE("Dual MIT/GPL");
