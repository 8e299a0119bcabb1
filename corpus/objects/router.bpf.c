// SPDX-License-Identifier: MIT OR Apache-2.0
// A router: asks the kernel's table (bpf_fib_lookup), checks the size for the
// way out (bpf_check_mtu), counts down the time to live, rewrites the Ethernet
// addresses and redirects. Counts every answer of the table.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

__u64 lookup_errors;
__u64 expired;
__u64 too_big;
__u64 mtu_errors;

static __always_inline int forward(struct xdp_md *ctx, struct ethhdr *eth,
				   const struct bpf_fib_lookup *way)
{
	__builtin_memcpy(eth->h_dest, way->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way->smac, ETH_ALEN);
	return bpf_redirect(way->ifindex, 0);
}

static __always_inline void count_answer(__u32 answer)
{
	__u64 *n = bpf_map_lookup_elem(&answers, &answer);

	if (n)
		(*n)++;
}

SEC("xdp")
int router(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);
	struct bpf_fib_lookup way = {};
	struct ipv6hdr *ip6 = NULL;
	struct iphdr *ip = NULL;
	__u32 mtu = 0;

	if (!eth)
		return XDP_DROP;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		ip = pull_ip(&c);
		if (!ip)
			return XDP_DROP;
		if (ip->ttl <= 1) {
			expired++;
			return XDP_PASS;
		}
		way.family = AF_INET;
		way.tos = ip->tos;
		way.l4_protocol = ip->protocol;
		way.tot_len = bpf_ntohs(ip->tot_len);
		way.ipv4_src = ip->saddr;
		way.ipv4_dst = ip->daddr;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		ip6 = pull_ip6(&c);
		if (!ip6)
			return XDP_DROP;
		if (ip6->hop_limit <= 1) {
			expired++;
			return XDP_PASS;
		}
		way.family = AF_INET6;
		way.l4_protocol = ip6->nexthdr;
		way.tot_len = bpf_ntohs(ip6->payload_len);
		__builtin_memcpy(way.ipv6_src, &ip6->saddr, 16);
		__builtin_memcpy(way.ipv6_dst, &ip6->daddr, 16);
	} else {
		return XDP_PASS;
	}
	way.ifindex = ctx->ingress_ifindex;

	long answer = bpf_fib_lookup(ctx, &way, sizeof(way), 0);
	if (answer < 0) {
		lookup_errors++;
		return XDP_ABORTED;
	}
	count_answer(answer);
	if (answer == BPF_FIB_LKUP_RET_BLACKHOLE || answer == BPF_FIB_LKUP_RET_UNREACHABLE ||
	    answer == BPF_FIB_LKUP_RET_PROHIBIT)
		return XDP_DROP;
	if (answer != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;

	long mtu_answer = bpf_check_mtu(ctx, way.ifindex, &mtu, 0, 0);
	if (mtu_answer < 0) {
		mtu_errors++;
		return XDP_DROP;
	}
	if (mtu_answer) {
		too_big++;
		return XDP_PASS;
	}
	if (ip) {
		__be16 *word = (__be16 *)&ip->ttl, old = *word;
		ip->ttl--;
		ip->check = csum_replace2(ip->check, old, *word);
	} else if (ip6) {
		ip6->hop_limit--;
	}
	return forward(ctx, eth, &way);
}

// bpf_check_mtu alone, on the interface of the packet and on one that is not.
SEC("xdp")
int check_mtu(struct xdp_md *ctx)
{
	__u32 mtu = 0;

	if (bpf_check_mtu(ctx, 12345, &mtu, 0, 0) >= 0)
		return XDP_ABORTED;
	mtu_errors++;
	// Would one more header fit?
	long grown = bpf_check_mtu(ctx, 0, &mtu, 62000, 0);
	if (grown == 1)
		too_big++;
	return bpf_check_mtu(ctx, 0, &mtu, 0, 0) ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
