// SPDX-License-Identifier: MIT OR Apache-2.0
// Remembers who sent a packet, and forgets him when nothing came from him for a
// while: each entry has a timer of its own.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct guest {
	struct bpf_timer idle;
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __be32);
	__type(value, struct guest);
} guests SEC(".maps");

struct gone {
	__be32 who;
	__u32 packets;
	__u64 when;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} farewells SEC(".maps");

// For the type that nothing else names.
struct gone *unused_gone;

const volatile __u64 patience_ns = 30000000000;

static int forget(void *map, __be32 *who, struct guest *guest)
{
	struct gone *gone = bpf_ringbuf_reserve(&farewells, sizeof(*gone), 0);

	if (gone) {
		gone->who = *who;
		gone->packets = guest->packets;
		gone->when = bpf_ktime_get_ns();
		bpf_ringbuf_submit(gone, 0);
	}
	bpf_map_delete_elem(map, who);
	return 0;
}

SEC("xdp")
int idle(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct guest fresh = {};
	struct guest *guest;
	struct ethhdr *eth;
	__be32 who;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_PASS;
	who = ip->saddr;
	guest = bpf_map_lookup_elem(&guests, &who);
	if (!guest) {
		bpf_map_update_elem(&guests, &who, &fresh, BPF_NOEXIST);
		guest = bpf_map_lookup_elem(&guests, &who);
		if (!guest)
			return XDP_DROP;
		bpf_timer_init(&guest->idle, &guests, CLOCK_MONOTONIC);
		bpf_timer_set_callback(&guest->idle, forget);
	}
	guest->packets++;
	// From the beginning, if it runs already.
	bpf_timer_start(&guest->idle, patience_ns, 0);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
