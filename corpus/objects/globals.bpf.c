// SPDX-License-Identifier: MIT OR Apache-2.0
// Configuration and state in global variables: constants that user space may
// set before load (.rodata), initialised and zeroed variables (.data, .bss),
// sections of their own (.data.hot, .rodata.names), strings, static and hidden
// ones.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct limits {
	__u32 shortest;
	__u32 longest;
	__u8 ethertypes[2][2];
};

const volatile struct limits limits = {
	.shortest = 60,
	.longest = 1514,
	.ethertypes = { { 0x08, 0x00 }, { 0x86, 0xdd } },
};
const volatile bool drop_long = true;
const volatile __u64 sample_mask = 3;

const char verdict_names[2][8] SEC(".rodata.names") = { "short", "long" };

__u64 budget = 1000;
static __u32 generation = 41;
__s16 balance = -5;

__u64 packets;
__u64 seen[3];
static __u64 hidden_total;
char last_verdict[8];

struct {
	__u64 tx;
	__u64 pass;
} hot SEC(".data.hot") = { 1, 1 };

static __always_inline void verdict(int which)
{
	for (int i = 0; i < 8; i++)
		last_verdict[i] = verdict_names[which][i];
}

SEC("xdp")
int globals(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u32 length = c.end - c.pos;
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth)
		return XDP_ABORTED;
	packets++;
	generation++;
	balance += length % 2 ? 1 : -1;
	hidden_total += length;
	if (!budget)
		return XDP_DROP;
	budget--;

	__u8 *type = (__u8 *)&eth->h_proto;
	int kind = 2;
	for (int i = 0; i < 2; i++)
		if (type[0] == limits.ethertypes[i][0] && type[1] == limits.ethertypes[i][1])
			kind = i;
	seen[kind]++;

	if (length < limits.shortest) {
		verdict(0);
		return XDP_DROP;
	}
	if (length > limits.longest) {
		verdict(1);
		return drop_long ? XDP_DROP : XDP_PASS;
	}
	if ((packets & sample_mask) == 0) {
		hot.tx++;
		return XDP_TX;
	}
	hot.pass++;
	return hidden_total == generation ? XDP_ABORTED : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
