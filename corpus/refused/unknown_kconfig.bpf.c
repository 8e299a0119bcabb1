// SPDX-License-Identifier: MIT OR Apache-2.0
// Needs (strongly) a configuration value that no kernel has.
#include "bpf_helpers.h"
#include "xdp.h"

extern int CONFIG_NO_SUCH_OPTION __kconfig;

SEC("xdp")
int unknown_kconfig(struct xdp_md *ctx)
{
	return CONFIG_NO_SUCH_OPTION;
}

LICENSE("GPL");
