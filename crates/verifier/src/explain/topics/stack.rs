//! The stack.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "stack-bounds",
        title: "an access leaves the function's stack, or reads what was never written",
        missing: "Offsets from -512 to -1, and initialised bytes where they are read.",
        advice: "Make the buffer as large as what reads or writes it: keys and values must have \
         the map's size. Large buffers belong in a per-CPU array.",
        long: "A function owns the 512 bytes below r10 and no more. For helpers the whole \
         argument must lie in there: a 4-byte variable as the key of a map with 8-byte \
         keys reaches above the frame.",
        example: example!("stack-bounds"),
    },
    Topic {
        code: "stack-index-unbounded",
        title: "an index into the stack has no bounds",
        missing: "Bounds on both sides.",
        advice: "Mask the index: `i &= sizeof(buf) - 1`.",
        long: "An array on the stack can be indexed by a variable when its smallest and \
         largest value keep the access inside the frame.",
        example: example!("stack-index-unbounded"),
    },
    Topic {
        code: "stack-index-variable",
        title: "an index into the stack may lead outside of the frame",
        missing: "Bounds that keep the whole access inside the frame.",
        advice: "Mask the index with the array's length minus one, or make the array larger.",
        long: "The smallest and largest possible address are both held against the frame, \
         with the size of the access. Which bytes are meant is unknown, so a variable \
         store also makes everything that it may touch an unknown number.",
        example: example!("stack-index-variable"),
    },
    Topic {
        code: "stack-pointer-into-caller",
        title: "a function stores a pointer to its own stack in its caller's",
        missing: "A number, or memory of the caller.",
        advice: "Let the caller pass a buffer of its own, and fill that.",
        long: "When a function returns its stack is gone. The caller's stack must not keep \
         pointers to it.",
        example: example!("stack-pointer-into-caller"),
    },
    Topic {
        code: "uninitialised-stack",
        title: "stack is read that was never written",
        missing: "A store to these bytes before.",
        advice: "Initialise the variable: `struct key key = {};`, or memset for structs with \
         padding.",
        long: "Without CAP_PERFMON a program may not read stack bytes that it did not write, \
         as old kernel data lies there. Padding between the members of a struct counts: \
         `= {}` may leave it out, memset does not.",
        example: example!("uninitialised-stack"),
    },
    Topic {
        code: "spilled-pointer-corrupted",
        title: "a pointer saved on the stack is overwritten in part",
        missing: "Whole eight-byte stores to slots that hold pointers.",
        advice: "Keep pointers and byte buffers in different variables; unions of both are the \
         usual cause.",
        long: "Pointers on the stack stay pointers as long as their eight bytes are whole. \
         Without CAP_PERFMON a program may not change some of them.",
        example: example!("spilled-pointer-corrupted"),
    },
    Topic {
        code: "partial-fill",
        title: "a pointer saved on the stack is read back in part",
        missing: "An eight-byte load.",
        advice: "Read the pointer as a pointer; use a number if a number is meant.",
        long: "Part of a pointer is a number that tells about an address, which takes \
         CAP_PERFMON.",
        example: example!("partial-fill"),
    },
    Topic {
        code: "partial-spill",
        title: "a pointer is saved on the stack in part",
        missing: "An eight-byte store.",
        advice: "Store pointers in 64-bit variables.",
        long: "Storing the low half of a pointer would turn an address into a number, which \
         takes CAP_PERFMON.",
        example: example!("partial-spill"),
    },
    Topic {
        code: "combined-stack",
        title: "a chain of calls uses more than 512 bytes of stack",
        missing: "Less stack in one of the functions of the chain.",
        advice: "Move large buffers into a per-CPU array, or make functions inline: then they \
         share one frame.",
        long: "All functions that are active at once share 512 bytes; each frame is rounded \
         up to 16. The numbers in the level-4 line `stack depth` say what each function \
         takes.",
        example: example!("combined-stack"),
    },
    Topic {
        code: "tail-call-stack",
        title: "a tail call below functions that already use 256 bytes of stack",
        missing: "Less stack in the callers.",
        advice: "Make the tail call from the main function, or shrink the frames above it.",
        long: "A program reached by a tail call has a whole frame of its own and may \
         tail-call again. So that the kernel stack suffices, the frames above a tail \
         call may take 256 bytes together.",
        example: example!("tail-call-stack"),
    },
    Topic {
        code: "stack-index-unknown",
        title: "a pointer to the stack with an unknown offset is used where the offset must be \
         known",
        missing: "A constant offset, or CAP_PERFMON.",
        advice: "Use a constant index here.",
        long: "Without CAP_PERFMON, and for some arguments always, Linux wants to know \
         exactly which bytes are meant.",
        example: None,
    },
];
