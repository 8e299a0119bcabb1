// flags: -g -mcpu=v4
// SPDX-License-Identifier: MIT OR Apache-2.0
// Instructions that Linux has beyond RFC 9669: loads with acquire and stores
// with release semantics (as bytes, since clang 19 does not know them), and
// may_goto, by which a loop without bound ends after 8,388,608 rounds at most.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

struct words {
	__u64 eight;
	__u32 four;
	__u16 two;
	__u8 one;
};

struct words from = { 0x1122334455667788, 0xaabbccdd, 0x9988, 0xf7 };
struct words into;
__u64 loaded[4];
__u64 rounds;

// Opcode 0xd3, 0xcb, 0xc3, 0xdb for 1, 2, 4, 8 bytes; r1 and r2; the operation
// stands in the immediate.
#define LOAD_ACQUIRE(opcode, address)                            \
	({                                                       \
		__u64 ____value;                                 \
		asm volatile("r2 = %1\n"                         \
			     ".8byte 0x00000100000021" opcode "\n" \
			     "%0 = r1"                           \
			     : "=r"(____value)                   \
			     : "r"(address)                      \
			     : "r1", "r2", "memory");            \
		____value;                                       \
	})
#define STORE_RELEASE(opcode, address, value)                    \
	asm volatile("r1 = %0\n"                                 \
		     "r2 = %1\n"                                 \
		     ".8byte 0x00000110000021" opcode            \
		     :                                           \
		     : "r"(address), "r"((__u64)(value))         \
		     : "r1", "r2", "memory")

SEC("xdp")
int isa_beyond(struct xdp_md *ctx)
{
	__u64 length = xdp_data_end(ctx) - xdp_data(ctx);
	__u64 here = 0;

	loaded[0] += LOAD_ACQUIRE("db", &from.eight);
	loaded[1] += LOAD_ACQUIRE("c3", &from.four);
	loaded[2] += LOAD_ACQUIRE("cb", &from.two);
	loaded[3] += LOAD_ACQUIRE("d3", &from.one);

	STORE_RELEASE("db", &into.eight, length * 0x0101010101010101);
	STORE_RELEASE("c3", &into.four, length * 0x0101010101010101);
	STORE_RELEASE("cb", &into.two, length * 0x0101010101010101);
	STORE_RELEASE("d3", &into.one, length * 0x0101010101010101);

	// A loop that the verifier could not follow to its end.
	for (;;) {
		asm volatile goto("may_goto %l[done]" : : : : done);
		if (here >= length)
			break;
		here++;
	}
done:
	rounds += here;
	return here == length ? XDP_PASS : XDP_DROP;
}

LICENSE("GPL");
