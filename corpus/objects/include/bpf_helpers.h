/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a program says to its loader (sections, map definitions, externs) and
 * the helpers of the kernel that the programs here call. A helper is a call to
 * its number; the numbers are the kernel's ABI. */
#pragma once

#include "bpf_endian.h"
#include "types.h"

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))

/* The three ways in which a BTF map definition carries a fact in a type. */
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]

#define LICENSE(text) char _license[] SEC("license") = text

/* Keeps the compiler from seeing through a value or moving memory accesses. */
#define barrier_var(var) asm volatile("" : "+r"(var))
#define barrier() asm volatile("" ::: "memory")

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_DEVMAP = 14,
	BPF_MAP_TYPE_CPUMAP = 16,
	BPF_MAP_TYPE_XSKMAP = 17,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_DEVMAP_HASH = 25,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_BLOOM_FILTER = 30,
	BPF_MAP_TYPE_USER_RINGBUF = 31,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
	BPF_F_LOCK = 4,
};

enum {
	BPF_F_NO_PREALLOC = 1 << 0,
	BPF_F_RDONLY_PROG = 1 << 7,
};

#define BPF_F_CURRENT_CPU 0xffffffffULL
#define BPF_F_BROADCAST (1ULL << 3)
#define BPF_F_EXCLUDE_INGRESS (1ULL << 4)

enum libbpf_pin_type { LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME };
enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };

struct bpf_spin_lock {
	__u32 val;
};

struct bpf_timer {
	__u64 opaque[2];
} __aligned(8);

struct bpf_dynptr {
	__u64 opaque[2];
} __aligned(8);

struct bpf_sock_tuple {
	union {
		struct {
			__be32 saddr;
			__be32 daddr;
			__be16 sport;
			__be16 dport;
		} ipv4;
		struct {
			__be32 saddr[4];
			__be32 daddr[4];
			__be16 sport;
			__be16 dport;
		} ipv6;
	};
};

#define BPF_F_CURRENT_NETNS (-1L)
#define CLOCK_MONOTONIC 1

struct bpf_devmap_val {
	__u32 ifindex;
	__u32 bpf_prog_fd;
};

struct bpf_cpumap_val {
	__u32 qsize;
	__u32 bpf_prog_fd;
};

enum {
	BPF_FIB_LKUP_RET_SUCCESS,
	BPF_FIB_LKUP_RET_BLACKHOLE,
	BPF_FIB_LKUP_RET_UNREACHABLE,
	BPF_FIB_LKUP_RET_PROHIBIT,
	BPF_FIB_LKUP_RET_NOT_FWDED,
	BPF_FIB_LKUP_RET_FWD_DISABLED,
	BPF_FIB_LKUP_RET_UNSUPP_LWT,
	BPF_FIB_LKUP_RET_NO_NEIGH,
	BPF_FIB_LKUP_RET_FRAG_NEEDED,
};

struct bpf_fib_lookup {
	__u8 family;
	__u8 l4_protocol;
	__be16 sport;
	__be16 dport;
	union {
		__u16 tot_len;
		__u16 mtu_result;
	};
	__u32 ifindex;
	union {
		__u8 tos;
		__be32 flowinfo;
		__u32 rt_metric;
	};
	union {
		__be32 ipv4_src;
		__u32 ipv6_src[4];
	};
	union {
		__be32 ipv4_dst;
		__u32 ipv6_dst[4];
	};
	union {
		struct {
			__be16 h_vlan_proto;
			__be16 h_vlan_TCI;
		};
		__u32 tbid;
	};
	union {
		__u32 mark;
		struct {
			__u8 smac[6];
			__u8 dmac[6];
		};
	};
};

struct xdp_md;
struct __sk_buff;

#define HELPER(number) = (void *)(number)

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) HELPER(1);
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					 __u64 flags) HELPER(2);
static long (*const bpf_map_delete_elem)(void *map, const void *key) HELPER(3);
static long (*const bpf_probe_read)(void *dst, __u32 size, const void *unsafe) HELPER(4);
static __u64 (*const bpf_ktime_get_ns)(void) HELPER(5);
static long (*const bpf_trace_printk)(const char *fmt, __u32 fmt_size, ...) HELPER(6);
static __u32 (*const bpf_get_prandom_u32)(void) HELPER(7);
static __u32 (*const bpf_get_smp_processor_id)(void) HELPER(8);
static long (*const bpf_skb_store_bytes)(struct __sk_buff *skb, __u32 off, const void *from,
					 __u32 len, __u64 flags) HELPER(9);
static long (*const bpf_l3_csum_replace)(struct __sk_buff *skb, __u32 off, __u64 from, __u64 to,
					 __u64 flags) HELPER(10);
static long (*const bpf_l4_csum_replace)(struct __sk_buff *skb, __u32 off, __u64 from, __u64 to,
					 __u64 flags) HELPER(11);
static long (*const bpf_tail_call)(void *ctx, void *prog_array, __u32 index) HELPER(12);
static __u64 (*const bpf_get_current_pid_tgid)(void) HELPER(14);
static __u64 (*const bpf_get_current_uid_gid)(void) HELPER(15);
static long (*const bpf_get_current_comm)(void *buf, __u32 size) HELPER(16);
static long (*const bpf_skb_vlan_push)(struct __sk_buff *skb, __be16 proto, __u16 tci) HELPER(18);
static long (*const bpf_redirect)(__u32 ifindex, __u64 flags) HELPER(23);
static long (*const bpf_perf_event_output)(void *ctx, void *map, __u64 flags, void *data,
					   __u64 size) HELPER(25);
static long (*const bpf_skb_load_bytes)(const void *skb, __u32 off, void *to, __u32 len) HELPER(26);
static __s64 (*const bpf_csum_diff)(__be32 *from, __u32 from_size, __be32 *to, __u32 to_size,
				    __wsum seed) HELPER(28);
