// SPDX-License-Identifier: MIT OR Apache-2.0
// Redirects through a device map by the lowest bit of the destination address;
// an entry may carry a second program (`xdp/devmap`), which sees the packet on
// its way out and refuses one source.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

__u64 redirected;
__u64 egress_seen[16];

// What bpf_redirect_map answers when the entry is empty stands in the flags.
SEC("xdp")
int to_port(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_DROP;
	long action = bpf_redirect_map(&ports, bpf_ntohl(ip->daddr) & 7, XDP_TX);
	if (action == XDP_REDIRECT)
		__sync_fetch_and_add(&redirected, 1);
	return action;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}

// By interface number, without a map.
SEC("xdp")
int to_loopback(struct xdp_md *ctx)
{
	return bpf_redirect(1, 0);
}

SEC("xdp/devmap")
int egress(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	__sync_fetch_and_add(&egress_seen[ctx->egress_ifindex & 15], 1);
	if (eth && eth->h_source[5] == 66)
		return XDP_DROP;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
