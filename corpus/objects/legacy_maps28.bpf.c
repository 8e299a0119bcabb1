// flags: -mcpu=v2
// SPDX-License-Identifier: MIT OR Apache-2.0
// As the kernel's samples were: map definitions of 28 bytes, a numbered section
// name, a kernel version, a device map whose size user space sets.
#include "bpf_helpers.h"
#include "legacy.h"
#include "packet.h"
#include "xdp.h"

struct bpf_map_def_28 SEC("maps") tx_port = {
	.type = BPF_MAP_TYPE_DEVMAP,
	.key_size = sizeof(int),
	.value_size = sizeof(int),
	.max_entries = 0,
};

struct bpf_map_def_28 SEC("maps") counters = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(long),
	.max_entries = 1,
};

static __always_inline void count(void)
{
	__u32 key = 0;
	long *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		*value += 1;
}

SEC("xdp_prog0")
int redirect_port(struct xdp_md *ctx)
{
	struct ethhdr *eth = xdp_data(ctx);

	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_DROP;
	swap_mac(eth);
	count();
	return bpf_redirect_map(&tx_port, 0, 0);
}

SEC("xdp_dummy")
int dummy(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("GPL");
__u32 _version SEC("version") = 0x060c00;
