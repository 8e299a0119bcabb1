// flags: -mcpu=v1
// SPDX-License-Identifier: MIT OR Apache-2.0
// An object of the old kind: map definitions of 20 bytes in a section `maps`, no
// BTF, base instruction set, and a program section that says no program type.
#include "bpf_helpers.h"
#include "legacy.h"
#include "packet.h"
#include "xdp.h"

struct bpf_map_def SEC("maps") protocols = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 256,
};

struct bpf_map_def SEC("maps") blocked = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__be32),
	.value_size = sizeof(__u64),
	.max_entries = 1000,
	.map_flags = BPF_F_NO_PREALLOC,
};

SEC("prog")
int legacy_filter(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	__u64 *value;
	__u32 key;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip)
		return XDP_DROP;
	key = ip->protocol;
	value = bpf_map_lookup_elem(&protocols, &key);
	if (value)
		*value += 1;
	key = ip->saddr;
	value = bpf_map_lookup_elem(&blocked, &key);
	if (value) {
		__sync_fetch_and_add(value, 1);
		return XDP_DROP;
	}
	return XDP_PASS;
}

LICENSE("GPL");
