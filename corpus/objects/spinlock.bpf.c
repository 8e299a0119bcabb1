// SPDX-License-Identifier: MIT OR Apache-2.0
// A counter of two fields that change together, under a spin lock, in an array
// and in a hash.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct account {
	struct bpf_spin_lock lock;
	__u32 packets;
	__u64 bytes;
	__u64 longest;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct account);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u16);
	__type(value, struct account);
} by_ethertype SEC(".maps");

static __always_inline void book(struct account *account, __u64 bytes)
{
	bpf_spin_lock(&account->lock);
	account->packets++;
	account->bytes += bytes;
	if (bytes > account->longest)
		account->longest = bytes;
	bpf_spin_unlock(&account->lock);
}

SEC("xdp")
int spinlock(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u64 bytes = c.end - c.pos;
	struct ethhdr *eth = PULL(&c, struct ethhdr);
	struct account *account;

	if (!eth)
		return XDP_ABORTED;
	__u32 parity = bytes & 1;
	account = bpf_map_lookup_elem(&totals, &parity);
	if (account)
		book(account, bytes);

	__u16 type = bpf_ntohs(eth->h_proto);
	account = bpf_map_lookup_elem(&by_ethertype, &type);
	if (!account) {
		struct account fresh = {};
		bpf_map_update_elem(&by_ethertype, &type, &fresh, BPF_NOEXIST);
		account = bpf_map_lookup_elem(&by_ethertype, &type);
		if (!account)
			return XDP_DROP;
	}
	book(account, bytes);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
