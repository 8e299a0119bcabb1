// SPDX-License-Identifier: MIT OR Apache-2.0
// Who starts programs: the same question asked by a kprobe, a tracepoint, a raw
// tracepoint and a sampling perf event. A hash counts per process, a perf event
// array carries the names.
#include "bpf_helpers.h"

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct trace_event_raw_sys_enter {
	__u64 common;
	long id;
	unsigned long args[6];
};

struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

struct event {
	__u32 pid;
	__u32 uid;
	char comm[16];
	char path[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, __u64);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} events SEC(".maps");

static __always_inline void count(__u32 pid)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&starts, &pid);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&starts, &pid, &one, BPF_ANY);
}

static __always_inline void report(void *ctx, const char *user_path)
{
	struct event event = {};

	event.pid = bpf_get_current_pid_tgid() >> 32;
	event.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	if (user_path)
		bpf_probe_read_user_str(event.path, sizeof(event.path), user_path);
	count(event.pid);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
}

// The argument is the saved register file of the system call.
SEC("kprobe/__x64_sys_execve")
int on_kprobe(struct pt_regs *ctx)
{
	struct pt_regs *regs = (void *)ctx->di;
	unsigned long path = 0;

	bpf_probe_read_kernel(&path, sizeof(path), &regs->di);
	report(ctx, (const char *)path);
	return 0;
}

SEC("kretprobe/__x64_sys_execve")
int on_kretprobe(struct pt_regs *ctx)
{
	if ((long)ctx->ax < 0)
		bpf_printk("execve failed: %d", (int)ctx->ax);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_execve")
int on_tracepoint(struct trace_event_raw_sys_enter *ctx)
{
	report(ctx, (const char *)ctx->args[0]);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int on_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	report(ctx, NULL);
	return 0;
}

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	count(bpf_get_current_pid_tgid() >> 32);
	return 0;
}

LICENSE("GPL");
