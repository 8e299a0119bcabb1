// SPDX-License-Identifier: MIT OR Apache-2.0
// Compile once, run everywhere: every kind of relocation, asked of types that
// are described here otherwise than in the target (`core_target.bpf.o`): other
// order, other sizes, fields that are gone. The part of a name from the last
// `___` on is a flavor and does not count. What no target has stands behind an
// existence test, since the loader poisons it. All answers are left in `results`.
#include "bpf_core.h"
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

enum sim_state___old { SIM_IDLE___old = 0, SIM_LATE___old = 0, SIM_GONE___old = 9 };
enum sim_wide___old { SIM_WIDE___old = 1ULL << 40 };
enum sim_no_enum___new { SIM_NOTHING___new = 5 };

struct sim_inner___old {
	__u32 b;
} __core;

struct sim_target___old {
	char name[4];
	__u64 gone;
	__s16 small;
	__u16 grown;
	struct sim_inner___old inner[8];
	__u8 as_bytes[4];
	__u16 y;
	__u64 first;
	__u32 low : 1;
	__s32 middle : 2;
	__u64 high : 3;
	struct sim_target___old *next;
} __core;

// Matches the target: what it names is there, with the same types.
struct sim_matching___part {
	__u64 first;
	char name[16];
} __core;

// Only the last flavor is left away: this is another `sim_target___a`, which no
// target has.
struct sim_target___a___b {
	__u64 first;
} __core;

struct sim_nowhere___new {
	__u32 field;
	struct {
		__u32 deep;
	} inner[2];
} __core;

typedef struct sim_target___old sim_typedef___old;
typedef __u64 sim_number;
typedef __u64 sim_no_number;

struct results {
	__u32 offset_first;
	__u32 offset_name;
	__u32 offset_name_3;
	__u32 offset_inner_2_b;
	__u32 offset_as_bytes_1;
	__u32 offset_y;
	__u32 offset_next;
	__u32 exists_first;
	__u32 exists_gone;
	__u32 exists_inner_7;
	__u32 exists_nowhere;
	__u32 exists_two_flavors;
	__u32 size_small;
	__u32 size_name;
	__u32 size_inner;
	__u32 size_low;
	__u32 size_high;
	__u32 signed_small;
	__u32 signed_middle;
	__u32 signed_low;
	__u32 lshift_low;
	__u32 rshift_low;
	__u32 lshift_middle;
	__u32 rshift_middle;
	__u32 lshift_high;
	__u32 rshift_high;
	__u32 type_exists;
	__u32 type_exists_nowhere;
	__u32 type_size;
	__u32 type_size_nowhere;
	__u32 type_matches_old;
	__u32 type_matches_part;
	__u32 type_local_is_set;
	__u32 type_target_is_set;
	__u32 type_target_nowhere;
	__u32 typedef_exists;
	__u32 typedef_number_exists;
	__u32 typedef_no_number_exists;
	__u32 enum_idle_exists;
	__u32 enum_gone_exists;
	__u32 enum_nothing_exists;
	__u32 enum_idle;
	__s32 enum_late;
	__u64 enum_wide;
	__u64 read_first;
	__u64 read_next;
	__u32 read_inner_b;
	__u32 read_grown;
	__s64 read_small;
	__u64 read_low;
	__s64 read_middle;
	__u64 read_high;
	__u32 behind_test;
};

struct results results;

// Memory that the target's layout is laid over.
__u8 memory[256] = {
#define EIGHT(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
	EIGHT(0x80), EIGHT(0x88), EIGHT(0x90), EIGHT(0x98), EIGHT(0xa0), EIGHT(0xa8),
	EIGHT(0xb0), EIGHT(0xb8), EIGHT(0xc0), EIGHT(0xc8), EIGHT(0xd0), EIGHT(0xd8),
	EIGHT(0xe0), EIGHT(0xe8), EIGHT(0xf0), EIGHT(0xf8), EIGHT(0x00), EIGHT(0x08),
};

// Reads a bitfield by the target's layout.
#define READ_BITFIELD(object, field)                                                         \
	({                                                                                   \
		void *____at = (void *)(object) + bpf_core_field_offset((object)->field);    \
		__u64 ____word = 0;                                                          \
		barrier_var(____at);                                                         \
		switch (bpf_core_field_size((object)->field)) {                              \
		case 1: ____word = *(__u8 *)____at; break;                                   \
		case 2: ____word = *(__u16 *)____at; break;                                  \
		case 4: ____word = *(__u32 *)____at; break;                                  \
		case 8: ____word = *(__u64 *)____at; break;                                  \
		}                                                                            \
		____word <<= bpf_core_field_lshift((object)->field);                         \
		bpf_core_field_signed((object)->field)                                       \
			? (__u64)((__s64)____word >> bpf_core_field_rshift((object)->field)) \
			: ____word >> bpf_core_field_rshift((object)->field);                \
	})

