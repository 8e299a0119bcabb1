// SPDX-License-Identifier: MIT OR Apache-2.0
// The smallest program there is: lets every packet through.
#include "bpf_helpers.h"
#include "xdp.h"

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
