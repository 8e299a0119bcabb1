// SPDX-License-Identifier: MIT OR Apache-2.0
// A parser in pieces: one program per protocol, joined by tail calls through a
// program array that the object fills (static `.values`). The position travels
// in a per-CPU map. One slot stays empty, and one program calls itself until
// the kernel's limit of 33 tail calls stops it.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

enum step {
	STEP_IPV4,
	STEP_IPV6,
	STEP_TCP,
	STEP_UDP,
	STEP_ICMP, // nobody is there
	STEP_SELF,
	STEP_MAX,
};

int parse_ipv4(struct xdp_md *ctx);
int parse_ipv6(struct xdp_md *ctx);
int parse_tcp(struct xdp_md *ctx);
int parse_udp(struct xdp_md *ctx);
int count_itself(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STEP_MAX);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} steps SEC(".maps") = {
	.values = {
		[STEP_IPV4] = (void *)&parse_ipv4,
		[STEP_IPV6] = (void *)&parse_ipv6,
		[STEP_TCP] = (void *)&parse_tcp,
		[STEP_UDP] = (void *)&parse_udp,
		[STEP_SELF] = (void *)&count_itself,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} position SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} dports SEC(".maps");

__u64 fell_through;
__u64 calls;

static __always_inline void keep(__u64 offset)
{
	__u32 zero = 0;
	__u64 *p = bpf_map_lookup_elem(&position, &zero);

	if (p)
		*p = offset;
}

// A cursor where the caller left off.
static __always_inline struct cursor resume(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u32 zero = 0;
	__u64 *p = bpf_map_lookup_elem(&position, &zero);

	c.pos += p ? *p & 0xff : 0;
	return c;
}

static __always_inline int next(struct xdp_md *ctx, __u8 protocol)
{
	__u32 step = protocol == IPPROTO_TCP  ? STEP_TCP
		     : protocol == IPPROTO_UDP ? STEP_UDP
					       : STEP_ICMP;

	bpf_tail_call(ctx, &steps, step);
	__sync_fetch_and_add(&fell_through, 1);
	return XDP_PASS;
}

static __always_inline int arrive(__be16 dport, int action)
{
	__u32 key = bpf_ntohs(dport);
	__u64 *n = bpf_map_lookup_elem(&dports, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	return action;
}

SEC("xdp")
int parse_ipv4(struct xdp_md *ctx)
{
	struct cursor c = resume(ctx);
	struct iphdr *ip = c.pos;

	if ((void *)(ip + 1) > c.end || ip->ihl < 5)
		return XDP_DROP;
	keep((void *)ip - xdp_data(ctx) + ip->ihl * 4);
	return next(ctx, ip->protocol);
}

SEC("xdp")
int parse_ipv6(struct xdp_md *ctx)
{
	struct cursor c = resume(ctx);
	struct ipv6hdr *ip6 = c.pos;

	if ((void *)(ip6 + 1) > c.end)
		return XDP_DROP;
	keep((void *)(ip6 + 1) - xdp_data(ctx));
	return next(ctx, ip6->nexthdr);
}

SEC("xdp")
int parse_tcp(struct xdp_md *ctx)
{
	struct cursor c = resume(ctx);
	struct tcphdr *tcp = c.pos;

	if ((void *)(tcp + 1) > c.end)
		return XDP_DROP;
	return arrive(tcp->dest, tcp->syn ? XDP_TX : XDP_PASS);
}

SEC("xdp")
int parse_udp(struct xdp_md *ctx)
{
	struct cursor c = resume(ctx);
	struct udphdr *udp = c.pos;

	if ((void *)(udp + 1) > c.end)
		return XDP_DROP;
	return arrive(udp->dest, XDP_PASS);
}

SEC("xdp")
int parser(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	int proto = pull_eth(&c, &eth);

	if (proto < 0)
		return XDP_DROP;
	keep(c.pos - xdp_data(ctx));
	if (proto == bpf_htons(ETH_P_IP))
		bpf_tail_call(ctx, &steps, STEP_IPV4);
	else if (proto == bpf_htons(ETH_P_IPV6))
		bpf_tail_call(ctx, &steps, STEP_IPV6);
	else
		bpf_tail_call(ctx, &steps, 1000); // past the end of the array
	__sync_fetch_and_add(&fell_through, 1);
	return XDP_PASS;
}

// Leaves 34 in `calls`: the first run and 33 tail calls.
SEC("xdp")
int count_itself(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	bpf_tail_call(ctx, &steps, STEP_SELF);
	return XDP_DROP;
}

LICENSE("Dual MIT/GPL");
