//! What takes CAP_PERFMON.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "pointer-leak",
        title: "a kernel address would become visible",
        missing: "A number instead of a pointer, or CAP_PERFMON.",
        advice: "Store or return a number. With CAP_PERFMON Linux allows it, except where \
         others could read the address without it.",
        long: "Without CAP_PERFMON a program may not put addresses where it or user space can \
         read them as numbers: maps, the context, arguments, the return value. They \
         would tell where the kernel's memory lies.",
        example: example!("pointer-leak"),
    },
    Topic {
        code: "pointer-comparison",
        title: "a pointer is compared with something else than NULL or the packet's end",
        missing: "A test against NULL, a comparison of packet pointers, or CAP_PERFMON.",
        advice: "Compare numbers. Without CAP_PERFMON nothing else may be asked of an address.",
        long: "The outcome of a comparison tells something about an address, which takes \
         CAP_PERFMON.",
        example: example!("pointer-comparison"),
    },
    Topic {
        code: "pointer-leak-from-stack",
        title: "a pointer on the stack is handed where addresses must not be seen",
        missing: "A number in its place, or CAP_PERFMON.",
        advice: "Overwrite the slot with a number before passing the memory to the helper.",
        long: "Memory that is handed to a helper or written into a map may hold pointers that \
         were saved there. Without CAP_PERFMON they must not get out.",
        example: None,
    },
    Topic {
        code: "return-leaks",
        title: "the program returns an address",
        missing: "A number, or CAP_PERFMON.",
        advice: "Return a number.",
        long: "The return value can be read by who runs the program, and addresses are not \
         for those without CAP_PERFMON.",
        example: example!("return-leaks"),
    },
    Topic {
        code: "kernel-memory-privileges",
        title: "kernel structures are not for this program",
        missing: "CAP_PERFMON and a GPL-compatible licence.",
        advice: "Load with CAP_PERFMON (root has it) and declare a GPL-compatible licence.",
        long: "Reading kernel structures can tell anything about the system.",
        example: None,
    },
];
