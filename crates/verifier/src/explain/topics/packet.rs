//! Packets.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "packet-bounds",
        title: "the packet may be shorter than this access needs",
        missing: "A comparison of this very pointer plus the access size with data_end.",
        advice: "if ((void *)(hdr + 1) > data_end) return ...; before the access. Compare the \
         pointer that you dereference: a bound proven on another pointer does not carry \
         over unless both came from the same one.",
        long: "Packet pointers know how many bytes after them were proven to exist (`r=` in \
         the state). Nothing is proven at first; a branch that compares the pointer, or \
         the pointer plus a constant, with data_end proves that many bytes on the side \
         where it fits. Adding an unknown number to the pointer starts again from \
         nothing, and so does every helper that may move the packet.",
        example: example!("packet-bounds"),
    },
    Topic {
        code: "packet-read-only",
        title: "programs of this type may not write into packets",
        missing: "A program type that may: XDP, tc, lwt_xmit, sk_skb.",
        advice: "Drop or mark the packet instead, or move the program to a hook that may \
         rewrite.",
        long: "Cgroup and socket filters, LWT input and output and the flow dissector look at \
         packets that others share. Linux lets them read directly and refuses stores.",
        example: example!("packet-read-only"),
    },
    Topic {
        code: "packet-to-helper",
        title: "this helper does not take packet memory here",
        missing: "A copy of the bytes on the stack.",
        advice: "Copy what the helper needs to the stack first, or use a helper that takes \
         packets (bpf_csum_diff, bpf_map_update_elem, bpf_fib_lookup and others do).",
        long: "Most helpers may not be handed pointers into the packet, as they could move or \
         free it while they work. Which do is a property of the helper; for program \
         types without direct packet access none does.",
        example: example!("packet-to-helper"),
    },
    Topic {
        code: "classic-packet-load",
        title: "packet loads of classic BPF are not possible here",
        missing: "A socket filter or tc program, with the context in r6.",
        advice: "Use direct packet access (data and data_end) or bpf_skb_load_bytes.",
        long: "`ld_abs` and `ld_ind` come from classic BPF. They exist for programs on socket \
         buffers only and want the context in r6.",
        example: example!("classic-packet-load"),
    },
];
