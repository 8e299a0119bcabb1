// SPDX-License-Identifier: MIT OR Apache-2.0
// Every atomic operation, in 32 and 64 bits, with and without the old value:
// add, or, and, xor, exchange, compare and exchange.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct words {
	__u64 add;
	__u64 or;
	__u64 and;
	__u64 xor;
	__u64 xchg;
	__u64 cmpxchg;
	__u32 add32;
	__u32 or32;
	__u32 and32;
	__u32 xor32;
	__u32 xchg32;
	__u32 cmpxchg32;
};

// The words that are changed, and sums of the values that were there before.
struct words now = { .and = ~0ULL, .and32 = ~0U };
struct words before;
__u64 exchanged;
__u64 not_exchanged;

SEC("xdp")
int atomics(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u64 length = c.end - c.pos;
	__u64 wide = length << 33 | length;
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth)
		return XDP_ABORTED;

	// Without the old value: plain atomic instructions.
	__sync_fetch_and_add(&now.add, wide);
	__sync_fetch_and_or(&now.or, 1ULL << (length & 63));
	__sync_fetch_and_and(&now.and, ~(1ULL << (length & 63)));
	__sync_fetch_and_xor(&now.xor, wide);
	__sync_fetch_and_add(&now.add32, (__u32)length);
	__sync_fetch_and_or(&now.or32, 1U << (length & 31));
	__sync_fetch_and_and(&now.and32, ~(1U << (length & 31)));
	__sync_fetch_and_xor(&now.xor32, (__u32)length);

	// With it: the fetching forms.
	before.add += __sync_fetch_and_add(&now.add, 1);
	before.or += __sync_fetch_and_or(&now.or, 2);
	before.and += __sync_fetch_and_and(&now.and, ~4ULL);
	before.xor += __sync_fetch_and_xor(&now.xor, 8);
	before.xchg += __sync_lock_test_and_set(&now.xchg, wide);
	before.add32 += __sync_fetch_and_add(&now.add32, 0xffffffff);
	before.or32 += __sync_fetch_and_or(&now.or32, 2);
	before.and32 += __sync_fetch_and_and(&now.and32, ~4U);
	before.xor32 += __sync_fetch_and_xor(&now.xor32, 8);
	before.xchg32 += __sync_lock_test_and_set(&now.xchg32, (__u32)length);

	// Succeeds when the last packet had the same parity.
	__u64 old = __sync_val_compare_and_swap(&now.cmpxchg, length & 1, (length + 1) & 1);
	before.cmpxchg += old;
	if (old == (length & 1))
		exchanged++;
	else
		not_exchanged++;
	before.cmpxchg32 += __sync_val_compare_and_swap(&now.cmpxchg32, 0, 0x80000000);
	return old & 1 ? XDP_TX : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
