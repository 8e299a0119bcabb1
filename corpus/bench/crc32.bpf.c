// SPDX-License-Identifier: MIT OR Apache-2.0
// CRC-32 (IEEE 802.3) of a kilobyte, by a table of nibbles: a chain of loads.
#include "bench.h"

#define LEN 1024

static const __u32 table[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
	0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};
static __u64 crc_words[LEN / 8];

SEC("xdp") int crc32(struct xdp_md *ctx)
{
	const __u8 *bytes = (const __u8 *)crc_words;
	struct job *job = job_of(ctx);
	__u32 crc = ~0U;

	if (!job)
		return XDP_ABORTED;
	for (__u32 i = 0; i < LEN / 8; i++)
		crc_words[i] = job->seed + i;
	for (__u32 i = 0; i < LEN; i++) {
		crc = table[(crc ^ bytes[i]) & 15] ^ (crc >> 4);
		crc = table[(crc ^ (bytes[i] >> 4)) & 15] ^ (crc >> 4);
	}
	job->result = ~crc;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
