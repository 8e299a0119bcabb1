// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls between BPF functions: static and global ones, several levels deep, with
// five arguments and pointers to the caller's stack. They stand in .text and are
// called from programs of two sections.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct sums {
	__u64 bytes;
	__u64 words;
	__u32 rounds;
};

__u64 total;

static __noinline __u64 five(__u64 a, __u64 b, __u64 c, __u64 d, __u64 e)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e;
}

// Global: verified on its own, so it may not trust its arguments.
__noinline int checksum(struct xdp_md *ctx, __u32 offset)
{
	__u8 *byte = xdp_data(ctx) + (offset & 0xff);
	__u32 sum = 0;

	for (int i = 0; i < 16; i++) {
		if ((void *)(byte + i + 1) > xdp_data_end(ctx))
			break;
		sum += byte[i];
	}
	return sum;
}

__noinline int add_up(struct sums *sums, __u32 word)
{
	if (!sums)
		return -1;
	sums->words += word;
	sums->rounds++;
	return 0;
}

static __noinline int depth4(__u64 x)
{
	total += x;
	return x & 3;
}

static __noinline int depth3(__u64 x)
{
	return depth4(x + 1) + 1;
}

static __noinline int depth2(__u64 x)
{
	return depth3(x * 3) + 1;
}

SEC("xdp")
int calls(struct xdp_md *ctx)
{
	struct sums sums = {};
	__u64 length = xdp_data_end(ctx) - xdp_data(ctx);

	for (int i = 0; i < 4; i++) {
		int sum = checksum(ctx, i * 16);
		if (add_up(&sums, sum))
			return XDP_ABORTED;
	}
	total += five(length, sums.words, sums.rounds, 7, 1);
	return depth2(length + sums.words) - 1;
}

// The same functions from another program of another section.
SEC("xdp.frags")
int calls_too(struct xdp_md *ctx)
{
	struct sums sums = {};

	add_up(&sums, checksum(ctx, 14));
	return depth3(sums.words);
}

LICENSE("Dual MIT/GPL");
