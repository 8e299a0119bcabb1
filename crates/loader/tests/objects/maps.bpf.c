// SPDX-License-Identifier: MIT OR Apache-2.0
// BTF map definitions in all their forms.
#include "bpf_helpers.h"
#include "xdp.h"

#define __ulong(name, val) enum { ___##name##__LINE__ = val } name

struct value {
	__u64 packets;
	char name[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct value);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(numa_node, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} typed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(key_size, 12);
	__uint(value_size, 20);
} sized SEC(".maps");

// Sizes said twice, the same.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 4);
	__type(key, __u32);
	__type(value, struct value);
	__uint(value_size, 16);
	__uint(max_entries, 3);
} twice SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__type(value, __u32);
	__uint(max_entries, 64);
	__ulong(map_extra, 3);
} bloom SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
} inner_one SEC(".maps"), inner_two SEC(".maps");
static struct inner inner_hidden SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(max_entries, 8);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &inner_one, [5] = &inner_two, [7] = &inner_hidden } };

int second(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__uint(max_entries, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [3] = (void *)&second } };

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} hidden SEC(".maps");

SEC("xdp")
int first(struct xdp_md *ctx)
{
	__u32 key = 0;

	bpf_map_lookup_elem(&inner_two, &key);
	bpf_map_lookup_elem(&typed, &key);
	bpf_tail_call(ctx, &jumps, 3);
	return XDP_PASS;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&hidden, &key) ? XDP_DROP : XDP_ABORTED;
}

LICENSE("GPL");
