// flags: -mcpu=v1
// SPDX-License-Identifier: MIT OR Apache-2.0
// A lone program in .text, as compilers leave it when nobody names a section: no
// maps, no licence, no BTF.
#include "packet.h"
#include "xdp.h"

int drop_udp(struct xdp_md *ctx)
{
	struct ethhdr *eth = xdp_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > xdp_data_end(ctx))
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP) && ip->protocol == IPPROTO_UDP)
		return XDP_DROP;
	return XDP_PASS;
}
