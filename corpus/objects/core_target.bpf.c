// SPDX-License-Identifier: MIT OR Apache-2.0
// The types that `core.bpf.o` asks about, as a target defines them: its BTF
// stands in for a kernel's (`--btf core_target.bpf.o`).
#include "bpf_helpers.h"
#include "xdp.h"

enum sim_state { SIM_IDLE = 3, SIM_BUSY = 7, SIM_LATE = -2 };
enum sim_wide { SIM_WIDE = 0x123456789aULL };

struct sim_inner {
	__u16 a;
	__u32 b;
};

struct sim_target {
	__u64 first;
	__s16 small;
	__u8 pad;
	__u32 low : 5;
	__s32 middle : 11;
	__u64 high : 40;
	struct sim_inner inner[3];
	union {
		__u32 as_word;
		__u8 as_bytes[4];
	};
	enum sim_state state;
	enum sim_wide wide;
	struct {
		__u16 x;
		__u16 y;
	};
	char name[16];
	struct sim_target *next;
	__u32 grown;
};

struct sim_matching {
	char name[16];
	__u32 more;
	__u64 first;
};

typedef struct sim_target sim_typedef;
typedef __u64 sim_number;

// Nothing else would keep the types in BTF.
struct sim_target target;
struct sim_matching matching;
sim_typedef *by_typedef;
sim_number number;

SEC("xdp")
int core_target(struct xdp_md *ctx)
{
	target.next = by_typedef;
	number++;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
