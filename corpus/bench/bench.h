/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the programs of the benches have in common. They are built as BPF and,
 * as the limit of what a compiler reaches, natively: there the headers of
 * benches/native stand in for those that speak of the kernel. */
#pragma once

#include "bpf_helpers.h"
#include "xdp.h"

/* What a computation starts from and what it comes to: the packet's first bytes. */
struct job {
	__u64 seed;
	__u64 result;
};

static __always_inline struct job *job_of(struct xdp_md *ctx)
{
	struct job *job = xdp_data(ctx);

	return (void *)(job + 1) > xdp_data_end(ctx) ? NULL : job;
}

/* One step of a generator of 64-bit numbers (splitmix64). */
static __always_inline __u64 mix(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}
