// SPDX-License-Identifier: MIT OR Apache-2.0
// Map definitions from before BTF in layouts that loaders had of their own, and
// with the types that BPF_ANNOTATE_KV_PAIR left in BTF.
#include "bpf_helpers.h"
#include "legacy.h"
#include "xdp.h"

#define BPF_ANNOTATE_KV_PAIR(name, type_key, type_val)                        \
	struct ____btf_map_##name {                                           \
		type_key key;                                                 \
		type_val value;                                               \
	};                                                                    \
	struct ____btf_map_##name SEC(".maps." #name) ____btf_map_##name = {}

struct counter {
	__u64 packets;
	__u64 bytes;
};

// The oldest: 16 bytes.
struct {
	unsigned int type, key_size, value_size, max_entries;
} oldest SEC("maps") = { BPF_MAP_TYPE_HASH, 4, 16, 8 };
BPF_ANNOTATE_KV_PAIR(oldest, __u32, struct counter);

// The samples': the template by its index.
struct bpf_map_def_28 SEC("maps") outer = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 4,
	.inner_map_idx = 3,
};

// A template that is a map of maps itself is none.
struct bpf_map_def_28 SEC("maps") nested = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 4,
	.inner_map_idx = 1,
};

struct bpf_map_def_28 SEC("maps") on_node = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 4,
	.map_flags = 4, // BPF_F_NUMA_NODE
	.numa_node = 2,
};

// aya's: id and pinning where the samples have index and node.
struct bpf_map_def_28 SEC("maps") pinned = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 1,
	.numa_node = 1,
};

// gobpf's: a path behind the words.
struct {
	struct bpf_map_def def;
	unsigned int pinning;
	char name_space[64];
} longest SEC("maps/long") = { { BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0 }, 1, "here" };

SEC("xdp")
int lookup(struct xdp_md *ctx)
{
	__u32 key = 2;

	bpf_map_lookup_elem(&longest, &key);
	return bpf_map_lookup_elem(&outer, &key) ? XDP_PASS : XDP_DROP;
}

LICENSE("GPL");
