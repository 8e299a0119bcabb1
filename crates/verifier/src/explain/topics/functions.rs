//! Functions of the program, and what programs return.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "stack-pointer-returned",
        title: "a function returns a pointer to its own stack",
        missing: "A number, or memory of the caller.",
        advice: "Let the caller pass a pointer to a buffer of its own and fill that.",
        long: "When a function returns, its stack is gone.",
        example: example!("stack-pointer-returned"),
    },
    Topic {
        code: "return-range",
        title: "the return value is not one of those that are allowed here",
        missing: "A value in the range that the sentence names, on every path.",
        advice: "Return one of the allowed constants, or bound the value before returning it.",
        long: "Where the kernel acts on the return value only some values have a meaning: a \
         cgroup program says 0 (deny) or 1 (allow), a loop callback 0 (go on) or 1 \
         (stop). The whole 64-bit register counts.",
        example: example!("return-range"),
    },
    Topic {
        code: "return-not-a-number",
        title: "a pointer is returned where a number is wanted",
        missing: "A number.",
        advice: "Return a number; a pointer that is left in r0 usually means a missing return \
         statement.",
        long: "This program type gives a meaning to its return value.",
        example: example!("return-not-a-number"),
    },
    Topic {
        code: "callback-without-btf",
        title: "a callback in a program without types",
        missing: "BTF for the program's functions.",
        advice: "Compile with -g, so that the object has BTF.",
        long: "Linux finds callbacks by the function types of the program.",
        example: example!("callback-without-btf"),
    },
    Topic {
        code: "callback-not-static",
        title: "a callback must be a static function",
        missing: "The `static` keyword.",
        advice: "Declare the callback static, so that it is verified where it is called.",
        long: "Global functions are verified once, for any arguments of their prototype; a \
         callback's arguments are known only where the helper calls it.",
        example: example!("callback-not-static"),
    },
    Topic {
        code: "callback-returns-pointer",
        title: "a callback returns a pointer",
        missing: "A number: 0 to go on, 1 to stop.",
        advice: "Return 0 or 1.",
        long: "The helper that calls back looks at the return value to know whether to go on.",
        example: example!("callback-returns-pointer"),
    },
    Topic {
        code: "map-without-callback",
        title: "elements of this map cannot be gone through",
        missing: "A hash or array map.",
        advice: "Use bpf_for_each_map_elem on hashes, arrays and their per-CPU forms.",
        long: "Queues, tries, ring buffers and maps of maps have no order to go through.",
        example: None,
    },
    Topic {
        code: "global-call-arguments",
        title: "a global function is called with arguments that do not fit its prototype",
        missing: "Arguments of the types in the prototype.",
        advice: "Pass the context as context, numbers as numbers, and pointers to memory at \
         least as large as the type that they point to. A pointer that may be NULL \
         needs __arg_nullable, or a test before.",
        long: "A global function is verified once, by its prototype alone, and for any \
         arguments that fit. So each call must fit; the lines before the sentence say \
         what does not.",
        example: example!("global-call-arguments"),
    },
    Topic {
        code: "global-returns-pointer",
        title: "a global function returns a pointer",
        missing: "A number, or a static function.",
        advice: "Make the function static, or return an integer.",
        long: "Callers of a global function know its return value by the prototype only, and \
         that can promise a number at most.",
        example: example!("global-returns-pointer"),
    },
    Topic {
        code: "global-call-while-locked",
        title: "a global function is called while a lock is held",
        missing: "A static function, or the call outside of the lock.",
        advice: "Make the function static, or call it before bpf_spin_lock.",
        long: "A global function is verified without knowing who calls it, so it could do \
         what is not allowed under a lock.",
        example: None,
    },
    Topic {
        code: "global-call-sleeps",
        title: "a global function that may sleep is called where nothing may",
        missing: "A function that does not sleep, or the call outside of the region.",
        advice: "Move the call out of the RCU, preemption or interrupt region.",
        long: "What sleeps must not run inside such a region.",
        example: None,
    },
    Topic {
        code: "throw-in-callback",
        title: "an exception is thrown in a callback",
        missing: "A return value in its place.",
        advice: "Return 1 from the callback to end the loop, and act on it afterwards.",
        long: "The helper in between could not clean up.",
        example: None,
    },
];
