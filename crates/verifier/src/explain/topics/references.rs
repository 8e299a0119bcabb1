//! What is held and must be given back.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "dynptr-overwritten",
        title: "a dynptr that holds a reference is overwritten",
        missing: "bpf_ringbuf_submit_dynptr or bpf_ringbuf_discard_dynptr first.",
        advice: "Give the dynptr back before its variable is reused.",
        long: "A dynptr over a ring buffer record owns the record. Overwriting its bytes on \
         the stack would lose it.",
        example: example!("dynptr-overwritten"),
    },
    Topic {
        code: "reference-leak",
        title: "something that was acquired is not given back",
        missing: "A release on every path to the exit.",
        advice: "Release on every path: bpf_ringbuf_submit or discard, bpf_sk_release, \
         bpf_iter_num_destroy. Early returns between acquire and release are the usual \
         cause.",
        long: "Sockets, ring buffer records, iterators and kernel objects belong to the \
         program from the call that acquired them to the one that gives them back. The \
         line before the sentence names the instruction that acquired what is left.",
        example: example!("reference-leak"),
    },
    Topic {
        code: "region-not-left",
        title: "the program ends inside a region that must be left first",
        missing: "The unlock (or its like) on every path.",
        advice: "Unlock before every return.",
        long: "A spin lock, an RCU read region, a region without preemption or with \
         interrupts off must end before the program does, or before a tail call.",
        example: example!("region-not-left"),
    },
    Topic {
        code: "call-while-locked",
        title: "a function is called while a lock is held",
        missing: "The call before or after the critical section.",
        advice: "Compute everything before bpf_spin_lock, and keep loads and stores only \
         between lock and unlock.",
        long: "A spin lock keeps other CPUs waiting, and a helper might take the same lock or \
         wait itself.",
        example: example!("call-while-locked"),
    },
    Topic {
        code: "unlock-not-locked",
        title: "an unlock without its lock",
        missing: "A bpf_spin_lock of the same element before.",
        advice: "Lock and unlock the same pointer; two look-ups give two elements as far as \
         Linux knows.",
        long: "The unlock must be of the lock that is held.",
        example: example!("unlock-not-locked"),
    },
    Topic {
        code: "release-not-held",
        title: "something is released that the program does not own",
        missing: "An object that this program acquired.",
        advice: "Release what a lookup or reservation gave you, and nothing that came from \
         elsewhere.",
        long: "Pointers that a program merely sees (a socket in the context, say) are not its \
         own to release.",
        example: example!("release-not-held"),
    },
];
