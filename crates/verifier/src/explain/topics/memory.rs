//! Reads and writes of registers and memory.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "uninitialised-register",
        title: "a register is read before anything was written to it",
        missing: "A value for the register on every path that leads here.",
        advice: "Initialise the variable where it is declared, or return early on the paths \
         that do not set it. After a call r1 to r5 hold nothing: keep what you need in \
         r6 to r9 or on the stack.",
        long: "Linux follows every path on its own. A register is readable on a path only \
         when an instruction of that path wrote it; at the start only r1 (the context) \
         and r10 (the frame pointer) are. Calls leave r0 with the result and forget r1 \
         to r5. In C the usual cause is a variable that only one branch of an `if` \
         sets, or a function without a return statement.",
        example: example!("uninitialised-register"),
    },
    Topic {
        code: "frame-pointer",
        title: "the frame pointer is written",
        missing: "Another register: r10 always points to the top of the function's stack.",
        advice: "Copy r10 to another register and change the copy.",
        long: "r10 is read-only. Compilers never write it; hand-written assembly sometimes \
         moves it to make room, which is not needed: each function owns the 512 bytes \
         below r10 from the start.",
        example: example!("frame-pointer"),
    },
    Topic {
        code: "not-memory",
        title: "a value that is no pointer to memory is dereferenced",
        missing: "A pointer: a number, the packet's end or a function is not one.",
        advice: "Find out where the pointer became a number: 32-bit arithmetic, a \
         multiplication, a call that moved the packet, or a load from memory does that. \
         Take the address again after it.",
        long: "Memory is reached through pointers that Linux made: the context, the stack, \
         packet data, map values, and what helpers return. Whatever else arithmetic \
         produces is a number to it. Reading kernel memory at an arbitrary address \
         takes bpf_probe_read_kernel in a tracing program.",
        example: example!("not-memory"),
    },
    Topic {
        code: "null-test-missing",
        title: "a pointer that may be NULL is dereferenced",
        missing: "A test against NULL between the call and the access.",
        advice: "if (!value) return ...; right after the look-up. The test must be on the same \
         pointer, before any arithmetic on it.",
        long: "A map look-up finds nothing when the key is not there, and a reservation fails \
         when there is no room. Such helpers return a pointer that may be NULL, and \
         Linux lets nobody look through it before a branch has excluded that. Look-ups \
         in an array with a constant key inside its size are the exception: those \
         cannot fail.",
        example: example!("null-test-missing"),
    },
    Topic {
        code: "misaligned",
        title: "the access is not aligned",
        missing: "An address that is a multiple of the access size.",
        advice: "Align the data, or read it byte by byte.",
        long: "x86-64 does not mind unaligned loads and Linux asks for alignment there only \
         with BPF_F_STRICT_ALIGNMENT, which other machines imply. Under it packet data \
         counts as starting two bytes off, so that an IPv4 header after Ethernet is \
         aligned. Atomic operations must be aligned everywhere.",
        example: example!("misaligned"),
    },
    Topic {
        code: "index-negative",
        title: "an offset into memory may be negative",
        missing: "A lower bound on the index.",
        advice: "Make the index unsigned, or test `index >= 0` as well. A signed comparison \
         with an upper bound leaves all negative numbers.",
        long: "The offset is an unknown number added to a pointer, and as far as Linux can \
         tell it may be below zero. It keeps signed and unsigned bounds; `if (i < 16)` \
         on an int bounds only the signed side from above. The cheapest remedy is a \
         mask: `i &= 15`.",
        example: example!("index-negative"),
    },
    Topic {
        code: "index-bounds",
        title: "an access may reach outside of the memory behind the pointer",
        missing: "A bound on the index that takes the size of the access into account.",
        advice: "Compare the index with the array's length before the access, in the same \
         function, and use the compared variable itself: what the compiler computed \
         anew from it is not bounded.",
        long: "Linux adds the largest and smallest value that the index can have to the \
         pointer and holds the result against the size of the memory: a map value, or \
         memory of a known size. The message before the sentence names the worst offset \
         that it found. Off-by-one mistakes (`<=` for `<`) and bounds on a copy of the \
         index are the usual causes.",
        example: example!("index-bounds"),
    },
    Topic {
        code: "index-unbounded",
        title: "an offset into memory has no upper bound",
        missing: "An upper bound on the index.",
        advice: "if (i >= N) return ...; before the access, or a mask: `i &= N - 1`.",
        long: "The index can be anything, so the access can be anywhere. Bounds come from \
         branches, masks, shifts and from the width of a load; division, multiplication \
         and values read from memory lose them.",
        example: example!("index-unbounded"),
    },
    Topic {
        code: "read-only",
        title: "memory that may only be read is written",
        missing: "Memory of your own.",
        advice: "Copy the data to the stack or into a map value and change that.",
        long: "Some pointers allow reading only: what an iterator hands out, strings and \
         buffers of the kernel, per-CPU kernel variables. The type in the sentence \
         begins with `rdonly_`.",
        example: example!("read-only"),
    },
    Topic {
        code: "modified-pointer",
        title: "a pointer was moved where it has to be as it was handed out",
        missing: "The unmodified pointer.",
        advice: "Keep the original in a register of its own and use constant offsets in the \
         access itself. The compiler may have moved the pointer: a barrier or a copy of \
         the field into a local variable stops it.",
        long: "The context and pointers to kernel objects are read through fixed fields: the \
         offset must stand in the instruction, not have been added to the pointer. \
         Helpers want these pointers exactly as they were.",
        example: example!("modified-pointer"),
    },
    Topic {
        code: "context-access",
        title: "the context has nothing there that this program may access so",
        missing: "A field of the context, at its own offset and size, that this program type may \
         read (or write).",
        advice: "Use the field by its name in C, with its own type. Which fields can be read \
         and written depends on program type and attach type.",
        long: "The context is no plain memory: Linux translates each access to a field into \
         an access to its own structures. So only whole fields (and aligned parts of \
         some) can be read, few can be written, and some exist for certain attach types \
         only. `volatile`, casts to wider types and 64-bit reads of packet pointers are \
         usual causes.",
        example: example!("context-access"),
    },
    Topic {
        code: "flow-keys-access",
        title: "flow keys are accessed outside of their structure",
        missing: "An offset inside struct bpf_flow_keys.",
        advice: "Use the fields of struct bpf_flow_keys by name.",
        long: "A flow dissector program fills in struct bpf_flow_keys. Only its own bytes can \
         be reached through skb->flow_keys, at constant offsets.",
        example: example!("flow-keys-access"),
    },
    Topic {
        code: "socket-access",
        title: "a socket has no field there that programs may read",
        missing: "A field of struct bpf_sock (bpf_tcp_sock, bpf_xdp_sock).",
        advice: "Use the fields by name, with their own types. From the common part of a socket \
         only a few can be read: bpf_sk_fullsock gives the rest.",
        long: "Sockets are read field by field, as the context is; nothing in them can be \
         written.",
        example: example!("socket-access"),
    },
    Topic {
        code: "buffer-bounds",
        title: "a buffer of an iterator or tracepoint is accessed outside of its bounds",
        missing: "A constant, non-negative offset below the buffer's size.",
        advice: "Bound the offset by a constant before the access.",
        long: "Buffers of unknown size are checked when the program is attached, against the \
         largest offset that it uses; so offsets must be constants and not negative.",
        example: example!("buffer-bounds"),
    },
    Topic {
        code: "different-pointers",
        title: "one instruction reaches pointers of different kinds on different paths",
        missing: "An access of its own for each kind.",
        advice: "Split the access: load in each branch instead of after both. Where the \
         compiler merged two loads, a barrier (asm volatile(\"\")) between them keeps \
         them apart.",
        long: "Accesses to the context are rewritten into accesses to kernel structures when \
         the program is loaded. An instruction that sees the context on one path and \
         other memory on another cannot be both.",
        example: example!("different-pointers"),
    },
    Topic {
        code: "atomic-size",
        title: "atomic operations work on 4 or 8 bytes",
        missing: "A 32- or 64-bit variable.",
        advice: "Widen the counter to 32 or 64 bits.",
        long: "There are atomic read-modify-write instructions for 32 and 64 bits only. Loads \
         with acquire and stores with release order exist for all sizes.",
        example: example!("atomic-size"),
    },
    Topic {
        code: "atomic-not-allowed",
        title: "this memory does not allow atomic operations",
        missing: "A map value or the stack.",
        advice: "Count in a map value instead.",
        long: "The context, packets, sockets and flow keys are not plain shared memory: \
         stores to them are rewritten or private to the packet, so atomic operations on \
         them are refused.",
        example: example!("atomic-not-allowed"),
    },
    Topic {
        code: "kernel-memory-bounds",
        title: "a kernel structure is read outside of its fields",
        missing: "A field of the structure.",
        advice: "Read fields by name, through the structure's own type; CO-RE keeps the offsets \
         right.",
        long: "A pointer into the kernel is followed field by field, with the kernel's BTF: \
         an access must lie in one field.",
        example: example!("kernel-memory-bounds"),
    },
    Topic {
        code: "kernel-memory-write",
        title: "a kernel structure is written",
        missing: "A helper or kernel function that makes the change.",
        advice: "Look for a kernel function for what you want to do.",
        long: "Kernel objects may be read, not written, but for a few fields that some \
         program types may set.",
        example: example!("kernel-memory-write"),
    },
    Topic {
        code: "kernel-address-space",
        title: "a pointer to user space or per-CPU memory is dereferenced directly",
        missing: "bpf_probe_read_user, bpf_copy_from_user or bpf_per_cpu_ptr.",
        advice: "Copy the data with the helper made for it.",
        long: "Such addresses mean nothing in the kernel's own address space.",
        example: None,
    },
];
