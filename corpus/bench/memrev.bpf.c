// SPDX-License-Identifier: MIT OR Apache-2.0
// Reverses two kilobytes byte by byte: two loads and two stores in each round.
#include "bench.h"

#define LEN 2048

static __u64 rev_words[LEN / 8];

SEC("xdp") int memrev(struct xdp_md *ctx)
{
	__u8 *bytes = (__u8 *)rev_words;
	struct job *job = job_of(ctx);

	if (!job)
		return XDP_ABORTED;
	for (__u32 i = 0; i < LEN / 8; i++)
		rev_words[i] = job->seed + i;
	for (__u32 i = 0; i < LEN / 2; i++) {
		__u8 front = bytes[i];

		bytes[i] = bytes[LEN - 1 - i];
		bytes[LEN - 1 - i] = front;
	}
	job->result = rev_words[0] ^ rev_words[LEN / 8 - 1];
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
