// SPDX-License-Identifier: MIT OR Apache-2.0
// A filter of ports that user space commands through a ring buffer: what is in it
// is read before a packet is judged.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

enum verb { BLOCK, ALLOW };

struct command {
	enum verb verb;
	__u16 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u16);
	__type(value, __u8);
} blocked SEC(".maps");

// For the types that nothing else names.
struct command *unused_command;

__u64 obeyed;
__u64 not_understood;

static long obey(const struct bpf_dynptr *record, void *ctx)
{
	struct command command;
	__u16 port;
	__u8 yes = 1;

	if (bpf_dynptr_read(&command, sizeof(command), record, 0, 0)) {
		not_understood++;
		return 0;
	}
	port = command.port;
	switch (command.verb) {
	case BLOCK:
		bpf_map_update_elem(&blocked, &port, &yes, BPF_ANY);
		break;
	case ALLOW:
		bpf_map_delete_elem(&blocked, &port);
		break;
	default:
		not_understood++;
		return 0;
	}
	obeyed++;
	return 0;
}

SEC("xdp")
int commanded(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	__u16 port;

	bpf_user_ringbuf_drain(&commands, obey, NULL, 0);
	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	struct tcphdr *tcp = pull_tcp(&c);
	if (!tcp)
		return XDP_PASS;
	port = bpf_ntohs(tcp->dest);
	return bpf_map_lookup_elem(&blocked, &port) ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
