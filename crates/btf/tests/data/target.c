// The target's side of tests/core.rs; see program.c.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

enum state { STATE_BUSY = 17, STATE_IDLE = 2 };
enum wide { WIDE_BIG = 5, WIDE_SMALL = 0x200000000 };
enum sign { SIGN_MINUS = -6, SIGN_PLUS___new = 5 };
enum high { HIGH_BIT = 0x80000001 };

struct fwd_here;
union fwd_union { int whole; };
struct leaf { char pad; int y; int x; };

struct moved {
	long new_first;
	union { u64 second; char raw[8]; };
	int first;
	struct { struct { struct leaf leaf; }; };
	struct leaf leaves[3];
	struct { u32 inner; u16 half; u32 deep; } anchor;
	u32 deep;
	struct { short inner; };
	struct leaf *ptr;
	signed char name[4];
	int grid[3][4];
	u32 third;
};

struct bits { u64 pad : 30; int a : 4; u32 b : 5; u32 c : 32; u64 d : 33; enum state s : 5; u8 plain : 2; };

struct sizes {
	u64 widens; long widens_signed; u32 narrows; int sign_changes; u64 ptr_to_int;
	u32 pad : 3; u32 to_bitfield : 9; u32 from_bitfield; struct leaf to_struct; u32 array[8]; double real;
};

struct flex { long n; struct leaf tail[]; };
struct was_flex { long n; int tail[2]; };

struct renamed { int pad; int new_name; int same; };

struct split { int a; int b; };
struct split___other { int a; int between; int b; };
struct agree { int a; int only_first; };
struct agree___second { long a; long b; };
union became_union { int a; int b; };

struct matches { char extra; int a; struct leaf *p; u32 list[4]; enum state s; };
struct matches_not { int a; int b; };
struct matches_opaque { struct fwd_here *f; struct leaf *g; union fwd_union *u; };
struct matches_fn { int (*fn)(struct leaf *, int); };

typedef struct { int q; long r; } anonymous_t;
typedef int (*callback_t)(struct leaf *, int);
typedef u64 number_t;

struct moved moved;
struct bits bits;
struct sizes sizes;
struct flex *flex;
struct was_flex was_flex;
struct renamed renamed;
struct split split;
struct split___other split_other;
struct agree agree;
struct agree___second agree_second;
union became_union became_union;
struct matches matches;
struct matches_not matches_not;
struct matches_opaque matches_opaque;
struct matches_fn matches_fn;
anonymous_t anonymous;
callback_t callback;
number_t number;
enum state state;
enum wide wide;
enum sign sign;
enum high high;
