
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>

struct map {
	unsigned int type, key_size, value_size, max_entries, flags;
	unsigned long long extra;
	unsigned int key_type, value_type;
	struct map *inner;
	unsigned char *contents;
	int frozen;
};

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(__NR_bpf, command, attr, sizeof(*attr));
}

static void cannot(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(2);
}
