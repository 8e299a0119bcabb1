/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compile once, run everywhere: each macro makes clang record a relocation that
 * the loader answers from the target's BTF. The numbers are clang's. */
#pragma once

#define bpf_core_field_exists(field) __builtin_preserve_field_info(field, 2)
#define bpf_core_field_offset(field) __builtin_preserve_field_info(field, 0)
#define bpf_core_field_size(field) __builtin_preserve_field_info(field, 1)
#define bpf_core_field_signed(field) __builtin_preserve_field_info(field, 3)
#define bpf_core_field_lshift(field) __builtin_preserve_field_info(field, 4)
#define bpf_core_field_rshift(field) __builtin_preserve_field_info(field, 5)

#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type) *)0, 0)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(typeof(type) *)0, 1)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, 0)
#define bpf_core_type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, 1)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, 2)

#define bpf_core_enum_value_exists(type, value) \
	__builtin_preserve_enum_value(*(typeof(type) *)value, 0)
#define bpf_core_enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 1)

/* Reads one field of kernel memory, relocated. */
#define bpf_core_read(dst, size, src) \
	bpf_probe_read_kernel(dst, size, (const void *)__builtin_preserve_access_index(src))

#define __core __attribute__((preserve_access_index))
