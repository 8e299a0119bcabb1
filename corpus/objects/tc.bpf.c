// SPDX-License-Identifier: MIT OR Apache-2.0
// Programs of the traffic control layer: a filter that reads and rewrites
// through the socket buffer's helpers and marks packets, and a classifier with
// direct packet access.
#include "bpf_helpers.h"
#include "packet.h"
#include "skb.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __u16);
	__type(value, __u32); // mark
} marks SEC(".maps");

__u64 dropped;

SEC("tc")
int tc_dscp(struct __sk_buff *skb)
{
	__u32 off = sizeof(struct ethhdr);
	__u8 tos, new_tos = 0x2e << 2; // expedited forwarding
	struct iphdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return TC_ACT_SHOT;
	tos = ip.tos;
	if (ip.protocol != IPPROTO_UDP || tos == new_tos)
		return TC_ACT_OK;
	bpf_l3_csum_replace(skb, off + offsetof(struct iphdr, check), bpf_htons(tos),
			    bpf_htons(new_tos), 2);
	bpf_skb_store_bytes(skb, off + offsetof(struct iphdr, tos), &new_tos, 1, 0);
	return TC_ACT_OK;
}

SEC("classifier")
int tc_mark(struct __sk_buff *skb)
{
	struct cursor c = { (void *)(long)skb->data, (void *)(long)skb->data_end };
	struct ethhdr *eth;

	if (pull_eth(&c, &eth) != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	struct iphdr *ip = pull_ip(&c);
	if (!ip || ip->protocol != IPPROTO_TCP)
		return TC_ACT_OK;
	struct tcphdr *tcp = PULL(&c, struct tcphdr);
	if (!tcp) {
		__sync_fetch_and_add(&dropped, 1);
		return TC_ACT_SHOT;
	}
	__u16 port = bpf_ntohs(tcp->dest);
	__u32 *mark = bpf_map_lookup_elem(&marks, &port);
	if (mark)
		skb->mark = *mark;
	skb->cb[0] = port;
	return TC_ACT_OK;
}

LICENSE("GPL");
