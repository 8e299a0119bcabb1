// flags: -g -mcpu=v3 -fno-builtin
// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts primes with a sieve of bytes: stores in strides.
#include "bench.h"

#define LIMIT 4096

static __u64 sieve_words[LIMIT / 8];

SEC("xdp") int sieve(struct xdp_md *ctx)
{
	__u8 *composite = (__u8 *)sieve_words;
	struct job *job = job_of(ctx);
	__u32 primes = 0;

	if (!job)
		return XDP_ABORTED;
	for (__u32 i = 0; i < LIMIT / 8; i++)
		sieve_words[i] = 0;
	for (__u32 i = 2; i < LIMIT; i++) {
		if (composite[i])
			continue;
		primes++;
		for (__u32 j = 2 * i; j < LIMIT; j += i)
			composite[j] = 1;
	}
	job->result = job->seed + primes;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
