//! Calls and their arguments.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "size-negative",
        title: "a size that is handed to a helper may be negative",
        missing: "A lower bound on the size.",
        advice: "Use an unsigned variable, or a mask: `size &= 63`.",
        long: "The size argument must be known not to be negative and not to exceed the \
         memory. A signed comparison alone leaves the negative numbers.",
        example: example!("size-negative"),
    },
    Topic {
        code: "size-zero",
        title: "a size that is handed to a helper may be zero",
        missing: "A test that the size is not 0.",
        advice: "if (size > 0 && size <= sizeof(buf)), or `(size & 63) + 1`.",
        long: "Some helpers take no empty memory. The range in the sentence says what the \
         size can be as far as Linux knows; the compiler may have left out a test that \
         it thought was implied.",
        example: example!("size-zero"),
    },
    Topic {
        code: "size-unbounded",
        title: "a size that is handed to a helper has no upper bound",
        missing: "An upper bound on the size.",
        advice: "if (size > sizeof(buf)) return ...; or a mask: `size &= sizeof(buf) - 1` where \
         that is a power of two.",
        long: "The helper will read or write as many bytes as it is told, so Linux holds the \
         largest possible size against the memory. Without a bound that cannot fit.",
        example: example!("size-unbounded"),
    },
    Topic {
        code: "size-not-constant",
        title: "an argument has to be a constant",
        missing: "A number that is the same on every path.",
        advice: "Use a constant, or a helper that takes a variable size: bpf_ringbuf_output in \
         place of bpf_ringbuf_reserve.",
        long: "Sizes of reservations and slices become part of the type of the memory that \
         comes back, so they must be known when the program is loaded.",
        example: example!("size-not-constant"),
    },
    Topic {
        code: "argument-not-memory",
        title: "a helper wants memory and gets something else",
        missing: "A pointer to readable memory.",
        advice: "Check the order of the arguments, and that none of them was lost to a call \
         before.",
        long: "The argument must be a pointer to bytes that the helper may read or write: the \
         stack, a map value, a packet where that is allowed. A number is taken only \
         where NULL is.",
        example: None,
    },
    Topic {
        code: "kfunc-license",
        title: "kernel functions are for GPL-compatible programs",
        missing: "A licence that is compatible with the GPL.",
        advice: "char LICENSE[] SEC(\"license\") = \"GPL\"; or \"Dual MIT/GPL\" and the like.",
        long: "Kernel functions are not part of the stable interface and are offered to \
         GPL-compatible programs only.",
        example: example!("kfunc-license"),
    },
    Topic {
        code: "call-depth",
        title: "functions call each other too deep",
        missing: "At most eight frames at once, and no recursion.",
        advice: "Turn recursion into a loop; inline some of the functions.",
        long: "Every frame is verified on its own for each chain of calls. Recursion has no \
         end that Linux could see.",
        example: example!("call-depth"),
    },
    Topic {
        code: "helper-unknown",
        title: "there is no helper with this number",
        missing: "A helper that this kernel has.",
        advice: "The kernel may be older than the program: ask for the helper first \
         (bpf_core_enum_value_exists), so that the call becomes dead code where it is \
         missing.",
        long: "Helpers are known by number. Newer kernels have more of them; kernel functions \
         (kfuncs) are called by name.",
        example: example!("helper-unknown"),
    },
    Topic {
        code: "helper-not-for-type",
        title: "programs of this type may not call this helper",
        missing: "Another helper, or another program type.",
        advice: "`ebpf-sim features` lists which types may call what.",
        long: "Each program type has its own list of helpers: those that make sense where \
         such programs run.",
        example: example!("helper-not-for-type"),
    },
    Topic {
        code: "helper-gpl",
        title: "this helper is for GPL-compatible programs",
        missing: "A licence that is compatible with the GPL.",
        advice: "char LICENSE[] SEC(\"license\") = \"GPL\"; or \"Dual MIT/GPL\" and the like.",
        long: "Some helpers, bpf_trace_printk among them, are offered to GPL-compatible \
         programs only.",
        example: example!("helper-gpl"),
    },
    Topic {
        code: "helper-sleeps",
        title: "this helper may sleep, and the program may not",
        missing: "A sleepable program.",
        advice: "Use a sleepable section (`.s`), or a helper that does not wait: \
         bpf_probe_read_user in place of bpf_copy_from_user.",
        long: "Helpers that may wait for memory or disk can be called from sleepable programs \
         only, and there not while a lock or an RCU region is held.",
        example: example!("helper-sleeps"),
    },
    Topic {
        code: "helper-map-type",
        title: "this helper does not work on maps of this type",
        missing: "A map of a type that the helper is made for.",
        advice: "bpf_ringbuf_output wants a ring buffer, bpf_perf_event_output a perf event \
         array, bpf_redirect_map a devmap, cpumap or xskmap.",
        long: "What a helper does with a map depends on its type, so each helper takes \
         certain types only.",
        example: example!("helper-map-type"),
    },
    Topic {
        code: "tail-call-map",
        title: "a tail call wants a program array",
        missing: "A BPF_MAP_TYPE_PROG_ARRAY.",
        advice: "Put the programs to jump to into a program array and pass that.",
        long: "bpf_tail_call takes the context, a program array and an index.",
        example: example!("tail-call-map"),
    },
    Topic {
        code: "argument-type",
        title: "an argument has another type than the helper wants",
        missing: "A value of one of the types that the sentence lists.",
        advice: "Check the order of the arguments against the helper's prototype. A type that \
         ends in `_or_null` needs a NULL test first.",
        long: "The sentence says what the register holds and what would do. Calls forget r1 \
         to r5, so every argument must be set again before the next call.",
        example: example!("argument-type"),
    },
    Topic {
        code: "field-missing",
        title: "the map's values have no such field",
        missing: "The struct in the map's value type, and BTF for it.",
        advice: "Put `struct bpf_spin_lock lock;` (or bpf_timer, bpf_wq) into the value's \
         struct, define the map with __type(value, ...) and compile with -g.",
        long: "Where the lock or timer lies in a value is read from the BTF type of the map's \
         values. Without it there is none as far as Linux knows.",
        example: example!("field-missing"),
    },
    Topic {
        code: "field-elsewhere",
        title: "the argument does not point to the field",
        missing: "The address of the field itself.",
        advice: "Pass &value->lock or &value->timer.",
        long: "The helper wants the address of the lock or timer in the value, at the offset \
         where the value's type has it.",
        example: example!("field-elsewhere"),
    },
    Topic {
        code: "kfunc-not-allowed",
        title: "programs of this type may not call this kernel function",
        missing: "Another function, or another program type.",
        advice: "`ebpf-sim features NAME` lists which types may call what.",
        long: "Kernel functions are registered for certain program types.",
        example: example!("kfunc-not-allowed"),
    },
    Topic {
        code: "kfunc-sleeps",
        title: "this kernel function may sleep, and the program may not here",
        missing: "A sleepable program, outside of regions.",
        advice: "Use a sleepable section (`.s`), and leave RCU and other regions before the \
         call.",
        long: "What may wait for memory or disk must not be called where waiting is not \
         possible.",
        example: None,
    },
    Topic {
        code: "kfunc-argument",
        title: "an argument of a kernel function has the wrong type",
        missing: "A value of the type in the prototype.",
        advice: "Check the order of the arguments; constants must be known when the program is \
         loaded.",
        long: "Kernel functions take exactly what their BTF prototype says.",
        example: example!("kfunc-argument"),
    },
    Topic {
        code: "kfunc-memory",
        title: "memory and size that are handed to a kernel function do not fit",
        missing: "A buffer of at least that size.",
        advice: "Pass sizeof(buffer).",
        long: "The function may write as many bytes as it is told.",
        example: None,
    },
    Topic {
        code: "helper-barred",
        title: "this helper may not be called in programs at this place",
        missing: "Another helper or another attach point.",
        advice: "Attach the program elsewhere.",
        long: "Some functions of the kernel may be probed but must not be called from there.",
        example: None,
    },
    Topic {
        code: "helper-storage-flags",
        title: "bpf_get_local_storage takes no flags",
        missing: "0 as the second argument.",
        advice: "Pass 0.",
        long: "The flags are there for later use.",
        example: example!("helper-storage-flags"),
    },
    Topic {
        code: "helper-func-ip",
        title: "bpf_get_func_ip is not for programs attached here",
        missing: "A kprobe, fentry, fexit or fmod_ret program.",
        advice: "Attach the program to a function.",
        long: "Only programs that are attached to a function have the address of one.",
        example: None,
    },
    Topic {
        code: "argument-string",
        title: "a string argument is not a constant string",
        missing: "A string constant.",
        advice: "Use a string literal: it lives in .rodata, which is read-only and frozen.",
        long: "Format strings are checked when the program is loaded, so they must be known \
         then: NUL-terminated, in a frozen read-only map, at a constant offset.",
        example: example!("argument-string"),
    },
    Topic {
        code: "argument-kernel-type",
        title: "a kernel pointer is to another structure than the helper wants",
        missing: "A pointer to the structure that the sentence names.",
        advice: "Pass the right object; casts of kernel pointers do not change what Linux knows \
         of them.",
        long: "Pointers into the kernel carry the BTF type of what they point to.",
        example: None,
    },
    Topic {
        code: "argument-kernel-written",
        title: "a helper would write into memory of the kernel",
        missing: "Memory of your own.",
        advice: "Let the helper write to the stack or to a map value.",
        long: "Kernel objects may be read, not written.",
        example: None,
    },
    Topic {
        code: "argument-two-references",
        title: "two arguments hold references",
        missing: "One at a time.",
        advice: "Pass one of the two in another way.",
        long: "A call can take over or depend on one reference only.",
        example: None,
    },
    Topic {
        code: "timer-map",
        title: "a timer is not from the map that is passed with it",
        missing: "The map that the value with the timer was found in.",
        advice: "Pass &map and a value of that same map to bpf_timer_init.",
        long: "The timer keeps its map alive, so it must be the right one.",
        example: None,
    },
    Topic {
        code: "kptr-missing",
        title: "the map's values have no kernel pointer there",
        missing: "A field with the __kptr tag.",
        advice: "Declare the field `struct task_struct __kptr *task;` and compile with -g.",
        long: "Where kernel pointers may be kept stands in the BTF of the map's value type.",
        example: None,
    },
    Topic {
        code: "no-kfunc",
        title: "there is no such kernel function",
        missing: "A function that this kernel has.",
        advice: "Declare it __weak and test bpf_ksym_exists() before the call.",
        long: "Kernel functions come and go with releases and configuration.",
        example: None,
    },
    Topic {
        code: "zero-sized",
        title: "memory of no bytes is handed to a helper",
        missing: "A map that has keys, or a size above 0.",
        advice: "Queues, stacks and ring buffers have no keys: use bpf_map_pop_elem, \
         bpf_map_peek_elem and the ring buffer's own helpers.",
        long: "The helper would read a key or value, and maps of this type have none.",
        example: example!("zero-sized"),
    },
];
