// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs for one interface, one after the other, as libxdp's dispatcher runs
// them: each says in its object when it wants to run and after which answers the
// next one does. `no_ping` is written for the dispatcher (`freplace`), the others
// are ordinary.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

// As `xdp/xdp_helpers.h` of libxdp declares it.
#define XDP_RUN_CONFIG(program) _##program SEC(".xdp_run_config")

#define TELNET 23

__u64 seen_packets;

struct {
	__uint(priority, 10);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(seen);

SEC("xdp")
int seen(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&seen_packets, 1);
	return XDP_PASS;
}

struct {
	__uint(priority, 20);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(no_telnet);

SEC("xdp")
int no_telnet(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	struct tcphdr *tcp = PULL(&c, struct tcphdr);
	return tcp && tcp->dest == bpf_htons(TELNET) ? XDP_DROP : XDP_PASS;
}

SEC("freplace")
int no_ping(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	return ip && ip->protocol == IPPROTO_ICMP ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
