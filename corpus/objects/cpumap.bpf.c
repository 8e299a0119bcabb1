// SPDX-License-Identifier: MIT OR Apache-2.0
// Spreads flows over CPUs through a CPU map; an entry may carry a second
// program (`xdp/cpumap`) that runs on the other CPU.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

const volatile __u32 cpus = 2;

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpu_queues SEC(".maps");

__u64 sent_to[64];
__u64 arrived;

SEC("xdp")
int spread(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	__u32 cpu = 0;

	if (pull_eth(&c, &eth) == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = pull_ip(&c);
		if (!ip)
			return XDP_DROP;
		// Both directions of a flow meet on one CPU.
		cpu = (ip->saddr ^ ip->daddr) >> 24;
	}
	cpu = cpus ? cpu % cpus : 0;
	__sync_fetch_and_add(&sent_to[cpu & 63], 1);
	return bpf_redirect_map(&cpu_queues, cpu, XDP_PASS);
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&arrived, 1);
	return ctx->rx_queue_index == 0 ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
