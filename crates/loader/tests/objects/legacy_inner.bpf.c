// flags: -mcpu=v2
// SPDX-License-Identifier: MIT OR Apache-2.0
// Maps in maps from before BTF: iproute2 joins them by ids.
#include "bpf_helpers.h"
#include "legacy.h"
#include "xdp.h"

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 1,
	.id = 42,
	.inner_idx = 2,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 4,
	.inner_id = 42,
};

SEC("xdp")
int lookup(struct xdp_md *ctx)
{
	__u32 key = 2;

	return bpf_map_lookup_elem(&outer, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("GPL");
