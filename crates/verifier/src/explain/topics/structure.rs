//! The shape of the program.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "encoding",
        title: "an instruction has fields that mean nothing",
        missing: "Zero in the fields that the instruction does not use, and registers up to r10.",
        advice: "Fix whatever generated the code; compilers do not make such instructions.",
        long: "Every instruction has eight bytes, and those that it does not need must be \
         zero, so that they can get a meaning later. Linux looks at them when it \
         follows the instruction: behind a branch that is never taken they are not \
         noticed.",
        example: example!("encoding"),
    },
    Topic {
        code: "unknown-opcode",
        title: "there is no such instruction",
        missing: "An instruction that this kernel has.",
        advice: "Compile for a CPU level that the kernel knows: -mcpu=v3 is safe since 5.10, v4 \
         since 6.6.",
        long: "All instructions of the program are held against the kernel's table before \
         anything is followed, also those that are never reached. Indirect calls and \
         jumps are in no released kernel for x86-64.",
        example: example!("unknown-opcode"),
    },
    Topic {
        code: "runs-on",
        title: "control would run past the end of a function",
        missing: "An exit or an unconditional jump as the last instruction of every function.",
        advice: "End every function with `exit`. From C this happens with functions declared \
         noreturn, or after __builtin_unreachable().",
        long: "A function owns the instructions from its start to the start of the next one. \
         What follows its last instruction belongs to another function or is not there.",
        example: example!("runs-on"),
    },
    Topic {
        code: "jump-range",
        title: "a jump leaves its function",
        missing: "A target inside the same function.",
        advice: "Use a call to reach another function. Wrong targets come from tools that move \
         code; a jump over more than 32,767 instructions needs `gotol`.",
        long: "Functions share no code: each is verified with frames of its own, and jumps \
         stay inside.",
        example: example!("jump-range"),
    },
    Topic {
        code: "jump-into-wide",
        title: "a jump lands in the middle of a 16-byte instruction",
        missing: "A target that is the beginning of an instruction.",
        advice: "Count 64-bit immediate loads as two instructions when offsets are computed by \
         hand.",
        long: "A load of a 64-bit immediate, a map or a function address takes two slots. The \
         second has no meaning of its own.",
        example: example!("jump-into-wide"),
    },
    Topic {
        code: "unreachable",
        title: "an instruction can never be reached",
        missing: "Nothing: remove the code.",
        advice: "Remove the instruction, or the function that nobody calls. Compilers drop such \
         code; assembly and code generators leave it.",
        long: "Every instruction must be reachable along the edges of the control flow graph, \
         whatever its branches decide. Code behind a branch that is never taken is \
         fine.",
        example: example!("unreachable"),
    },
    Topic {
        code: "call-destination",
        title: "a call or function pointer leads outside of the program",
        missing: "The start of a function of the program.",
        advice: "Let a loader link the object: calls between sections are relocated before \
         load.",
        long: "Calls of functions of the program count slots from the instruction after the \
         call.",
        example: example!("call-destination"),
    },
    Topic {
        code: "sleepable",
        title: "programs of this type may not sleep",
        missing: "A section without `.s`, or a program type that may sleep.",
        advice: "Use the section name without `.s` (no BPF_F_SLEEPABLE).",
        long: "Where a program runs in interrupt context or under a lock it must not wait. \
         Only some tracing types, uprobes, iterators and syscall programs may.",
        example: example!("sleepable"),
    },
    Topic {
        code: "early-end-without-btf",
        title: "a function that may end early comes without types",
        missing: "BTF for the program's functions.",
        advice: "Compile with -g, so that the object has BTF.",
        long: "A tail call in a function does not come back, and `ld_abs` may end the \
         program, so Linux must know what the function returns.",
        example: example!("early-end-without-btf"),
    },
    Topic {
        code: "early-end-without-int",
        title: "a function that may end early does not return int",
        missing: "`int` as the return type.",
        advice: "Let functions with tail calls return int.",
        long: "A tail call in a function may end the program with a number of its own.",
        example: None,
    },
    Topic {
        code: "func-info",
        title: "the types of the program's functions do not fit the program",
        missing: "A record for each function, in order.",
        advice: "Regenerate BTF after changing code; tools that add or drop functions must \
         change .BTF.ext too.",
        long: "func_info names the type of every function, by its first instruction.",
        example: None,
    },
    Topic {
        code: "line-info",
        title: "the source lines do not fit the program",
        missing: "Records in ascending order, one at the start of each function.",
        advice: "Regenerate BTF after changing code, or load without line information.",
        long: "line_info says which source line each instruction was made from.",
        example: None,
    },
    Topic {
        code: "no-attach-target",
        title: "a tracing program without something to attach to",
        missing: "The BTF id of a kernel function or program.",
        advice: "Name the target in the section: SEC(\"fentry/function\").",
        long: "What such a program may do follows from the function that it is attached to.",
        example: None,
    },
    Topic {
        code: "no-kernel-variable",
        title: "there is no such kernel variable",
        missing: "A variable that this kernel has.",
        advice: "Declare it __weak and test for NULL, so that the program loads without it.",
        long: "Kernel variables are found by name in the kernel's BTF.",
        example: None,
    },
    Topic {
        code: "struct-ops-license",
        title: "struct_ops programs need a GPL-compatible licence",
        missing: "A licence that is compatible with the GPL.",
        advice: "char LICENSE[] SEC(\"license\") = \"GPL\";",
        long: "They take the place of kernel functions.",
        example: None,
    },
    Topic {
        code: "too-many-functions",
        title: "more than 256 functions",
        missing: "At most 256 functions in a program, the main one counted.",
        advice: "Inline small functions, or split the program with tail calls.",
        long: "The limit counts functions that are called or used as callbacks.",
        example: None,
    },
    Topic {
        code: "too-many-kfuncs",
        title: "more than 256 different kernel functions",
        missing: "At most 256 different kernel functions in a program.",
        advice: "Split the program with tail calls.",
        long: "Each gets an entry in a table of the program.",
        example: None,
    },
    Topic {
        code: "program-length",
        title: "the program is empty or has more than a million instructions",
        missing: "Between one and a million instructions.",
        advice: "Split the program with tail calls.",
        long: "Without CAP_BPF the limit is 4,096 instructions.",
        example: None,
    },
];
