// flags: -mcpu=v2
// SPDX-License-Identifier: MIT OR Apache-2.0
// As iproute2 loads it: map definitions of 36 bytes with pinning, a program
// array filled by section names of the form ID/KEY, no BTF.
#include "bpf_helpers.h"
#include "legacy.h"
#include "packet.h"
#include "xdp.h"

#define PIN_NONE 0
#define PIN_GLOBAL 2
#define JUMP_TABLE_ID 7

struct bpf_elf_map SEC("maps") jump_table = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.id = JUMP_TABLE_ID,
	.pinning = PIN_NONE,
};

struct bpf_elf_map SEC("maps") totals = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 2,
	.pinning = PIN_GLOBAL,
};

static __always_inline void add(__u32 key, __u64 n)
{
	__u64 *total = bpf_map_lookup_elem(&totals, &key);

	if (total)
		__sync_fetch_and_add(total, n);
}

SEC("7/0")
int tail(struct xdp_md *ctx)
{
	add(1, 1);
	return XDP_DROP;
}

SEC("xdp_entry")
int entry(struct xdp_md *ctx)
{
	add(0, xdp_data_end(ctx) - xdp_data(ctx));
	bpf_tail_call(ctx, &jump_table, 0);
	return XDP_PASS;
}

LICENSE("GPL");
