// SPDX-License-Identifier: MIT OR Apache-2.0
// Asks the device about each packet, and puts the answers in front of it for
// whoever reads the AF_XDP socket of its queue.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

enum xdp_rss_hash_type { XDP_RSS_TYPE_NONE };

extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;
extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash,
				    enum xdp_rss_hash_type *rss_type) __ksym;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __be16 *vlan_proto,
					__u16 *vlan_tci) __ksym;

enum { HAS_TIMESTAMP = 1, HAS_HASH = 2, HAS_TAG = 4 };

struct hints {
	__u64 timestamp;
	__u32 hash;
	__u32 hash_type;
	__be16 tag_proto;
	__u16 tag;
	__u32 known;
};

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("xdp")
int hints(struct xdp_md *ctx)
{
	enum xdp_rss_hash_type type;
	struct hints *hints;
	__u64 timestamp;
	__u32 hash, known = 0;
	__be16 proto;
	__u16 tag;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*hints)))
		return XDP_PASS;
	hints = (void *)(long)ctx->data_meta;
	if ((void *)(hints + 1) > xdp_data(ctx))
		return XDP_ABORTED;
	__builtin_memset(hints, 0, sizeof(*hints));
	if (!bpf_xdp_metadata_rx_timestamp(ctx, &timestamp)) {
		hints->timestamp = timestamp;
		known |= HAS_TIMESTAMP;
	}
	if (!bpf_xdp_metadata_rx_hash(ctx, &hash, &type)) {
		hints->hash = hash;
		hints->hash_type = type;
		known |= HAS_HASH;
	}
	if (!bpf_xdp_metadata_rx_vlan_tag(ctx, &proto, &tag)) {
		hints->tag_proto = proto;
		hints->tag = tag;
		known |= HAS_TAG;
	}
	hints->known = known;
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

LICENSE("Dual MIT/GPL");
