// flags: -g -mcpu=v3 --target=bpfeb
// SPDX-License-Identifier: MIT OR Apache-2.0
// An object for big-endian machines.
#include "bpf_helpers.h"
#include "xdp.h"

__u64 packets;

SEC("xdp")
int big_endian(struct xdp_md *ctx)
{
	packets++;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
