// SPDX-License-Identifier: MIT OR Apache-2.0
// Port knocking: a source that sends TCP SYNs to the ports of `sequence` in
// order may reach the guarded port. One state per source in a hash map; each
// change of state is reported through a ring buffer.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define STEPS 4

const volatile __u16 sequence[STEPS] = { 7000, 8000, 9000, 7777 };
const volatile __u16 guarded = 22;

enum event_kind {
	KNOCK,
	RESET,
	OPEN,
	REFUSED,
	ADMITTED,
};

struct event {
	enum event_kind kind;
	__u32 step;
	__be32 saddr;
	__u16 port;
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __be32);
	__type(value, __u32);
} knockers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

static __always_inline void report(enum event_kind kind, __u32 step, __be32 saddr, __u16 port)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return;
	e->kind = kind;
	e->step = step;
	e->saddr = saddr;
	e->port = port;
	e->pad = 0;
	bpf_ringbuf_submit(e, 0);
}

SEC("xdp")
int portknock(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	struct tcphdr *tcp = pull_tcp(&c);
	if (!tcp)
		return XDP_DROP;

	__be32 saddr = ip->saddr;
	__u16 port = bpf_ntohs(tcp->dest);
	__u32 *state = bpf_map_lookup_elem(&knockers, &saddr);
	__u32 step = state ? *state : 0;

	if (port == guarded) {
		bool open = step == STEPS;
		if (tcp->syn && !tcp->ack)
			report(open ? ADMITTED : REFUSED, step, saddr, port);
		return open ? XDP_PASS : XDP_DROP;
	}
	if (!tcp->syn || tcp->ack || step >= STEPS)
		return XDP_PASS;

	if (port != sequence[step]) {
		if (step) {
			bpf_map_delete_elem(&knockers, &saddr);
			report(RESET, step, saddr, port);
		}
		return XDP_PASS;
	}
	step++;
	bpf_map_update_elem(&knockers, &saddr, &step, BPF_ANY);
	report(step == STEPS ? OPEN : KNOCK, step, saddr, port);
	return XDP_DROP;
}

LICENSE("Dual MIT/GPL");
