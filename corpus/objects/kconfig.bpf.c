// SPDX-License-Identifier: MIT OR Apache-2.0
// Externs of the kernel's configuration: the version, a number, a string, a
// yes/no/module choice, and weak ones that no kernel has.
#include "bpf_helpers.h"
#include "packet.h"
#include "xdp.h"

extern int LINUX_KERNEL_VERSION __kconfig;
extern enum libbpf_tristate CONFIG_BPF __kconfig __weak;
extern bool CONFIG_BPF_SYSCALL __kconfig __weak;
extern int CONFIG_HZ __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;
extern int CONFIG_OF_NO_KERNEL_EVER __kconfig __weak;

int version;
int hertz;
int missing;

SEC("xdp")
int kconfig(struct xdp_md *ctx)
{
	version = LINUX_KERNEL_VERSION;
	hertz = CONFIG_HZ;
	missing = CONFIG_OF_NO_KERNEL_EVER;
	if (CONFIG_OF_NO_KERNEL_EVER)
		return XDP_ABORTED;
	if (LINUX_KERNEL_VERSION < 0x050000)
		return XDP_DROP;
	return CONFIG_BPF_SYSCALL && CONFIG_BPF == TRI_YES ? XDP_PASS : XDP_TX;
}

LICENSE("GPL");
