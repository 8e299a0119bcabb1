// SPDX-License-Identifier: MIT OR Apache-2.0
// A bridge: redirects by destination MAC address through a table of interface
// numbers and a device map keyed by any number; floods what it does not know.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u8[6]);
	__type(value, __u32); // key of `devices`
} macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

__u64 unknown;

SEC("xdp")
int bridge(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth)
		return XDP_ABORTED;
	if (eth->h_dest[0] & 1) // group address
		return bpf_redirect_map(&devices, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	__u8 mac[8] = {};
	__builtin_memcpy(mac, eth->h_dest, 6);
	__u32 *device = bpf_map_lookup_elem(&macs, mac);
	if (!device) {
		__sync_fetch_and_add(&unknown, 1);
		return XDP_PASS;
	}
	// If the device is gone: drop.
	return bpf_redirect_map(&devices, *device, XDP_DROP);
}

LICENSE("Dual MIT/GPL");
