// SPDX-License-Identifier: MIT OR Apache-2.0
// SipHash-2-4 of 256 bytes: additions, exclusive ors and rotations.
#include "bench.h"

#define WORDS 32

static __u64 message[WORDS];

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

#define ROUND(v0, v1, v2, v3)                               \
	do {                                                \
		v0 += v1; v1 = ROTL(v1, 13); v1 ^= v0;      \
		v0 = ROTL(v0, 32);                          \
		v2 += v3; v3 = ROTL(v3, 16); v3 ^= v2;      \
		v0 += v3; v3 = ROTL(v3, 21); v3 ^= v0;      \
		v2 += v1; v1 = ROTL(v1, 17); v1 ^= v2;      \
		v2 = ROTL(v2, 32);                          \
	} while (0)

SEC("xdp") int siphash(struct xdp_md *ctx)
{
	struct job *job = job_of(ctx);

	if (!job)
		return XDP_ABORTED;
	__u64 k0 = job->seed, k1 = ~job->seed;
	__u64 v0 = k0 ^ 0x736f6d6570736575ULL;
	__u64 v1 = k1 ^ 0x646f72616e646f6dULL;
	__u64 v2 = k0 ^ 0x6c7967656e657261ULL;
	__u64 v3 = k1 ^ 0x7465646279746573ULL;

	for (__u32 i = 0; i < WORDS; i++)
		message[i] = job->seed * i;
	for (__u32 i = 0; i < WORDS; i++) {
		__u64 m = message[i];

		v3 ^= m;
		ROUND(v0, v1, v2, v3);
		ROUND(v0, v1, v2, v3);
		v0 ^= m;
	}
	__u64 last = (__u64)(WORDS * 8) << 56;

	v3 ^= last;
	ROUND(v0, v1, v2, v3);
	ROUND(v0, v1, v2, v3);
	v0 ^= last;
	v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		ROUND(v0, v1, v2, v3);
	job->result = v0 ^ v1 ^ v2 ^ v3;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
