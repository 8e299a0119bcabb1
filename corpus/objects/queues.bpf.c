// SPDX-License-Identifier: MIT OR Apache-2.0
// Queue and stack maps: keeps the last packet lengths in a queue that forgets
// the oldest, collects lengths on a stack, and empties it by a packet that is
// not IP.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__uint(value_size, sizeof(__u32));
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 16);
	__type(value, __u64);
} pile SEC(".maps");

__u64 refused; // pushes onto a full stack (E2BIG)
__u64 empty; // pops from an empty one (ENOENT)
__u64 oldest;
__u64 popped_sum;

SEC("xdp")
int queues(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u32 length = c.end - c.pos, head = 0;
	__u64 value = length;
	struct ethhdr *eth;
	int proto = pull_eth(&c, &eth);

	// BPF_EXIST: a full queue drops its oldest element.
	bpf_map_push_elem(&recent, &length, BPF_EXIST);
	if (!bpf_map_peek_elem(&recent, &head))
		oldest = head;

	if (proto == bpf_htons(ETH_P_IP) || proto == bpf_htons(ETH_P_IPV6)) {
		if (bpf_map_push_elem(&pile, &value, BPF_ANY) == -7)
			refused++;
		return XDP_PASS;
	}
	for (int i = 0; i < 20; i++) {
		if (bpf_map_pop_elem(&pile, &value) == -2) {
			empty++;
			break;
		}
		popped_sum += value;
	}
	return head == length ? XDP_TX : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
