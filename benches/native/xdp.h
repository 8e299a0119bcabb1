/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The context of a program that is built natively: pointers instead of 32 bits. */
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
	void *data;
	void *data_end;
};

#define xdp_data(ctx) ((ctx)->data)
#define xdp_data_end(ctx) ((ctx)->data_end)
