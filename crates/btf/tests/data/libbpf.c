// Prints what libbpf answers to the CO-RE relocations of an object against a
// target: the expectations of tests/core.rs. See README.md.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libbpf.h"
#include "btf.h"
#include "libbpf_internal.h"
#include "relo_core.h"

static struct btf *local, *target;
static struct bpf_core_cand_list *candidates;

static int resolve(const struct bpf_core_relo *relo, int index, struct bpf_core_relo_res *res)
{
	static struct bpf_core_spec scratch[3];
	const struct btf_type *type = btf__type_by_id(local, relo->type_id);
	const char *name = btf__name_by_offset(local, type->name_off);
	struct bpf_core_cand_list *list = &candidates[relo->type_id];
	struct bpf_core_cand cand = { .btf = local, .id = relo->type_id };

	memset(res, 0, sizeof(*res));
	if (relo->kind != BPF_CORE_TYPE_ID_LOCAL) {
		if (!name || !*name)
			return -EINVAL;
		if (!list->cands) {
			int err = bpf_core_add_cands(&cand, bpf_core_essential_name_len(name),
						     target, "target", 1, list);
			if (err)
				return err;
		}
	}
	return bpf_core_calc_relo_insn("program", relo, index, local, list, scratch, res);
}

int main(int argc, char **argv)
{
	const struct btf_ext_info_sec *section;
	const struct bpf_core_relo *relo;
	struct btf_ext *ext = NULL;
	int i;

	libbpf_set_print(NULL);
	local = argc == 3 ? btf__parse_elf(argv[1], &ext) : NULL;
	target = local ? btf__parse(argv[2], NULL) : NULL;
	if (!ext || !target)
		return 1;
	candidates = calloc(btf__type_cnt(local), sizeof(*candidates));

	for_each_btf_ext_sec(&ext->core_relo_info, section) {
		const char *name = btf__name_by_offset(local, section->sec_name_off);

		for_each_btf_ext_rec(&ext->core_relo_info, section, i, relo) {
			struct bpf_core_relo_res res;
			int err = resolve(relo, i, &res);

			printf("%s+%u kind %d [%u] %s: ", name, relo->insn_off, relo->kind,
			       relo->type_id, btf__name_by_offset(local, relo->access_str_off));
			if (err)
				printf("error\n");
			else if (res.poison)
				printf("%llu -> poison%s\n", (unsigned long long)res.orig_val,
				       res.validate ? "" : " unchecked");
			else
				printf("%llu -> %llu%s size %u -> %u%s\n",
				       (unsigned long long)res.orig_val,
				       (unsigned long long)res.new_val,
				       res.validate ? "" : " unchecked", res.orig_sz, res.new_sz,
				       res.fail_memsz_adjust ? " wrong" : "");
		}
	}
	return 0;
}
