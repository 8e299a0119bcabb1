// SPDX-License-Identifier: MIT OR Apache-2.0
// Hands UDP packets to the AF_XDP socket of their queue if there is one, and
// lets everything else through.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

__u64 without_socket;

SEC("xdp")
int to_socket(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u32 queue = ctx->rx_queue_index;
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (!bpf_map_lookup_elem(&sockets, &queue)) {
		__sync_fetch_and_add(&without_socket, 1);
		return XDP_PASS;
	}
	return bpf_redirect_map(&sockets, queue, XDP_DROP);
}

LICENSE("Dual MIT/GPL");
