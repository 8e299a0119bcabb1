// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends every packet back, to the second port, or to all ports.
#include "bpf_helpers.h"
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int back(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 2, 0);
}

// Without a map: by the index of the second port.
SEC("xdp")
int second_index(struct xdp_md *ctx)
{
	return bpf_redirect(20, 0);
}

SEC("xdp")
int others(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}

SEC("xdp")
int all(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, BPF_F_BROADCAST);
}

LICENSE("Dual MIT/GPL");
