// SPDX-License-Identifier: MIT OR Apache-2.0
// A stateless firewall. Sources on a blocklist (longest prefix) are dropped;
// then the most specific rule for protocol, destination address and destination
// port decides, and packets without a rule meet `default_action`. Each rule has
// counters of its own.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define MAX_RULES 1024

// Addresses are 16 bytes; an IPv4 address stands in the first four, the rest is
// zero. A zero address or port stands for any.
struct rule_key {
	__u8 daddr[16];
	__u16 dport; // host byte order
	__u8 protocol;
	__u8 family; // 4 or 6
};

struct rule {
	__u32 id; // index into `hits`
	__u32 action; // enum xdp_action
};

struct source_prefix {
	__u32 prefixlen;
	__u8 saddr[4];
};

struct hits {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_RULES);
	__type(key, struct rule_key);
	__type(value, struct rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct source_prefix);
	__type(value, struct rule);
} blocked SEC(".maps");

// Entry 0 counts what no rule matched.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_RULES);
	__type(key, __u32);
	__type(value, struct hits);
} hits SEC(".maps");

const volatile __u32 default_action = XDP_PASS;

static __always_inline int decide(const struct rule *rule, __u64 bytes)
{
	__u32 id = rule ? rule->id : 0;
	struct hits *h = bpf_map_lookup_elem(&hits, &id);

	if (h) {
		h->packets++;
		h->bytes += bytes;
	}
	return rule ? rule->action : default_action;
}

// From the most to the least specific: address and port, port, address,
// protocol alone.
static __always_inline struct rule *find_rule(struct rule_key *key)
{
	__u16 dport = key->dport;
	struct rule_key any = {
		.protocol = key->protocol,
		.family = key->family,
	};
	struct rule *rule = bpf_map_lookup_elem(&rules, key);

	if (rule)
		return rule;
	any.dport = dport;
	rule = bpf_map_lookup_elem(&rules, &any);
	if (rule || !dport)
		return rule;
	key->dport = 0;
	rule = bpf_map_lookup_elem(&rules, key);
	if (rule)
		return rule;
	any.dport = 0;
	return bpf_map_lookup_elem(&rules, &any);
}

static __always_inline __u16 destination_port(struct cursor *c, __u8 protocol)
{
	struct {
		__be16 source;
		__be16 dest;
	} *ports;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return 0;
	ports = PULL(c, typeof(*ports));
	return ports ? bpf_ntohs(ports->dest) : 0;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u64 bytes = c.end - c.pos;
	struct rule_key key = {};
	struct ethhdr *eth;
	int proto = pull_eth(&c, &eth);

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = pull_ip(&c);
		if (!ip)
			return XDP_DROP;

		struct source_prefix prefix = { .prefixlen = 32 };
		__builtin_memcpy(prefix.saddr, &ip->saddr, 4);
		struct rule *block = bpf_map_lookup_elem(&blocked, &prefix);
		if (block)
			return decide(block, bytes);

		key.family = 4;
		key.protocol = ip->protocol;
		__builtin_memcpy(key.daddr, &ip->daddr, 4);
		if (!(ip->frag_off & bpf_htons(0x1fff)))
			key.dport = destination_port(&c, ip->protocol);
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = pull_ip6(&c);
		if (!ip6)
			return XDP_DROP;
		key.family = 6;
		key.protocol = ip6->nexthdr;
		__builtin_memcpy(key.daddr, &ip6->daddr, 16);
		key.dport = destination_port(&c, ip6->nexthdr);
	} else {
		return proto < 0 ? XDP_DROP : XDP_PASS;
	}
	return decide(find_rule(&key), bytes);
}

LICENSE("Dual MIT/GPL");
