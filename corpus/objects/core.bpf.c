// SPDX-License-Identifier: MIT OR Apache-2.0
// Compile once, run everywhere: every kind of relocation, asked of types that
// this object also defines, so that its own BTF can be the target. Types with a
// flavor (`___old`, `___new`) are matched by the name before it. What exists in
// no target stands behind an existence test, since the loader poisons it.
#include "bpf_core.h"
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

// The target as the object carries it. On a kernel none of these types exist.
enum sim_state { SIM_IDLE = 3, SIM_BUSY = 7, SIM_LATE = -2 };

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
	char name[16];
};

// Another idea of the same types: other order, other sizes, fields that are gone.
enum sim_state___old { SIM_IDLE___old = 0, SIM_LATE___old = 0, SIM_GONE___old = 9 };

struct sim_inner___old {
	__u32 b;
} __core;

struct sim_target___old {
	char name[4];
	__u64 gone;
	__s16 small;
	struct sim_inner___old inner[8];
	__u8 as_bytes[4];
	__u64 first;
	__u32 low : 1;
	__s32 middle : 2;
	__u64 high : 3;
} __core;

struct sim_nowhere___new {
	__u32 field;
} __core;

enum sim_no_enum___new { SIM_NOTHING___new = 5 };

typedef struct sim_target sim_target_t;

struct results {
	__u32 offset_first;
	__u32 offset_name;
	__u32 offset_inner_2_b;
	__u32 offset_union;
	__u32 exists_first;
	__u32 exists_gone;
	__u32 exists_nowhere;
	__u32 size_small;
	__u32 size_name;
	__u32 size_inner;
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
	__u32 type_matches;
	__u32 type_matches_old;
	__u32 type_local_is_set;
	__u32 type_target_is_set;
	__u32 type_target_nowhere;
	__u32 typedef_exists;
	__u32 enum_idle_exists;
	__u32 enum_idle;
	__s32 enum_late;
	__u32 enum_gone_exists;
	__u32 enum_nothing_exists;
	__u32 read_low;
	__s32 read_middle;
	__u64 read_high;
	__u32 read_inner_b;
	__u32 behind_test;
};

struct results results;
struct sim_target target;

#define AS_OLD(object) ((struct sim_target___old *)&(object))

// Reads a bitfield by the target's layout.
#define READ_BITFIELD(object, field)                                                 \
	({                                                                           \
		__u64 ____word = 0;                                                  \
		void *____at = (void *)(object) + bpf_core_field_offset((object)->field); \
		switch (bpf_core_field_size((object)->field)) {                      \
		case 1: ____word = *(__u8 *)____at; break;                           \
		case 2: ____word = *(__u16 *)____at; break;                          \
		case 4: ____word = *(__u32 *)____at; break;                          \
		case 8: ____word = *(__u64 *)____at; break;                          \
		}                                                                    \
		____word <<= bpf_core_field_lshift((object)->field);                 \
		bpf_core_field_signed((object)->field)                               \
			? (__u64)((__s64)____word >> bpf_core_field_rshift((object)->field)) \
			: ____word >> bpf_core_field_rshift((object)->field);        \
	})

static __always_inline void fields(struct sim_target___old *t)
{
	results.offset_first = bpf_core_field_offset(t->first);
	results.offset_name = bpf_core_field_offset(t->name);
	results.offset_inner_2_b = bpf_core_field_offset(t->inner[2].b);
	results.offset_union = bpf_core_field_offset(t->as_bytes);
	results.exists_first = bpf_core_field_exists(t->first);
	results.exists_gone = bpf_core_field_exists(t->gone);
	results.size_small = bpf_core_field_size(t->small);
	results.size_name = bpf_core_field_size(t->name);
	results.size_inner = bpf_core_field_size(t->inner);
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

static __always_inline void types(void)
{
	results.type_exists = bpf_core_type_exists(struct sim_target___old);
	results.type_exists_nowhere = bpf_core_type_exists(struct sim_nowhere___new);
	results.type_size = bpf_core_type_size(struct sim_target___old);
	results.type_size_nowhere = bpf_core_type_size(struct sim_nowhere___new);
	results.type_matches = bpf_core_type_matches(struct sim_target);
	results.type_matches_old = bpf_core_type_matches(struct sim_target___old);
	results.type_local_is_set = bpf_core_type_id_local(struct sim_target) != 0;
	results.type_target_is_set = bpf_core_type_id_kernel(struct sim_target) != 0;
	results.type_target_nowhere = bpf_core_type_id_kernel(struct sim_nowhere___new);
	results.typedef_exists = bpf_core_type_exists(sim_target_t);
}

static __always_inline void enums(void)
{
	results.enum_idle_exists = bpf_core_enum_value_exists(enum sim_state___old, SIM_IDLE___old);
	results.enum_gone_exists = bpf_core_enum_value_exists(enum sim_state___old, SIM_GONE___old);
	results.enum_nothing_exists =
		bpf_core_enum_value_exists(enum sim_no_enum___new, SIM_NOTHING___new);
	if (results.enum_idle_exists) {
		results.enum_idle = bpf_core_enum_value(enum sim_state___old, SIM_IDLE___old);
		results.enum_late = bpf_core_enum_value(enum sim_state___old, SIM_LATE___old);
	}
}

SEC("xdp")
int core(struct xdp_md *ctx)
{
	struct sim_target___old *old = AS_OLD(target);
	struct sim_nowhere___new *nowhere = (void *)&target;

	types();
	enums();
	results.exists_nowhere = bpf_core_field_exists(nowhere->field);
	if (results.exists_nowhere)
		results.behind_test = nowhere->field; // poisoned, never reached

	if (!bpf_core_type_exists(struct sim_target___old))
		return XDP_DROP; // a target that knows nothing of us
	fields(old);
	target.low = 21;
	target.middle = -300;
	target.high = 0x123456789a;
	target.inner[2].b = 77;
	results.read_low = READ_BITFIELD(old, low);
	results.read_middle = READ_BITFIELD(old, middle);
	results.read_high = READ_BITFIELD(old, high);
	results.read_inner_b = old->inner[2].b;
	if (bpf_core_field_exists(old->gone))
		results.behind_test = old->gone;
	return XDP_PASS;
}

LICENSE("Dual MIT/GPL");
