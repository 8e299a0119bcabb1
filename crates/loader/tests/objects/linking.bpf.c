// SPDX-License-Identifier: MIT OR Apache-2.0
// Everything that linking has to do: functions outside of .text, static and
// global ones, callbacks, static programs, circles, and what is missing.
#include "bpf_helpers.h"
#include "xdp.h"

static __noinline SEC("subs") int square(int x)
{
	return x * x + 1;
}

__noinline SEC("more_subs") int seven(int x)
{
	return square(x) * 7;
}

static __noinline SEC("subs") int both(int x)
{
	return seven(x) + square(x + 3);
}

// Needs both sections; `seven` needs `square`, which comes after it.
SEC("xdp")
int across(struct xdp_md *ctx)
{
	return both(ctx->rx_queue_index) + square(2);
}

SEC("xdp")
__noinline int across_too(struct xdp_md *ctx)
{
	return seven(ctx->rx_queue_index);
}

// A program that calls another program.
SEC("xdp")
int call_program(struct xdp_md *ctx)
{
	return across_too(ctx) + 1;
}

static int step(__u32 index, void *ctx)
{
	*(int *)ctx += square(index);
	return 0;
}

// A callback may name itself, as those of timers do.
static int again(__u32 index, void *ctx)
{
	*(int *)ctx += index;
	return index == 7 ? bpf_loop(1, again, ctx, 0) : 0;
}

SEC("xdp")
int callbacks(struct xdp_md *ctx)
{
	int sum = 0;

	bpf_loop(4, step, &sum, 0);
	bpf_loop(8, again, &sum, 0);
	return sum;
}

__noinline int even(int n);

__noinline int odd(int n)
{
	return n == 0 ? 0 : even(n - 1) * 2;
}

__noinline int even(int n)
{
	return n == 0 ? 1 : odd(n - 1) * 3;
}

SEC("xdp")
int circle(struct xdp_md *ctx)
{
	return even(ctx->rx_queue_index);
}

int nowhere(int x);
extern int no_variable;

SEC("xdp")
int missing_function(struct xdp_md *ctx)
{
	return nowhere(ctx->rx_queue_index);
}

SEC("xdp")
int missing_variable(struct xdp_md *ctx)
{
	return no_variable;
}

// What `bpf_throw` would end in; nothing refers to it.
__noinline int catcher(__u64 cookie)
{
	return square(cookie);
}

SEC("xdp")
__attribute__((btf_decl_tag("exception_callback:catcher")))
int thrower(struct xdp_md *ctx)
{
	return XDP_PASS;
}

static SEC("xdp_static") int not_global(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("unheard_of")
int strange(struct xdp_md *ctx)
{
	return XDP_DROP;
}

LICENSE("GPL");
