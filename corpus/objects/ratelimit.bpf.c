// SPDX-License-Identifier: MIT OR Apache-2.0
// A token bucket per IPv4 source: `rate` packets per second with bursts of
// `burst`; what exceeds it is dropped. Depends on the clock.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define NSEC_PER_SEC 1000000000ULL

const volatile __u64 rate = 100;
const volatile __u64 burst = 10;

struct bucket {
	__u64 last_ns;
	__u64 tokens; // in billionths of a packet
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct bucket);
} buckets SEC(".maps");

__u64 passed;
__u64 dropped;

SEC("xdp")
int ratelimit(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u64 now = bpf_ktime_get_ns();
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_DROP;

	__be32 saddr = ip->saddr;
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, &saddr);
	if (!bucket) {
		struct bucket fresh = { now, (burst - 1) * NSEC_PER_SEC };
		bpf_map_update_elem(&buckets, &saddr, &fresh, BPF_ANY);
		__sync_fetch_and_add(&passed, 1);
		return XDP_PASS;
	}

	__u64 full = burst * NSEC_PER_SEC;
	__u64 elapsed = now - bucket->last_ns;
	if (elapsed > 60 * NSEC_PER_SEC)
		elapsed = 60 * NSEC_PER_SEC;
	__u64 tokens = bucket->tokens + elapsed * rate;
	if (tokens > full)
		tokens = full;
	bucket->last_ns = now;

	if (tokens < NSEC_PER_SEC) {
		bucket->tokens = tokens;
		__sync_fetch_and_add(&dropped, 1);
		return XDP_DROP;
	}
	bucket->tokens = tokens - NSEC_PER_SEC;
	__sync_fetch_and_add(&passed, 1);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
