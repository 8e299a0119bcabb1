// flags: -g -gdwarf-5 -mcpu=v2
// SPDX-License-Identifier: MIT OR Apache-2.0
// Not stripped: with all the DWARF sections and relocations that a compiler
// leaves and a loader must pass by.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

SEC("xdp")
int with_dwarf(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&packets, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	return n && *n % 2 ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
