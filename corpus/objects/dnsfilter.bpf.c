// SPDX-License-Identifier: MIT OR Apache-2.0
// Drops DNS questions for names on a list and for every name below them. The
// name is folded to lower case and turned round in bounded loops, so that one
// lookup of the longest prefix finds the domain that it ends in.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define MAX_NAME 64

struct dnshdr {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additional;
};

// A name as it stands in a packet, lower case, read backwards: the root label
// first, then the last letter of the top-level domain, and so on.
struct name {
	__u32 prefixlen;
	__u8 letters[MAX_NAME];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct name);
	__type(value, __u64); // questions seen
} domains SEC(".maps");

// The question's name without root label in `letters`, in the order of the
// packet; its length, or -1 if it does not fit, is compressed, or runs past the end.
static __always_inline int copy_name(struct cursor *c, __u8 *letters)
{
	__u8 *pos = c->pos;

	for (int i = 0; i < MAX_NAME; i++) {
		if ((void *)(pos + i + 1) > c->end)
			return -1;
		__u8 byte = pos[i];
		if (byte >= 'A' && byte <= 'Z')
			byte += 'a' - 'A';
		letters[i] = byte;
		if (!byte)
			return i;
		if (byte >= 0xc0)
			return -1;
	}
	return -1;
}

// Copies `length` letters backwards behind a root label.
static __always_inline void reverse(const __u8 *letters, __u32 length, struct name *name)
{
	name->prefixlen = (length + 1) * 8;
	for (__u32 i = 0; i < MAX_NAME - 1; i++) {
		if (i >= length)
			break;
		name->letters[i + 1] = letters[(length - 1 - i) & (MAX_NAME - 1)];
	}
}

SEC("xdp")
int dnsfilter(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	__u8 protocol;
	int proto = pull_eth(&c, &eth);

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = pull_ip(&c);
		if (!ip || (ip->frag_off & bpf_htons(0x1fff)))
			return XDP_PASS;
		protocol = ip->protocol;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = pull_ip6(&c);
		if (!ip6)
			return XDP_PASS;
		protocol = ip6->nexthdr;
	} else {
		return XDP_PASS;
	}
	if (protocol != IPPROTO_UDP)
		return XDP_PASS;
	struct udphdr *udp = PULL(&c, struct udphdr);
	if (!udp || udp->dest != bpf_htons(53))
		return XDP_PASS;
	struct dnshdr *dns = PULL(&c, struct dnshdr);
	if (!dns)
		return XDP_DROP;
	if ((dns->flags & bpf_htons(0x8000)) || dns->questions != bpf_htons(1))
		return XDP_PASS;

	__u8 letters[MAX_NAME] = {};
	int length = copy_name(&c, letters);
	if (length < 0)
		return XDP_DROP;

	struct name name = {};
	reverse(letters, length, &name);
	__u64 *questions = bpf_map_lookup_elem(&domains, &name);
	if (!questions)
		return XDP_PASS;
	__sync_fetch_and_add(questions, 1);
	return XDP_DROP;
}

LICENSE("Dual MIT/GPL");
