// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers and words in UDP payloads: bpf_strtol, bpf_strtoul in several bases,
// bpf_strncmp; the verdict is what the packet asks for ("drop", "pass", "tx").
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define TEXT 16

struct request {
	char word[4];
};

struct outcome {
	__s64 consumed; // how many characters, or the error
	__s64 value;
};

enum outcomes { DECIMAL, ANY_BASE, HEX, UNSIGNED, NEGATIVE, EMPTY, TOO_LARGE, OUTCOMES };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OUTCOMES);
	__type(key, __u32);
	__type(value, struct outcome);
} outcomes SEC(".maps");

static __always_inline void note(__u32 key, __s64 consumed, __s64 value)
{
	struct outcome *outcome = bpf_map_lookup_elem(&outcomes, &key);

	if (!outcome)
		return;
	outcome->consumed = consumed;
	outcome->value = value;
}

#define NOTE_SIGNED(key, text, base)                                          \
	({                                                                    \
		char ____text[] = text;                                       \
		long ____value = -1;                                          \
		long ____n = bpf_strtol(____text, sizeof(____text), base, &____value); \
		note(key, ____n, ____value);                                  \
	})
#define NOTE_UNSIGNED(key, text, base)                                         \
	({                                                                     \
		char ____text[] = text;                                        \
		unsigned long ____value = 1;                                   \
		long ____n = bpf_strtoul(____text, sizeof(____text), base, &____value); \
		note(key, ____n, ____value);                                   \
	})

SEC("xdp")
int strings(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	struct ethhdr *eth;
	char word[TEXT] = {};
	long value = 0;

	NOTE_SIGNED(DECIMAL, "  -12345 rest", 10);
	NOTE_SIGNED(ANY_BASE, "0x1f", 0);
	NOTE_UNSIGNED(HEX, "ffffffffffffffff", 16);
	NOTE_UNSIGNED(UNSIGNED, "0755", 0);
	NOTE_UNSIGNED(NEGATIVE, "-1", 10);
	NOTE_SIGNED(EMPTY, "none", 10);
	NOTE_SIGNED(TOO_LARGE, "9223372036854775808", 10);

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || ip->protocol != IPPROTO_UDP || !PULL(&c, struct udphdr))
		return XDP_PASS;
	struct request *request = PULL(&c, struct request);
	if (!request)
		return XDP_PASS;
	__builtin_memcpy(word, request->word, 4);
	if (!bpf_strncmp(word, TEXT, "drop"))
		return XDP_DROP;
	if (bpf_strncmp(word, 4, "lost") == 0)
		return XDP_TX;
	if (bpf_strtol(word, 4, 10, &value) > 0)
		return value & 3;
	return bpf_strncmp(word, TEXT, "no c") < 0 ? XDP_ABORTED : XDP_PASS;
}

LICENSE("Dual MIT/GPL");
