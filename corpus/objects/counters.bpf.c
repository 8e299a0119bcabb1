// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts without sharing between CPUs: packets by ethertype class in a per-CPU
// array, packets and bytes per flow in a per-CPU hash, and the same number read
// back through bpf_map_lookup_percpu_elem.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct flow {
	__be32 saddr;
	__be32 daddr;
	__u32 protocol;
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct counter);
} classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow);
	__type(value, struct counter);
} flows SEC(".maps");

// A flow did not fit: `flows` is full.
__u64 overflow;
// What CPU 0 has counted in class 1 (IPv4).
__u64 ipv4_on_cpu0;

static __always_inline void add(struct counter *counter, __u64 bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

SEC("xdp")
int counters(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u64 bytes = c.end - c.pos;
	struct counter *counter;
	struct ethhdr *eth;
	int proto = pull_eth(&c, &eth);
	__u32 class = proto == bpf_htons(ETH_P_IP)     ? 1
		      : proto == bpf_htons(ETH_P_IPV6) ? 2
		      : proto == bpf_htons(ETH_P_ARP)  ? 3
						       : 0;

	counter = bpf_map_lookup_elem(&classes, &class);
	if (counter)
		add(counter, bytes);
	if (class != 1)
		return XDP_PASS;

	class = 1;
	counter = bpf_map_lookup_percpu_elem(&classes, &class, 0);
	if (counter)
		ipv4_on_cpu0 = counter->packets;

	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_DROP;
	struct flow flow = { ip->saddr, ip->daddr, ip->protocol };
	counter = bpf_map_lookup_elem(&flows, &flow);
	if (counter) {
		add(counter, bytes);
	} else {
		struct counter first = { 1, bytes };
		if (bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST))
			__sync_fetch_and_add(&overflow, 1);
	}
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
