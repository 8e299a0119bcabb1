// SPDX-License-Identifier: MIT OR Apache-2.0
// Masquerading, both ways: `outbound` on the inner interface gives TCP and UDP
// over IPv4 the address of the outer one and a port of its own, `inbound` on the
// outer interface gives answers back to who asked. Each new flow is reported.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define FIRST_PORT 50000
#define PORTS 1000

const volatile __u8 outer_address[4] = { 203, 0, 113, 1 };
const volatile __u32 outer_ifindex = 3;
const volatile __u32 inner_ifindex = 2;

struct flow {
	__be32 addr;
	__be16 port;
	__u16 protocol;
};

struct mapping {
	__be16 port;
	__u16 pad;
	__u32 packets;
};

// From who is inside to the port outside, and back.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PORTS);
	__type(key, struct flow);
	__type(value, struct mapping);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PORTS);
	__type(key, __be16);
	__type(value, struct flow);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct new_flow {
	struct flow from;
	__u16 outer_port;
	__u16 pad;
};

// Keeps the type of the records in the object's BTF.
const struct new_flow *new_flow_type __attribute__((unused));

__u32 used;

struct ports {
	__be16 source;
	__be16 dest;
};

static __always_inline __sum16 csum_apply(__sum16 check, __s64 diff)
{
	return csum_fold((__u64)(__u16)~check + (__u32)diff);
}

// The checksum of the transport layer, if there is room for one.
static __always_inline __sum16 *transport_check(void *l4, void *end, __u8 protocol)
{
	struct tcphdr *tcp = l4;
	struct udphdr *udp = l4;

	if (protocol == IPPROTO_TCP)
		return (void *)(tcp + 1) > end ? NULL : &tcp->check;
	if (protocol == IPPROTO_UDP)
		return (void *)(udp + 1) > end ? NULL : &udp->check;
	return NULL;
}

// Writes another address and port, and makes the checksums right again.
static __always_inline void rewrite(__be32 *addr, __be16 *port, __sum16 *l3, __sum16 *l4,
				    __u8 protocol, __be32 to_addr, __be16 to_port)
{
	__be32 from_words[2] = { *addr, *port };
	__be32 to_words[2] = { to_addr, to_port };
	__s64 addr_diff = bpf_csum_diff(from_words, 4, to_words, 4, 0);
	__s64 both_diff = bpf_csum_diff(from_words, 8, to_words, 8, 0);

	*addr = to_addr;
	*port = to_port;
	*l3 = csum_apply(*l3, addr_diff);
	// A UDP checksum of zero means none.
	if (protocol == IPPROTO_TCP || *l4)
		*l4 = csum_apply(*l4, both_diff);
}

static __always_inline struct mapping *new_mapping(const struct flow *flow)
{
	__u32 n = __sync_fetch_and_add(&used, 1);
	struct mapping fresh = {};
	struct new_flow *event;

	if (n >= PORTS)
		return NULL;
	fresh.port = bpf_htons(FIRST_PORT + n);
	if (bpf_map_update_elem(&flows, flow, &fresh, BPF_NOEXIST) ||
	    bpf_map_update_elem(&ports, &fresh.port, flow, BPF_ANY))
		return NULL;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->from = *flow;
		event->outer_port = FIRST_PORT + n;
		event->pad = 0;
		bpf_ringbuf_submit(event, 0);
	}
	return bpf_map_lookup_elem(&flows, flow);
}

SEC("xdp")
int outbound(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = PULL(&c, struct iphdr);
	if (!ip || ip->ihl != 5 || (ip->frag_off & bpf_htons(0x3fff)))
		return XDP_PASS;
	__sum16 *check = transport_check(c.pos, c.end, ip->protocol);
	if (!check)
		return XDP_PASS;
	struct ports *port = c.pos;

	struct flow flow = { ip->saddr, port->source, ip->protocol };
	struct mapping *mapping = bpf_map_lookup_elem(&flows, &flow);
	if (!mapping)
		mapping = new_mapping(&flow);
	if (!mapping)
		return XDP_DROP;
	__sync_fetch_and_add(&mapping->packets, 1);
	rewrite(&ip->saddr, &port->source, &ip->check, check, ip->protocol,
		*(const volatile __be32 *)outer_address, mapping->port);
	return bpf_redirect(outer_ifindex, 0);
}

SEC("xdp")
int inbound(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = PULL(&c, struct iphdr);
	if (!ip || ip->ihl != 5 || (ip->frag_off & bpf_htons(0x3fff)))
		return XDP_PASS;
	__sum16 *check = transport_check(c.pos, c.end, ip->protocol);
	if (!check)
		return XDP_PASS;
	struct ports *port = c.pos;

	struct flow *flow = bpf_map_lookup_elem(&ports, &port->dest);
	if (!flow || flow->protocol != ip->protocol)
		return XDP_PASS;
	rewrite(&ip->daddr, &port->dest, &ip->check, check, ip->protocol, flow->addr, flow->port);
	return bpf_redirect(inner_ifindex, 0);
}

LICENSE("Dual MIT/GPL");
