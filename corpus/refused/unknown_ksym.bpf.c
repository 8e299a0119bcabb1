// SPDX-License-Identifier: MIT OR Apache-2.0
// Needs (strongly) a kernel variable that no kernel has.
#include "bpf_helpers.h"
#include "xdp.h"

extern const int no_such_kernel_variable __ksym;

SEC("xdp")
int unknown_ksym(struct xdp_md *ctx)
{
	return no_such_kernel_variable;
}

LICENSE("GPL");
