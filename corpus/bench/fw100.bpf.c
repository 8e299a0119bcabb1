// SPDX-License-Identifier: MIT OR Apache-2.0
// A linear filter: the first of a hundred rules that fits decides, and for the
// packets of the bench that is the last one.
#include "bench.h"
#include "packet.h"

#define RULES 100

struct rule {
	__be32 saddr, saddr_mask, daddr, daddr_mask;
	__u16 first_port, last_port;
	__u8 protocol, action;
};

// One rule for each /24 of 10.1.0.0/16, every other for one protocol only.
#define RULE(n)                                                           \
	{ 0x0000010a | (n) << 16, 0x00ffffff, 0, 0, 0, 1023,              \
	  (n) % 2 ? IPPROTO_TCP : IPPROTO_UDP, XDP_DROP }
#define TEN(n)                                                            \
	RULE(n), RULE(n + 1), RULE(n + 2), RULE(n + 3), RULE(n + 4),      \
	RULE(n + 5), RULE(n + 6), RULE(n + 7), RULE(n + 8), RULE(n + 9)

static struct rule rules[RULES] = {
	TEN(0), TEN(10), TEN(20), TEN(30), TEN(40), TEN(50), TEN(60), TEN(70), TEN(80),
	RULE(90), RULE(91), RULE(92), RULE(93), RULE(94), RULE(95), RULE(96), RULE(97), RULE(98),
	{ 0, 0, 0, 0, 0, 65535, IPPROTO_TCP, XDP_PASS },
};

SEC("xdp") int fw100(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);

	if (!ip)
		return XDP_DROP;
	struct udphdr *ports = PULL(&c, struct udphdr);

	if (!ports)
		return XDP_DROP;
	__u16 port = bpf_ntohs(ports->dest);
	__u32 saddr = ip->saddr, daddr = ip->daddr;
	__u8 protocol = ip->protocol;

	for (__u32 i = 0; i < RULES; i++) {
		struct rule *rule = &rules[i];

		if ((saddr & rule->saddr_mask) == rule->saddr &&
		    (daddr & rule->daddr_mask) == rule->daddr && protocol == rule->protocol &&
		    port >= rule->first_port && port <= rule->last_port)
			return rule->action;
	}
	return XDP_DROP;
}

LICENSE("Dual MIT/GPL");
