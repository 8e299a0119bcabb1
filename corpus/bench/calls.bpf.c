// SPDX-License-Identifier: MIT OR Apache-2.0
// Functions that call functions, with arguments and locals on their stacks.
#include "bench.h"

static __noinline __u64 inner(__u64 a, __u64 b)
{
	return (a ^ b) + (a & 0xff);
}

static __noinline __u64 middle(__u64 a, __u64 b, __u64 c)
{
	return inner(a, b) + inner(b, c);
}

static __noinline __u64 outer(__u64 a, __u64 b)
{
	return middle(a, b, a + b) ^ inner(a + 1, b);
}

SEC("xdp") int calls(struct xdp_md *ctx)
{
	struct job *job = job_of(ctx);

	if (!job)
		return XDP_ABORTED;
	__u64 sum = job->seed;

	for (int i = 0; i < 100; i++)
		sum += outer(sum, i);
	job->result = sum;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
