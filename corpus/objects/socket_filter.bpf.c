// SPDX-License-Identifier: MIT OR Apache-2.0
// Socket filters with the packet loads of classic BPF (LD_ABS, LD_IND), which
// end the program when they reach past the packet, and one with a helper.
#include "bpf_helpers.h"
#include "packet.h"
#include "skb.h"

unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long off) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long off) asm("llvm.bpf.load.word");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} protocols SEC(".maps");

// Keeps whole UDP packets to port 53 and the first 64 bytes of TCP.
SEC("socket")
int dns_or_head(struct __sk_buff *skb)
{
	if (load_half(skb, 12) != ETH_P_IP)
		return 0;
	__u64 protocol = load_byte(skb, 14 + 9);
	__u64 l4 = 14 + (load_byte(skb, 14) & 15) * 4;
	if (protocol == IPPROTO_TCP)
		return 64;
	if (protocol == IPPROTO_UDP && load_half(skb, l4 + 2) == 53)
		return -1;
	return 0;
}

SEC("socket")
int count_protocols(struct __sk_buff *skb)
{
	__u8 protocol;
	__u32 key;

	if (skb->len < 34 || bpf_skb_load_bytes(skb, 14 + 9, &protocol, 1))
		return 0;
	key = protocol;
	__u64 *n = bpf_map_lookup_elem(&protocols, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	return load_word(skb, 26) & 1 ? -1 : 0;
}

LICENSE("GPL");
