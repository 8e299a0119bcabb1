// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends the head of every n-th packet to user space through a perf event array:
// a small record, and packet bytes that the kernel appends (their number stands
// in the upper half of the flags).
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

const volatile __u32 every = 4;
const volatile __u32 snaplen = 64;

struct sample {
	__u32 cookie;
	__u32 length;
	__u64 number;
};

// Zero entries: as many as there are CPUs.
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} samples SEC(".maps");

__u64 seen;
__u64 lost;

SEC("xdp")
int sampler(struct xdp_md *ctx)
{
	__u32 length = xdp_data_end(ctx) - xdp_data(ctx);
	__u64 number = __sync_fetch_and_add(&seen, 1);

	if (!every || number % every)
		return XDP_PASS;
	struct sample sample = { 0xfeed, length, number };
	__u64 head = length < snaplen ? length : snaplen;
	if (bpf_perf_event_output(ctx, &samples, head << 32 | BPF_F_CURRENT_CPU, &sample,
				  sizeof(sample)))
		__sync_fetch_and_add(&lost, 1);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
