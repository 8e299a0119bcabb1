// SPDX-License-Identifier: MIT OR Apache-2.0
// Needs (strongly) a kernel function that no kernel has.
#include "bpf_helpers.h"
#include "xdp.h"

extern int bpf_no_such_kfunc(struct xdp_md *ctx) __ksym;

SEC("xdp")
int unknown_kfunc(struct xdp_md *ctx)
{
	return bpf_no_such_kfunc(ctx);
}

LICENSE("GPL");
