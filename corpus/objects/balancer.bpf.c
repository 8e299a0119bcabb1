// SPDX-License-Identifier: MIT OR Apache-2.0
// A layer-4 load balancer: a service (address, port, protocol) has a hash ring
// in a map of its own (map-in-map); connections stick to their backend through
// an LRU table; packets go out in an IPIP tunnel to the backend.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define RING_SIZE 64
#define MAX_SERVICES 8

struct service_key {
	__be32 addr;
	__be16 port;
	__u8 protocol;
	__u8 pad;
};

struct service {
	__u32 ring; // index into `rings`
	__u32 flags;
};

struct connection {
	__be32 saddr;
	__be32 daddr;
	__be16 source;
	__be16 dest;
	__u32 protocol;
};

struct backend {
	__be32 addr;
	__u8 mac[6];
	__u16 pad;
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct ring {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RING_SIZE);
	__type(key, __u32);
	__type(value, __u32); // index into `backends`
} web_ring SEC(".maps"), dns_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps") = {
	.values = {
		[0] = &web_ring,
		[1] = &dns_ring,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct connection);
	__type(value, __u32);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct counter);
} served SEC(".maps");

const volatile __u8 own_address[4] = { 192, 0, 2, 20 };

static __always_inline __u32 mix(__u32 h, __u32 word)
{
	h ^= word;
	h *= 0x85ebca6b;
	return h ^ (h >> 13);
}

static __always_inline __u32 flow_hash(const struct connection *conn)
{
	__u32 h = mix(0x9747b28c, conn->saddr);

	h = mix(h, conn->daddr);
	h = mix(h, (__u32)conn->source << 16 | conn->dest);
	return mix(h, conn->protocol);
}

// The backend that the connection has, or the one that the ring gives it.
static __always_inline struct backend *choose(const struct connection *conn, __u32 ring_index,
					      __u32 *index)
{
	__u32 *known = bpf_map_lookup_elem(&connections, conn);

	if (known) {
		*index = *known;
		return bpf_map_lookup_elem(&backends, index);
	}
	void *ring = bpf_map_lookup_elem(&rings, &ring_index);
	if (!ring)
		return NULL;
	__u32 slot = flow_hash(conn) % RING_SIZE;
	__u32 *entry = bpf_map_lookup_elem(ring, &slot);
	if (!entry)
		return NULL;
	*index = *entry;
	bpf_map_update_elem(&connections, conn, index, BPF_ANY);
	return bpf_map_lookup_elem(&backends, index);
}

static __always_inline int send_to(struct xdp_md *ctx, const struct backend *backend)
{
	struct ethhdr *eth, old;
	struct iphdr *ip;

	eth = xdp_data(ctx);
	if ((void *)(eth + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	old = *eth;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*ip)))
		return XDP_ABORTED;
	eth = xdp_data(ctx);
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > xdp_data_end(ctx))
		return XDP_ABORTED;
	__builtin_memcpy(eth->h_source, old.h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, backend->mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);

	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(xdp_data_end(ctx) - (void *)ip);
	ip->ttl = 64;
	ip->protocol = IPPROTO_IPIP;
	ip->saddr = *(const volatile __be32 *)own_address;
	ip->daddr = backend->addr;
	ip->check = csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	return XDP_TX;
}

SEC("xdp")
int balancer(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct {
		__be16 source;
		__be16 dest;
	} *ports;
	__u64 bytes = c.end - c.pos;
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || (ip->frag_off & bpf_htons(0x3fff)))
		return XDP_PASS;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	ports = PULL(&c, typeof(*ports));
	if (!ports)
		return XDP_DROP;

	struct service_key key = { ip->daddr, ports->dest, ip->protocol };
	struct service *service = bpf_map_lookup_elem(&services, &key);
	if (!service)
		return XDP_PASS;

	struct connection conn = { ip->saddr, ip->daddr, ports->source, ports->dest,
				   ip->protocol };
	__u32 index = 0;
	struct backend *backend = choose(&conn, service->ring, &index);
	if (!backend || !backend->addr)
		return XDP_DROP;

	struct counter *counter = bpf_map_lookup_elem(&served, &index);
	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
	return send_to(ctx, backend);
}

LICENSE("Dual MIT/GPL");
