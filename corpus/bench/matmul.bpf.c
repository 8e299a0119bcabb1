// SPDX-License-Identifier: MIT OR Apache-2.0
// The product of two matrices of 16 by 16 32-bit numbers: loads at scaled indices.
#include "bench.h"

#define N 16

static __u32 left[N * N], right[N * N], product[N * N];

SEC("xdp") int matmul(struct xdp_md *ctx)
{
	struct job *job = job_of(ctx);
	__u64 sum = 0;

	if (!job)
		return XDP_ABORTED;
	for (__u32 i = 0; i < N * N; i++) {
		left[i] = job->seed + i;
		right[i] = job->seed ^ i;
	}
	for (__u32 row = 0; row < N; row++)
		for (__u32 column = 0; column < N; column++) {
			__u32 cell = 0;

			for (__u32 k = 0; k < N; k++)
				cell += left[row * N + k] * right[k * N + column];
			product[row * N + column] = cell;
			sum += cell;
		}
	job->result = sum;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
