/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What stands for the kernel when a program of the benches is built natively.
 *
 * A map definition is a struct of pointers whose types carry its facts; here the
 * pointer `value`, the fourth, leads to its memory, which the bench gives it.
 * Arrays are indexed; a hash is a table with open addressing, half full at most,
 * with a word in front of each key that says whether the slot is taken. What there
 * is no counterpart for does not compile, and is left out of the bench. */
#pragma once

#include "bpf_endian.h"
#include "types.h"

#define SEC(name)
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define LICENSE(text) _Static_assert(1, text)

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
};

#define bpf_map_lookup_elem(of, at)                                       \
	((typeof((of)->value))native_lookup(                              \
		sizeof(*(of)->type) / sizeof(int), (of)->value,           \
		sizeof(*(of)->value), sizeof(*(of)->key),                 \
		sizeof(*(of)->max_entries) / sizeof(int), at))

/* One of the three kinds is left after constants are known. In a hash a slot is
 * a word that is not zero where it is taken, the key and the value. */
static __always_inline void *native_lookup(__u32 type, void *memory, __u32 value_size,
					   __u32 key_size, __u32 entries, const void *key)
{
	if (type != BPF_MAP_TYPE_HASH) {
		__u32 index = *(const __u32 *)key;

		return index < entries ? memory + (__u64)index * value_size : NULL;
	}
	__u32 stride = 8 + key_size + value_size;
	__u64 hash = 0;

	for (__u32 i = 0; i + 8 <= key_size; i += 8)
		hash = (hash ^ *(const __u64 *)(key + i)) * 0x9e3779b97f4a7c15ULL;
	for (__u32 slot = hash >> 48;; slot++) {
		void *found = memory + (__u64)(slot & (2 * entries - 1)) * stride;

		if (!*(__u64 *)found)
			return NULL;
		if (!__builtin_memcmp(found + 8, key, key_size))
			return found + 8 + key_size;
	}
}
