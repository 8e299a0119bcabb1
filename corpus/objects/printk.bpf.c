// SPDX-License-Identifier: MIT OR Apache-2.0
// Text for people: bpf_trace_printk with its three arguments, bpf_trace_vprintk
// with many, and bpf_snprintf with every conversion, whose results stay in a map.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

#define LINE 96

enum line { NUMBERS, WIDTHS, STRINGS, ADDRESSES, CUT, LINES };

struct text {
	__s64 length; // what bpf_snprintf answered
	char line[LINE];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LINES);
	__type(key, __u32);
	__type(value, struct text);
} lines SEC(".maps");

// Formats of bpf_snprintf must be in a read-only map.
static const char numbers[] = "%d %u %x %ld %lu %lx %lld %llx %i";
static const char widths[] = "[%5d] [%05d] [%-5d] [%+d] [%08llx] [%c] 100%%";
static const char strings[] = "%s and %s";
static const char addresses[] = "%pi4 %pI4 %pi6 %pI6";

static __always_inline void format(__u32 line, __u32 size, const char *fmt, __u64 *args,
				   __u32 args_size)
{
	struct text *text = bpf_map_lookup_elem(&lines, &line);

	if (!text)
		return;
	__builtin_memset(text->line, 0, LINE);
	text->length = bpf_snprintf(text->line, size, fmt, args, args_size);
}

static const char word_one[] = "alpha";
static const char word_two[] = "";

SEC("xdp")
int printk(struct xdp_md *ctx)
{
	struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
	__u64 length = c.end - c.pos;
	struct ethhdr *eth = PULL(&c, struct ethhdr);
	__u8 v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	__u8 v4[4] = { 192, 0, 2, 1 };

	if (!eth)
		return XDP_ABORTED;
	__u32 proto = bpf_ntohs(eth->h_proto);

	// As values, or the compiler makes a table of addresses in .rodata, which
	// no loader relocates.
	const char *one = word_one, *two = word_two;
	barrier_var(one);
	barrier_var(two);

	bpf_printk("packet of %u bytes, type 0x%x\n", (__u32)length, proto);
	static const char many[] = "%d %d %d %d %s";
	__u64 five[] = { 1, 2, 3, length, (__u64)one };
	bpf_trace_vprintk(many, sizeof(many), five, sizeof(five));

	__u64 n[] = { -length, length, length, -length, length, length, -length, -length, 7 };
	format(NUMBERS, LINE, numbers, n, sizeof(n));
	__u64 w[] = { length, length, length, proto, length << 20, 'A' + length % 26 };
	format(WIDTHS, LINE, widths, w, sizeof(w));
	__u64 s[] = { (__u64)one, (__u64)two };
	format(STRINGS, LINE, strings, s, sizeof(s));
	__u64 a[] = { (__u64)v4, (__u64)v4, (__u64)v6, (__u64)v6 };
	format(ADDRESSES, LINE, addresses, a, sizeof(a));
	format(CUT, 12, numbers, n, sizeof(n));
	return XDP_PASS;
}

LICENSE("GPL");
