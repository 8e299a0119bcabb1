// SPDX-License-Identifier: MIT OR Apache-2.0
// Externs of the kernel itself: functions for programs (kfuncs) and variables,
// weak ones that no kernel has and that resolve to zero, and a strong one.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

enum xdp_rss_hash_type { XDP_RSS_TYPE_NONE };

extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash,
				    enum xdp_rss_hash_type *rss_type) __ksym;
extern void bpf_of_no_kernel_ever(__u32 argument) __ksym __weak;
extern const void variable_of_no_kernel_ever __ksym __weak;

__u64 hashes;
__u64 without_hash;

SEC("xdp")
int weak_ksyms(struct xdp_md *ctx)
{
	if (bpf_of_no_kernel_ever) {
		bpf_of_no_kernel_ever(1);
		return XDP_ABORTED;
	}
	if (&variable_of_no_kernel_ever)
		return XDP_DROP;
	return XDP_PASS;
}

// Loads only for a device (bound programs), so it is optional here.
SEC("?xdp")
int strong_kfunc(struct xdp_md *ctx)
{
	enum xdp_rss_hash_type type;
	__u32 hash;

	if (bpf_xdp_metadata_rx_hash(ctx, &hash, &type))
		without_hash++;
	else
		hashes++;
	return XDP_PASS;
}

LICENSE("GPL");