static __always_inline void fields(struct sim_target___old *t)
{
	results.offset_first = bpf_core_field_offset(t->first);
	results.offset_name = bpf_core_field_offset(t->name);
	results.offset_name_3 = bpf_core_field_offset(t->name[3]);
	results.offset_inner_2_b = bpf_core_field_offset(t->inner[2].b);
	results.offset_as_bytes_1 = bpf_core_field_offset(t->as_bytes[1]);
	results.offset_y = bpf_core_field_offset(t->y);
	results.offset_next = bpf_core_field_offset(t->next);
	results.exists_first = bpf_core_field_exists(t->first);
	results.exists_gone = bpf_core_field_exists(t->gone);
	results.exists_inner_7 = bpf_core_field_exists(t->inner[7].b);
	results.size_small = bpf_core_field_size(t->small);
	results.size_name = bpf_core_field_size(t->name);
	results.size_inner = bpf_core_field_size(t->inner);
	results.size_low = bpf_core_field_size(t->low);
	results.size_high = bpf_core_field_size(t->high);
	results.signed_small = bpf_core_field_signed(t->small);
	results.signed_middle = bpf_core_field_signed(t->middle);
	results.signed_low = bpf_core_field_signed(t->low);
	results.lshift_low = bpf_core_field_lshift(t->low);
	results.rshift_low = bpf_core_field_rshift(t->low);
	results.lshift_middle = bpf_core_field_lshift(t->middle);
	results.rshift_middle = bpf_core_field_rshift(t->middle);
	results.lshift_high = bpf_core_field_lshift(t->high);
	results.rshift_high = bpf_core_field_rshift(t->high);
}

static __always_inline void reads(struct sim_target___old *t)
{
	results.read_first = t->first;
	results.read_next = (__u64)t->next;
	results.read_inner_b = t->inner[2].b;
	results.read_grown = t->grown; // the load becomes as wide as the target's field
	results.read_small = t->small;
	results.read_low = READ_BITFIELD(t, low);
	results.read_middle = READ_BITFIELD(t, middle);
	results.read_high = READ_BITFIELD(t, high);
	if (bpf_core_field_exists(t->gone))
		results.behind_test += t->gone;
}

static __always_inline void types(void)
{
	results.type_exists = bpf_core_type_exists(struct sim_target___old);
	results.type_exists_nowhere = bpf_core_type_exists(struct sim_nowhere___new);
	results.type_size = bpf_core_type_size(struct sim_target___old);
	results.type_size_nowhere = bpf_core_type_size(struct sim_nowhere___new);
	results.type_matches_old = bpf_core_type_matches(struct sim_target___old);
	results.type_matches_part = bpf_core_type_matches(struct sim_matching___part);
	results.type_local_is_set = bpf_core_type_id_local(struct sim_target___old) != 0;
	results.type_target_is_set = bpf_core_type_id_kernel(struct sim_target___old) != 0;
	results.type_target_nowhere = bpf_core_type_id_kernel(struct sim_nowhere___new);
	results.typedef_exists = bpf_core_type_exists(sim_typedef___old);
	results.typedef_number_exists = bpf_core_type_exists(sim_number);
	results.typedef_no_number_exists = bpf_core_type_exists(sim_no_number);
}

static __always_inline void enums(void)
{
	results.enum_idle_exists = bpf_core_enum_value_exists(enum sim_state___old, SIM_IDLE___old);
	results.enum_gone_exists = bpf_core_enum_value_exists(enum sim_state___old, SIM_GONE___old);
	results.enum_nothing_exists =
		bpf_core_enum_value_exists(enum sim_no_enum___new, SIM_NOTHING___new);
	if (!results.enum_idle_exists)
		return;
	results.enum_idle = bpf_core_enum_value(enum sim_state___old, SIM_IDLE___old);
	results.enum_late = bpf_core_enum_value(enum sim_state___old, SIM_LATE___old);
	results.enum_wide = bpf_core_enum_value(enum sim_wide___old, SIM_WIDE___old);
}

SEC("xdp")
int core(struct xdp_md *ctx)
{
	struct sim_target___old *target = (void *)memory;
	struct sim_target___a___b *flavored = (void *)memory;
	struct sim_nowhere___new *nowhere = (void *)memory;

	types();
	enums();
	results.exists_nowhere = bpf_core_field_exists(nowhere->field);
	if (results.exists_nowhere)
		results.behind_test = nowhere->field + nowhere->inner[1].deep;
	results.exists_two_flavors = bpf_core_field_exists(flavored->first);
	if (!bpf_core_type_exists(struct sim_target___old))
		return XDP_DROP; // a target that knows nothing of us
	fields(target);
	reads(target);
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
