// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops by callback: bpf_loop over the bytes of a packet, with an early end and
// nested, and bpf_for_each_map_elem over a hash and an array, with deletion
// while walking.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32); // packet length
	__type(value, __u64); // how many
} lengths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32); // upper half of a byte
	__type(value, __u64);
} nibbles SEC(".maps");

struct results {
	__u64 loops; // what bpf_loop answered
	__u64 bytes;
	__u64 products;
	__u64 hash_sum;
	__u64 array_sum;
	__u64 array_visited;
	__u64 deleted;
	__u64 errors;
};
struct results results;

struct walk {
	struct xdp_md *ctx;
	__u32 limit;
};

static long one_byte(__u32 index, struct walk *walk)
{
	__u8 *byte = xdp_data(walk->ctx) + (index & 0xfff);
	__u32 nibble;

	if ((void *)(byte + 1) > xdp_data_end(walk->ctx))
		return 1;
	nibble = *byte >> 4;
	__u64 *n = bpf_map_lookup_elem(&nibbles, &nibble);
	if (n)
		(*n)++;
	results.bytes++;
	return index + 1 == walk->limit;
}

static long inner(__u32 index, __u64 *factor)
{
	results.products += *factor * index;
	return 0;
}

static long outer(__u32 index, void *unused)
{
	__u64 factor = index;

	bpf_loop(4, inner, &factor, 0);
	return index == 5; // six times
}

static long sum_values(void *map, const void *key, __u64 *value, __u64 *sum)
{
	*sum += *value;
	return 0;
}

static long sum_until(void *map, const __u32 *key, __u64 *value, __u64 *sum)
{
	*sum += *value;
	return *key == 7;
}

static long delete_short(void *map, const __u32 *key, __u64 *value, __u64 *deleted)
{
	__u32 length = *key;

	if (length >= 64)
		return 0;
	if (!bpf_map_delete_elem(&lengths, &length))
		(*deleted)++;
	return 0;
}

SEC("xdp")
int callbacks(struct xdp_md *ctx)
{
	__u32 length = xdp_data_end(ctx) - xdp_data(ctx);
	struct walk walk = { ctx, 200 };
	__u64 first = 1, sum = 0, deleted = 0;
	long answer;

	__u64 *known = bpf_map_lookup_elem(&lengths, &length);
	if (known)
		(*known)++;
	else
		bpf_map_update_elem(&lengths, &length, &first, BPF_ANY);

	answer = bpf_loop(1000, one_byte, &walk, 0);
	if (answer < 0)
		results.errors++;
	else
		results.loops += answer;
	bpf_loop(100, outer, NULL, 0);
	// Too many rounds, and flags that do not exist.
	if (bpf_loop((1 << 23) + 1, inner, &sum, 0) != -7)
		results.errors++;
	if (bpf_loop(1, inner, &sum, 1) != -22)
		results.errors++;

	bpf_for_each_map_elem(&lengths, sum_values, &sum, 0);
	results.hash_sum = sum;
	sum = 0;
	results.array_visited = bpf_for_each_map_elem(&nibbles, sum_until, &sum, 0);
	results.array_sum = sum;
	bpf_for_each_map_elem(&lengths, delete_short, &deleted, 0);
	results.deleted += deleted;
	return answer == length || answer == 200 ? XDP_PASS : XDP_TX;
}

LICENSE("Dual MIT/GPL");