static long (*const bpf_xdp_adjust_head)(struct xdp_md *xdp, int delta) HELPER(44);
static long (*const bpf_probe_read_str)(void *dst, __u32 size, const void *unsafe) HELPER(45);
static long (*const bpf_redirect_map)(void *map, __u64 key, __u64 flags) HELPER(51);
static long (*const bpf_xdp_adjust_meta)(struct xdp_md *xdp, int delta) HELPER(54);
static long (*const bpf_xdp_adjust_tail)(struct xdp_md *xdp, int delta) HELPER(65);
static long (*const bpf_fib_lookup)(void *ctx, struct bpf_fib_lookup *params, int plen,
				    __u32 flags) HELPER(69);
static struct bpf_sock *(*const bpf_sk_lookup_tcp)(void *ctx, struct bpf_sock_tuple *tuple,
						    __u32 size, __u64 netns,
						    __u64 flags) HELPER(84);
static struct bpf_sock *(*const bpf_sk_lookup_udp)(void *ctx, struct bpf_sock_tuple *tuple,
						    __u32 size, __u64 netns,
						    __u64 flags) HELPER(85);
static long (*const bpf_sk_release)(void *sock) HELPER(86);
static long (*const bpf_map_push_elem)(void *map, const void *value, __u64 flags) HELPER(87);
static long (*const bpf_map_pop_elem)(void *map, void *value) HELPER(88);
static long (*const bpf_map_peek_elem)(void *map, void *value) HELPER(89);
static long (*const bpf_spin_lock)(struct bpf_spin_lock *lock) HELPER(93);
static long (*const bpf_spin_unlock)(struct bpf_spin_lock *lock) HELPER(94);
static long (*const bpf_strtol)(const char *buf, __u64 len, __u64 flags, long *res) HELPER(105);
static long (*const bpf_strtoul)(const char *buf, __u64 len, __u64 flags,
				 unsigned long *res) HELPER(106);
static long (*const bpf_probe_read_user)(void *dst, __u32 size, const void *unsafe) HELPER(112);
static long (*const bpf_probe_read_kernel)(void *dst, __u32 size, const void *unsafe) HELPER(113);
static long (*const bpf_probe_read_user_str)(void *dst, __u32 size, const void *unsafe) HELPER(114);
static __u64 (*const bpf_jiffies64)(void) HELPER(118);
static __u64 (*const bpf_ktime_get_boot_ns)(void) HELPER(125);
static long (*const bpf_ringbuf_output)(void *ringbuf, void *data, __u64 size,
					__u64 flags) HELPER(130);
static void *(*const bpf_ringbuf_reserve)(void *ringbuf, __u64 size, __u64 flags) HELPER(131);
static void (*const bpf_ringbuf_submit)(void *data, __u64 flags) HELPER(132);
static void (*const bpf_ringbuf_discard)(void *data, __u64 flags) HELPER(133);
static __u64 (*const bpf_ringbuf_query)(void *ringbuf, __u64 flags) HELPER(134);
static struct task_struct *(*const bpf_get_current_task_btf)(void) HELPER(158);
static __u64 (*const bpf_ktime_get_coarse_ns)(void) HELPER(160);
static long (*const bpf_check_mtu)(void *ctx, __u32 ifindex, __u32 *mtu_len, __s32 len_diff,
				   __u64 flags) HELPER(163);
static long (*const bpf_for_each_map_elem)(void *map, void *callback, void *ctx,
					   __u64 flags) HELPER(164);
static long (*const bpf_snprintf)(char *str, __u32 str_size, const char *fmt, __u64 *data,
				  __u32 data_len) HELPER(165);
static long (*const bpf_timer_init)(struct bpf_timer *timer, void *map,
				    __u64 flags) HELPER(169);
static long (*const bpf_timer_set_callback)(struct bpf_timer *timer, void *callback) HELPER(170);
static long (*const bpf_timer_start)(struct bpf_timer *timer, __u64 nsecs,
				     __u64 flags) HELPER(171);
static long (*const bpf_timer_cancel)(struct bpf_timer *timer) HELPER(172);
static long (*const bpf_trace_vprintk)(const char *fmt, __u32 fmt_size, const void *data,
				       __u32 data_len) HELPER(177);
static long (*const bpf_loop)(__u32 n, void *callback, void *ctx, __u64 flags) HELPER(181);
static long (*const bpf_strncmp)(const char *s1, __u32 s1_size, const char *s2) HELPER(182);
static __u64 (*const bpf_xdp_get_buff_len)(struct xdp_md *xdp) HELPER(188);
static long (*const bpf_xdp_load_bytes)(struct xdp_md *xdp, __u32 off, void *buf,
					__u32 len) HELPER(189);
static long (*const bpf_xdp_store_bytes)(struct xdp_md *xdp, __u32 off, void *buf,
					 __u32 len) HELPER(190);
static void *(*const bpf_map_lookup_percpu_elem)(void *map, const void *key, __u32 cpu) HELPER(195);
static long (*const bpf_dynptr_read)(void *dst, __u32 len, const struct bpf_dynptr *src,
				     __u32 offset, __u64 flags) HELPER(201);
static __u64 (*const bpf_ktime_get_tai_ns)(void) HELPER(208);
static long (*const bpf_user_ringbuf_drain)(void *map, void *callback, void *ctx,
					    __u64 flags) HELPER(209);

/* Calls bpf_trace_printk with the format on the stack, as programs do. */
#define bpf_printk(fmt, args...)                                  \
	({                                                        \
		char ____fmt[] = fmt;                             \
		bpf_trace_printk(____fmt, sizeof(____fmt), ##args); \
	})
