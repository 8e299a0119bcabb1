/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Packet headers, and a cursor that walks over them. */
#pragma once

#include "bpf_endian.h"
#include "types.h"

#define ETH_ALEN 6
#define ETH_P_IP 0x0800
#define ETH_P_ARP 0x0806
#define ETH_P_8021Q 0x8100
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021AD 0x88a8

#define IPPROTO_HOPOPTS 0
#define IPPROTO_ICMP 1
#define IPPROTO_IPIP 4
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_GRE 47
#define IPPROTO_ICMPV6 58
#define IPPROTO_NONE 59
#define IPPROTO_DSTOPTS 60

#define AF_INET 2
#define AF_INET6 10

struct ethhdr {
	__u8 h_dest[ETH_ALEN];
	__u8 h_source[ETH_ALEN];
	__be16 h_proto;
} __attribute__((packed));

struct vlan_hdr {
	__be16 tci;
	__be16 proto;
};

struct arphdr {
	__be16 hrd;
	__be16 pro;
	__u8 hln;
	__u8 pln;
	__be16 op;
};

struct iphdr {
	__u8 ihl : 4;
	__u8 version : 4;
	__u8 tos;
	__be16 tot_len;
	__be16 id;
	__be16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__sum16 check;
	__be32 saddr;
	__be32 daddr;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	};
};

struct ipv6hdr {
	__u8 priority : 4;
	__u8 version : 4;
	__u8 flow_lbl[3];
	__be16 payload_len;
	__u8 nexthdr;
	__u8 hop_limit;
	struct in6_addr saddr;
	struct in6_addr daddr;
};

struct ipv6_opt_hdr {
	__u8 nexthdr;
	__u8 hdrlen;
};

struct tcphdr {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack_seq;
	__u16 res1 : 4;
	__u16 doff : 4;
	__u16 fin : 1;
	__u16 syn : 1;
	__u16 rst : 1;
	__u16 psh : 1;
	__u16 ack : 1;
	__u16 urg : 1;
	__u16 ece : 1;
	__u16 cwr : 1;
	__be16 window;
	__sum16 check;
	__be16 urg_ptr;
};

struct udphdr {
	__be16 source;
	__be16 dest;
	__be16 len;
	__sum16 check;
};

struct icmphdr {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id;
	__be16 sequence;
};

#define ICMP_ECHOREPLY 0
#define ICMP_ECHO 8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

/* A position in the packet; `end` is where the readable bytes stop. */
struct cursor {
	void *pos;
	void *end;
};

/* The header at the cursor if it is wholly there, and steps over it. */
#define PULL(cursor, type)                                        \
	({                                                        \
		type *____hdr = (cursor)->pos;                    \
		(void *)(____hdr + 1) > (cursor)->end             \
			? (type *)NULL                            \
			: ((cursor)->pos = ____hdr + 1, ____hdr); \
	})

/* Steps over Ethernet and up to two VLAN tags; the ethertype in network byte
 * order, or -1 on a short packet. */
static __attribute__((always_inline)) inline int pull_eth(struct cursor *c, struct ethhdr **eth)
{
	*eth = PULL(c, struct ethhdr);
	if (!*eth)
		return -1;
	__be16 proto = (*eth)->h_proto;

#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		struct vlan_hdr *vlan = PULL(c, struct vlan_hdr);
		if (!vlan)
			return -1;
		proto = vlan->proto;
	}
	return proto;
}

/* Steps over an IPv4 header with its options; NULL if it is short or lies. */
static __attribute__((always_inline)) inline struct iphdr *pull_ip(struct cursor *c)
{
	struct iphdr *ip = c->pos;

	if ((void *)(ip + 1) > c->end || ip->version != 4 || ip->ihl < 5)
		return NULL;
	__u32 len = ip->ihl * 4;
	if (c->pos + len > c->end)
		return NULL;
	c->pos += len;
	return ip;
}

static __attribute__((always_inline)) inline struct ipv6hdr *pull_ip6(struct cursor *c)
{
	struct ipv6hdr *ip6 = PULL(c, struct ipv6hdr);

	return ip6 && ip6->version == 6 ? ip6 : NULL;
}

/* Steps over a TCP header with its options; NULL if it is short or lies. */
static __attribute__((always_inline)) inline struct tcphdr *pull_tcp(struct cursor *c)
{
	struct tcphdr *tcp = c->pos;

	if ((void *)(tcp + 1) > c->end || tcp->doff < 5)
		return NULL;
	__u32 len = tcp->doff * 4;
	if (c->pos + len > c->end)
		return NULL;
	c->pos += len;
	return tcp;
}

/* Folds a 32-bit one's complement sum to the 16 bits of a header checksum. */
static __attribute__((always_inline)) inline __sum16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__sum16)~sum;
}

/* The checksum after one 16-bit word changed (RFC 1624). */
static __attribute__((always_inline)) inline __sum16 csum_replace2(__sum16 check, __be16 from,
								   __be16 to)
{
	__u32 sum = (__u16)~check + (__u16)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__sum16)~sum;
}

static __attribute__((always_inline)) inline void swap_mac(struct ethhdr *eth)
{
	__u8 tmp[ETH_ALEN];

	__builtin_memcpy(tmp, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, tmp, ETH_ALEN);
}
