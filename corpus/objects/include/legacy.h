/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Map definitions from before BTF: structs in a section `maps`. */
#pragma once

/* libbpf's first layout: 20 bytes. */
struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

/* With the two fields that samples of the kernel added: 28 bytes. */
struct bpf_map_def_28 {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
	unsigned int inner_map_idx;
	unsigned int numa_node;
};

/* iproute2's layout: 36 bytes. */
struct bpf_elf_map {
	unsigned int type;
	unsigned int size_key;
	unsigned int size_value;
	unsigned int max_elem;
	unsigned int flags;
	unsigned int id;
	unsigned int pinning;
	unsigned int inner_id;
	unsigned int inner_idx;
};
