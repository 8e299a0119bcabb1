// SPDX-License-Identifier: MIT OR Apache-2.0
// A number from a packet is an index only once it is known to be small enough.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define PROTOCOLS 64

struct table {
	__u32 packets[PROTOCOLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table);
} tables SEC(".maps");

SEC("xdp")
int wrong(struct xdp_md *ctx)
{
	struct ethhdr *eth = xdp_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	__u32 zero = 0;
	struct table *table = bpf_map_lookup_elem(&tables, &zero);

	if (!table || (void *)(ip + 1) > xdp_data_end(ctx))
		return XDP_PASS;
	table->packets[ip->protocol] += 1;
	return XDP_PASS;
}

SEC("xdp")
int right(struct xdp_md *ctx)
{
	struct ethhdr *eth = xdp_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);
	__u32 zero = 0;
	struct table *table = bpf_map_lookup_elem(&tables, &zero);

	if (!table || (void *)(ip + 1) > xdp_data_end(ctx))
		return XDP_PASS;
	if (ip->protocol < PROTOCOLS)
		table->packets[ip->protocol] += 1;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
