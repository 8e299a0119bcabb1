#define PTR(p) ((unsigned long long)(unsigned long)(p))

static char log_text[16 << 20];

static int load_btf(void)
{
	union bpf_attr attr = { .btf = PTR(btf), .btf_size = sizeof(btf) };
	int fd;

	if (!sizeof(btf))
		return 0;
	fd = bpf(BPF_BTF_LOAD, &attr);
	if (fd < 0)
		cannot("BTF");
	return fd;
}

static int make_map(struct map *map, int btf_fd)
{
	union bpf_attr attr = {
		.map_type = map->type, .key_size = map->key_size,
		.value_size = map->value_size, .max_entries = map->max_entries,
		.map_flags = map->flags, .map_extra = map->extra,
	};
	unsigned int zero = 0;
	int fd;

	if (map->inner)
		attr.inner_map_fd = make_map(map->inner, btf_fd);
	if (map->value_type) {
		attr.btf_fd = btf_fd;
		attr.btf_key_type_id = map->key_type;
		attr.btf_value_type_id = map->value_type;
	}
	fd = bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0)
		cannot("a map");
	if (map->contents) {
		union bpf_attr elem = { .map_fd = fd, .key = PTR(&zero), .value = PTR(map->contents) };

		if (bpf(BPF_MAP_UPDATE_ELEM, &elem))
			cannot("the contents of a map");
	}
	if (map->frozen) {
		union bpf_attr elem = { .map_fd = fd };

		if (bpf(BPF_MAP_FREEZE, &elem))
			cannot("freezing a map");
	}
	return fd;
}

/* The id of a function in the kernel's BTF. */
static int kernel_id(const char *name)
{
	/* Words after each kind of type; of those with members, per member. */
	static const int fixed[] = { 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0 };
	static const int each[] = { 0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3 };
	static unsigned char bytes[64 << 20];
	FILE *file = fopen("/sys/kernel/btf/vmlinux", "r");
	unsigned int *header = (unsigned int *)bytes, *at, *end, id;
	const char *strings;

	if (!file || !fread(bytes, 1, sizeof(bytes), file))
		cannot("/sys/kernel/btf/vmlinux");
	fclose(file);
	at = (unsigned int *)(bytes + header[1] + header[2]);
	end = at + header[3] / 4;
	strings = (const char *)bytes + header[1] + header[4];
	for (id = 1; at < end; id++) {
		unsigned int kind = at[1] >> 24 & 31, members = at[1] & 0xffff;

		if (kind == 12 && !strcmp(strings + at[0], name))
			return id;
		if (kind >= sizeof(fixed) / sizeof(*fixed))
			break;
		at += 3 + fixed[kind] + each[kind] * members;
	}
	errno = ENOENT;
	cannot(name);
	return 0;
}

/* Descriptors and ids where the program has indices. */
static void resolve(int *fds)
{
	for (unsigned int pc = 0; pc < sizeof(insns) / sizeof(*insns); pc++) {
		struct bpf_insn *insn = &insns[pc];

		if (insn->code == 0x18 && (insn->src_reg == 5 || insn->src_reg == 6) &&
		    (unsigned int)insn->imm < MAPS) {
			insn->src_reg -= 4;
			insn->imm = fds[insn->imm];
		}
		if (insn->code == 0x85 && insn->src_reg == 2 && !insn->off &&
		    (unsigned int)insn->imm + 1 < sizeof(externs) / sizeof(*externs))
			insn->imm = kernel_id(externs[insn->imm]);
		if (insn->code == 0x18)
			pc++;
	}
}

static void run(int fd)
{
	static unsigned char out[1 << 16];

	for (int i = 0; i < PACKETS; i++) {
		union bpf_attr attr = { .test = {
			.prog_fd = fd, .data_in = PTR(packets[i].bytes), .data_size_in = packets[i].len,
			.data_out = PTR(out), .data_size_out = sizeof(out),
		} };

		if (bpf(BPF_PROG_TEST_RUN, &attr)) {
			printf("run %d: %s\n", i, strerror(errno));
			continue;
		}
		printf("run %d: r0 = %#x, packet:", i, attr.test.retval);
		for (unsigned int at = 0; at < attr.test.data_size_out; at++)
			printf(" %02x", out[at]);
		printf("\n");
	}
}

int main(void)
{
	int fds[MAPS + 1], btf_fd = load_btf(), error, same, fd;
	union bpf_attr attr = {
		.prog_type = PROG_TYPE, .expected_attach_type = ATTACH_TYPE,
		.insns = PTR(insns), .insn_cnt = sizeof(insns) / sizeof(*insns),
		.license = PTR(LICENSE), .prog_flags = PROG_FLAGS,
		.log_buf = PTR(log_text), .log_size = sizeof(log_text), .log_level = 2 | 4,
	};

	for (int i = 0; i < MAPS; i++)
		fds[i] = make_map(&maps[i], btf_fd);
	resolve(fds);
	if (FUNCTIONS) {
		attr.prog_btf_fd = btf_fd;
		attr.func_info = PTR(func_info);
		attr.func_info_cnt = FUNCTIONS;
		attr.func_info_rec_size = sizeof(func_info[0]);
	}
	if (ATTACH_BTF_ID)
		attr.attach_btf_id = ATTACH_BTF_ID;
	fd = bpf(BPF_PROG_LOAD, &attr);
	error = fd < 0 ? errno : 0;
	if (error == EPERM)
		cannot("BPF_PROG_LOAD");
	printf("%s", log_text);
	printf("Linux: %s\nfound: %s\n", error ? strerror(error) : "accepted", FOUND);
	if (fd >= 0)
		run(fd);
	if (!ASKED)
		return 0;
	same = error == LINUX_ERRNO && strstr(log_text, LINUX_MESSAGE);
	printf(same ? "as it was found\n" : "not as it was found\n");
	return !same;
}
