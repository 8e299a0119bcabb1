// SPDX-License-Identifier: MIT OR Apache-2.0
// Answers every TCP SYN to the protected port itself, with a SYN-ACK whose
// sequence number is a keyed hash of the connection, and sends it back by
// XDP_TX. An ACK that returns the right number is remembered and let through;
// other segments of unknown connections are dropped.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

const volatile __u16 protected_port = 80;
const volatile __u32 secret = 0x5eed1e55;

struct connection {
	__be32 saddr;
	__be32 daddr;
	__be16 source;
	__be16 dest;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct connection);
	__type(value, __u32);
} established SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

enum { ANSWERED, VALID, FORGED, KNOWN };

static __always_inline void count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&stats, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __noinline __u32 cookie(const struct connection *conn)
{
	const __u32 *words = (const __u32 *)conn;
	__u32 h = secret;

	for (int i = 0; i < 3; i++) {
		h ^= words[i];
		h *= 0x9e3779b1;
		h = (h << 13) | (h >> 19);
	}
	return h;
}

static __always_inline void swap32(__be32 *a, __be32 *b)
{
	__be32 tmp = *a;

	*a = *b;
	*b = tmp;
}

// The TCP checksum of a segment without options or data.
static __always_inline __sum16 tcp_checksum(struct iphdr *ip, struct tcphdr *tcp)
{
	__s64 sum = ip->saddr;

	sum += ip->daddr;
	sum += bpf_htonl(IPPROTO_TCP + sizeof(*tcp));
	tcp->check = 0;
	sum += bpf_csum_diff(NULL, 0, (__be32 *)tcp, sizeof(*tcp), 0);
	return csum_fold(sum);
}

static __always_inline int answer(struct xdp_md *ctx, struct ethhdr *eth, struct iphdr *ip,
				  struct tcphdr *tcp, __u32 number)
{
	swap_mac(eth);
	swap32(&ip->saddr, &ip->daddr);
	__be16 port = tcp->source;
	tcp->source = tcp->dest;
	tcp->dest = port;
	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	tcp->seq = number;
	tcp->ack = 1;
	tcp->doff = 5;
	tcp->window = bpf_htons(0xffff);
	tcp->urg_ptr = 0;

	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*tcp));
	ip->ttl = 64;
	ip->check = 0;
	ip->check = csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	tcp->check = tcp_checksum(ip, tcp);

	// Options and data of the SYN go.
	int wanted = (void *)(tcp + 1) - xdp_data(ctx);
	int delta = wanted - (int)(xdp_data_end(ctx) - xdp_data(ctx));
	if (delta < 0 && bpf_xdp_adjust_tail(ctx, delta))
		return XDP_ABORTED;
	count(ANSWERED);
	return XDP_TX;
}

SEC("xdp")
int syncookie(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth = PULL(&c, struct ethhdr);

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = PULL(&c, struct iphdr);
	if (!ip || ip->ihl != 5 || ip->protocol != IPPROTO_TCP ||
	    (ip->frag_off & bpf_htons(0x3fff)))
		return XDP_PASS;
	struct tcphdr *tcp = PULL(&c, struct tcphdr);
	if (!tcp || tcp->dest != bpf_htons(protected_port))
		return XDP_PASS;

	struct connection conn = { ip->saddr, ip->daddr, tcp->source, tcp->dest };
	__u32 number = cookie(&conn);

	if (tcp->syn && !tcp->ack)
		return answer(ctx, eth, ip, tcp, number);
	if (bpf_map_lookup_elem(&established, &conn)) {
		count(KNOWN);
		return XDP_PASS;
	}
	if (tcp->ack && bpf_ntohl(tcp->ack_seq) == bpf_ntohl(number) + 1) {
		__u32 seq = tcp->seq;
		bpf_map_update_elem(&established, &conn, &seq, BPF_ANY);
		count(VALID);
		return XDP_PASS;
	}
	count(FORGED);
	return XDP_DROP;
}

LICENSE("Dual MIT/GPL");
