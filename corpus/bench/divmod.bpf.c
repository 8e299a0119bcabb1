// SPDX-License-Identifier: MIT OR Apache-2.0
// Divisions and remainders, 32 and 64 bits, by constants and by variables.
#include "bench.h"

SEC("xdp") int divmod(struct xdp_md *ctx)
{
	struct job *job = job_of(ctx);

	if (!job)
		return XDP_ABORTED;
	__u64 state = job->seed, sum = 0;

	for (int i = 0; i < 200; i++) {
		__u64 wide = state + i;
		__u32 narrow = wide >> 32 ^ wide;

		sum += wide % 1000003 + narrow / 10 + narrow % 86400;
		sum += wide / ((narrow & 0xffff) + 1);
		sum ^= narrow % ((sum & 0xff) + 3);
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	}
	job->result = sum;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
