// SPDX-License-Identifier: MIT OR Apache-2.0
// What an object wants of the kernel: strong configuration values, kernel
// functions and variables, and a structure whose functions are programs.
#include "bpf_core.h"
#include "bpf_helpers.h"
#include "xdp.h"

extern long CONFIG_HZ __kconfig;
extern char CONFIG_NAME[6] __kconfig;
extern bool CONFIG_WEAK __kconfig __weak;
extern bool LINUX_OF_TOMORROW __kconfig __weak;

extern void kernel_function(int x) __ksym;
extern void weak_function(int x) __ksym __weak;
extern const int kernel_variable __ksym;
extern const void kernel_address __ksym;
extern const void weak_address __ksym __weak;

struct target {
	__u32 there;
} __core;
struct elsewhere___other {
	int field;
} __core;

__u64 sum;

SEC("xdp")
int user(struct xdp_md *ctx)
{
	kernel_function(1);
	if (weak_function)
		weak_function(2);
	sum += (long)&kernel_variable + (long)&kernel_address + (long)&weak_address;
	sum += CONFIG_HZ + CONFIG_NAME[1] + CONFIG_WEAK + LINUX_OF_TOMORROW;
	return XDP_PASS;
}

SEC("fentry/some_function")
int relocated(__u64 *ctx)
{
	struct target *target = (void *)ctx[0];
	struct elsewhere___other *other = (void *)ctx[1];

	sum += target->there;
	if (bpf_core_field_exists(other->field))
		sum += other->field;
	return 0;
}

SEC("struct_ops/start")
int start(__u64 *ctx)
{
	return 0;
}

struct operations {
	int (*start)(void);
	int version;
};

struct operations mine SEC(".struct_ops.link") = {
	.start = (void *)start,
	.version = 7,
};

LICENSE("GPL");
