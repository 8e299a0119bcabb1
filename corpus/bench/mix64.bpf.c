// SPDX-License-Identifier: MIT OR Apache-2.0
// A generator of numbers, two thousand times: 64-bit multiplications and shifts
// that wait for one another.
#include "bench.h"

SEC("xdp") int mix64(struct xdp_md *ctx)
{
	struct job *job = job_of(ctx);

	if (!job)
		return XDP_ABORTED;
	__u64 state = job->seed, sum = 0;

	for (int i = 0; i < 2000; i++)
		sum ^= mix(&state);
	job->result = sum;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
