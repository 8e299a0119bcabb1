// flags: -g -mcpu=v4
// SPDX-License-Identifier: MIT OR Apache-2.0
// What version 4 of the instruction set added: sign-extending moves and loads,
// signed division and remainder, byte swaps, long jumps. Results are left in an
// array for each packet, computed from the packet's length and first bytes.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

enum result {
	MOVSX8,
	MOVSX16,
	MOVSX32,
	MOVSX8_32,
	MOVSX16_32,
	SDIV64,
	SDIV32,
	SMOD64,
	SMOD32,
	SDIV_BY_ZERO,
	SMOD_BY_ZERO,
	SDIV_OVERFLOW,
	BSWAP16,
	BSWAP32,
	BSWAP64,
	LOAD8,
	LOAD16,
	LOAD32,
	GOTOL,
	RESULT_MAX,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RESULT_MAX);
	__type(key, __u32);
	__type(value, __s64);
} results SEC(".maps");

static __always_inline void put(__u32 key, __s64 value)
{
	__s64 *slot = bpf_map_lookup_elem(&results, &key);

	if (slot)
		*slot += value;
}

// In assembly, so that no optimiser takes the instruction away. The constraint
// chooses the register: `r` is all of it, `w` its lower half.
#define BINARY(text, type, constraint, left, right)                        \
	({                                                                 \
		type ____out = (type)(left), ____in = (type)(right);       \
		asm volatile(text : "+" constraint(____out) : constraint(____in)); \
		____out;                                                   \
	})
#define BINARY64(text, left, right) BINARY(text, __u64, "r", left, right)
#define BINARY32(text, left, right) BINARY(text, __u32, "w", left, right)

SEC("xdp")
int isa_v4(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct {
		__s8 byte;
		__s8 other;
		__s16 half;
		__s32 word;
	} *head;
	__u64 length = c.end - c.pos;
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth)
		return XDP_DROP;
	__u64 mix = length * 0x9e3779b97f4a7c15 ^ 0x8081828384858687;
	__u64 divisor = -(length % 7);

	put(MOVSX8, BINARY64("%0 = (s8)%1", 0, mix));
	put(MOVSX16, BINARY64("%0 = (s16)%1", 0, mix));
	put(MOVSX32, BINARY64("%0 = (s32)%1", 0, mix));
	put(MOVSX8_32, BINARY32("%0 = (s8)%1", 0, mix));
	put(MOVSX16_32, BINARY32("%0 = (s16)%1", 0, mix));
	put(SDIV64, BINARY64("%0 s/= %1", mix, divisor));
	put(SDIV32, BINARY32("%0 s/= %1", mix, divisor));
	put(SMOD64, BINARY64("%0 s%%= %1", mix, divisor));
	put(SMOD32, BINARY32("%0 s%%= %1", mix, divisor));
	put(SDIV_BY_ZERO, BINARY64("%0 s/= %1", mix, 0));
	put(SMOD_BY_ZERO, BINARY64("%0 s%%= %1", mix, 0));
	put(SDIV_OVERFLOW, BINARY64("%0 s/= %1", 1ULL << 63, -1ULL));
	put(BSWAP16, BINARY64("%0 = bswap16 %0", mix, 0));
	put(BSWAP32, BINARY64("%0 = bswap32 %0", mix, 0));
	put(BSWAP64, BINARY64("%0 = bswap64 %0", mix, 0));

	head = (void *)eth->h_source;
	put(LOAD8, (__s64)head->byte);
	put(LOAD16, (__s64)head->half);
	put(LOAD32, (__s64)head->word);

	__u64 jumped = length;
	asm volatile("if %1 > 100 goto +1\n"
		     "gotol +1\n"
		     "%0 += 1\n"
		     "%0 += 1000"
		     : "+r"(jumped)
		     : "r"(length));
	put(GOTOL, jumped);
	return (__s8)eth->h_dest[0] < 0 ? XDP_TX : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
