// The program's side of tests/core.rs: every kind of relocation against types
// that target.c has otherwise. See tests/data/README.md.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

enum state { STATE_IDLE, STATE_BUSY = 7, STATE_GONE = 9 };
enum wide { WIDE_BIG = 0x100000000, WIDE_SMALL = 1 };
enum sign { SIGN_MINUS = -5, SIGN_PLUS = 5 };
enum high { HIGH_BIT = 0x80000000 };
enum missing_enum { MISSING_VALUE = 3 };

struct fwd_here;
union fwd_union;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct leaf { int x; int y; };

struct moved {
	int first;
	u32 second;
	u64 third;
	struct leaf leaf;
	struct leaf leaves[4];
	struct { int inner; union { u32 deep; u16 half; }; };
	struct leaf *ptr;
	char name[16];
	int grid[2][3];
};

struct bits { u64 d : 40; u32 a : 3; int b : 5; u32 c : 9; enum state s : 4; u8 plain; };

struct sizes {
	u32 widens; int widens_signed; u64 narrows; u32 sign_changes; void *ptr_to_int;
	u32 to_bitfield; u32 from_bitfield : 7; int to_struct; u16 array[4]; float real;
};

struct flex { int n; struct leaf tail[]; };
struct was_flex { int n; int tail[]; };

struct renamed___v1 { int old_name; int same; };
struct renamed___v2 { int new_name; int same; };

struct split { int a; int b; };
struct agree { int a; int only_first; };
struct gone { int a; };
struct became_union { int a; int b; };

struct matches { int a; struct leaf *p; u32 list[4]; enum state s; };
struct matches_not { int a; long b; };
struct matches_opaque { struct fwd_here *f; struct leaf *g; union fwd_union *u; };
struct matches_fn { int (*fn)(struct leaf *, int); };

#pragma clang attribute pop

typedef struct { int q; long r; } anonymous_t;
typedef int (*callback_t)(struct leaf *, u32);
typedef u32 number_t;

volatile u64 sink;

#define OFFSET(place) sink = __builtin_preserve_field_info(place, 0)
#define EXISTS(place) sink = __builtin_preserve_field_info(place, 2)
#define PLACE(place)                                                                     \
	sink = __builtin_preserve_field_info(place, 0);                                  \
	sink = __builtin_preserve_field_info(place, 1);                                  \
	sink = __builtin_preserve_field_info(place, 2)
#define FIELD(place)                                                                     \
	PLACE(place);                                                                    \
	sink = __builtin_preserve_field_info(place, 3);                                  \
	sink = __builtin_preserve_field_info(place, 4);                                  \
	sink = __builtin_preserve_field_info(place, 5)
#define TYPE(type)                                                                       \
	sink = __builtin_preserve_type_info(*(type *)0, 0);                              \
	sink = __builtin_preserve_type_info(*(type *)0, 1);                              \
	sink = __builtin_preserve_type_info(*(type *)0, 2);                              \
	sink = __builtin_btf_type_id(*(type *)0, 0);                                     \
	sink = __builtin_btf_type_id(*(type *)0, 1)
#define VALUE(type, value)                                                               \
	sink = __builtin_preserve_enum_value(*(enum type *)value, 0);                    \
	sink = __builtin_preserve_enum_value(*(enum type *)value, 1)

#define FUNCTION(name) __attribute__((section("tc/" #name))) int name(void *context)

FUNCTION(fields)
{
	struct moved *m = context;
	FIELD(m->first);
	FIELD(m->second);
	FIELD(m->third);
	PLACE(m->leaf);
	FIELD(m->leaf.y);
	PLACE(m->leaves);
	PLACE(m->leaves[1]);
	EXISTS(m->leaves[3]);
	FIELD(m->leaves[1].y);
	FIELD(m->inner);
	FIELD(m->deep);
	FIELD(m->half);
	PLACE(m->name[3]);
	PLACE(m->grid[1]);
	PLACE(m->grid[1][2]);
	PLACE(m[1].first);
	sink = m->ptr->y;
	sink = m->third;
	return 0;
}

FUNCTION(bitfields)
{
	struct bits *b = context;
	FIELD(b->a);
	FIELD(b->b);
	FIELD(b->c);
	FIELD(b->d);
	FIELD(b->s);
	FIELD(b->plain);
	return 0;
}

FUNCTION(loads)
{
	struct sizes *s = context;
	sink = s->widens;
	sink = s->widens_signed;
	sink = s->narrows;
	sink = s->sign_changes;
	sink = (u64)s->ptr_to_int;
	sink = s->to_bitfield;
	sink = s->to_struct;
	sink = s->array[2];
	FIELD(s->from_bitfield);
	FIELD(s->to_bitfield);
	PLACE(s->real);
	return 0;
}

FUNCTION(flexible)
{
	struct flex *f = context;
	struct was_flex *w = context;
	PLACE(f->tail[5].y);
	OFFSET(w->tail[1]);
	EXISTS(w->tail[2]);
	return 0;
}

FUNCTION(flavors)
{
	struct renamed___v1 *old = context;
	struct renamed___v2 *new = context;
	PLACE(old->old_name);
	PLACE(old->same);
	PLACE(new->new_name);
	PLACE(new->same);
	TYPE(struct renamed___v1);
	return 0;
}

FUNCTION(candidates)
{
	struct split *s = context;
	struct agree *a = context;
	struct gone *g = context;
	struct became_union *u = context;
	OFFSET(s->b);
	EXISTS(s->a);
	// Only one candidate has it, and so is the only one from here on.
	OFFSET(a->only_first);
	TYPE(struct agree);
	FIELD(g->a);
	TYPE(struct gone);
	PLACE(u->b);
	return 0;
}

FUNCTION(types)
{
	TYPE(struct moved);
	TYPE(struct leaf);
	TYPE(struct matches);
	TYPE(struct matches_not);
	TYPE(struct matches_opaque);
	TYPE(struct matches_fn);
	TYPE(struct flex);
	TYPE(anonymous_t);
	TYPE(callback_t);
	TYPE(number_t);
	TYPE(enum state);
	TYPE(enum wide);
	TYPE(enum missing_enum);
	return 0;
}

FUNCTION(enums)
{
	VALUE(state, STATE_IDLE);
	VALUE(state, STATE_BUSY);
	VALUE(state, STATE_GONE);
	VALUE(wide, WIDE_BIG);
	VALUE(wide, WIDE_SMALL);
	VALUE(sign, SIGN_MINUS);
	VALUE(high, HIGH_BIT);
	VALUE(missing_enum, MISSING_VALUE);
	return 0;
}
