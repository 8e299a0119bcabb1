/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The context and the verdicts of XDP programs. */
#pragma once

#include "types.h"

enum xdp_action {
	XDP_ABORTED,
	XDP_DROP,
	XDP_PASS,
	XDP_TX,
	XDP_REDIRECT,
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

#define xdp_data(ctx) ((void *)(long)(ctx)->data)
#define xdp_data_end(ctx) ((void *)(long)(ctx)->data_end)
