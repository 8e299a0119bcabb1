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
    Topic {
        code: "iterator-state",
        title: "an iterator is not in the state that the call needs",
        missing: "new before next, next before destroy, one destroy at the end.",
        advice: "Use bpf_for(), which writes the calls in the right order.",
        long: "An open-coded iterator lives on the stack from bpf_iter_num_new to \
         bpf_iter_num_destroy. The variable must not be used for anything else in \
         between, nor begun twice.",
        example: example!("iterator-state"),
    },
    Topic {
        code: "irq-flags",
        title: "saved interrupt flags are used out of order",
        missing: "One restore for each save, the last saved first.",
        advice: "Nest the regions properly.",
        long: "bpf_local_irq_save puts the flags into a stack slot and bpf_local_irq_restore \
         takes them from there; regions must nest.",
        example: example!("irq-flags"),
    },
    Topic {
        code: "region-not-entered",
        title: "a region is left that was not entered",
        missing: "The call that enters it before.",
        advice: "Pair lock with unlock, disable with enable, on every path.",
        long: "Every leave needs its enter on the same path.",
        example: example!("region-not-entered"),
    },
    Topic {
        code: "dynptr-not-initialised",
        title: "a dynptr is used that was not made",
        missing: "bpf_dynptr_from_*() or bpf_ringbuf_reserve_dynptr() before.",
        advice: "Make the dynptr first, and pass the address of the variable itself.",
        long: "A dynptr is two stack slots that the kernel filled in. Linux knows which slots \
         those are, so the pointer must be to their start, with a constant offset.",
        example: example!("dynptr-not-initialised"),
    },
    Topic {
        code: "dynptr-no-room",
        title: "there is no room for a dynptr where the pointer points",
        missing: "16 bytes of the stack, at a multiple of 8.",
        advice: "Pass the address of a `struct bpf_dynptr` variable on the stack.",
        long: "A dynptr takes two whole stack slots of its own.",
        example: example!("dynptr-no-room"),
    },
    Topic {
        code: "dynptr-kind",
        title: "a dynptr of another kind is wanted",
        missing: "A dynptr of the kind that the sentence names.",
        advice: "Use the release function that belongs to how the dynptr was made.",
        long: "Dynptrs over local memory, ring buffers and packets are told apart.",
        example: None,
    },
    Topic {
        code: "dynptr-not-held",
        title: "a dynptr that holds nothing is given back",
        missing: "A dynptr of bpf_ringbuf_reserve_dynptr.",
        advice: "Submit or discard each reserved dynptr once.",
        long: "Only a reserved ring buffer record can be given back, and only once.",
        example: example!("dynptr-not-held"),
    },
    Topic {
        code: "dynptr-of-caller",
        title: "a dynptr that was handed in is changed or given back",
        missing: "A dynptr of one's own.",
        advice: "Copy it with bpf_dynptr_clone, or let its owner give it back.",
        long: "A callback or global function may look through a dynptr that it was given, and \
         not change it.",
        example: None,
    },
    Topic {
        code: "dynptr-memory",
        title: "a dynptr cannot be made over this memory",
        missing: "A map value.",
        advice: "bpf_dynptr_from_mem takes memory of map values.",
        long: "The memory must live longer than the dynptr.",
        example: example!("dynptr-memory"),
    },
    Topic {
        code: "release-twice",
        title: "something is given back that is not held any more",
        missing: "One release for each acquire.",
        advice: "Release once, and do not use the pointer afterwards.",
        long: "After the release all copies of the pointer are gone.",
        example: None,
    },
    Topic {
        code: "release-moved",
        title: "something is released through a pointer that was moved",
        missing: "The pointer as it was acquired.",
        advice: "Keep the original pointer for the release.",
        long: "What is released is the object, so the pointer must be to its start.",
        example: example!("release-moved"),
    },
    Topic {
        code: "lock-twice",
        title: "a second lock is taken while one is held",
        missing: "An unlock of the first.",
        advice: "Work on one element at a time.",
        long: "Two programs that take two locks in different orders would wait for each other \
         forever.",
        example: None,
    },
];
