//! Programs that take too long to follow.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        code: "endless-loop",
        title: "a loop comes back to a state that it was in before",
        missing: "A variable that changes each round and ends the loop.",
        advice: "Count up to a constant bound, or use bpf_loop, bpf_for or may_goto.",
        long: "Linux follows a loop round by round. When nothing that matters has changed \
         since an earlier round on the same path, the loop would never end.",
        example: example!("endless-loop"),
    },
    Topic {
        code: "too-long",
        title: "following the program takes more than a million instructions",
        missing: "Fewer rounds, or fewer combinations of branches.",
        advice: "Use bpf_loop, bpf_for or may_goto for long loops; move code that many branches \
         run through into a global function; keep values that differ between paths from \
         mattering later (mask them, or test them early).",
        long: "Linux follows every path, and every round of a plain loop, until it meets a \
         state that an earlier path covers. The limit of a million counts instructions \
         over all paths, so a short loop with 400,000 rounds hits it and so do twenty \
         branches whose outcomes all matter later.",
        example: example!("too-long"),
    },
    Topic {
        code: "register-invariants",
        title: "the bounds of a number contradict each other",
        missing: "Nothing that a program could do: this is a test flag.",
        advice: "Load without BPF_F_TEST_REG_INVARIANTS.",
        long: "On paths that no run takes, bounds may come out contradictory. Linux then \
         forgets them; with BPF_F_TEST_REG_INVARIANTS it refuses the program, which \
         serves tests of the verifier.",
        example: None,
    },
    Topic {
        code: "arguments-before-call",
        title: "Linux loses its way while it looks for where a value came from",
        missing: "Nothing: Linux says of itself that it is mistaken.",
        advice: "In a callback of a timer, return a constant instead of a number that is \
         computed from the arguments.",
        long: "When a value matters, Linux goes back over the path to what it was computed \
         from. It takes the start of a timer's callback for a part of the path that set \
         the callback, finds the arguments of the callback wanted before the call of \
         bpf_timer_set_callback, which cannot have made them, and refuses the program.",
        example: None,
    },
    Topic {
        code: "too-many-branches",
        title: "more than 8,192 branches wait to be followed",
        missing: "Fewer branches on one path.",
        advice: "Move parts into global functions, or use a loop over a table.",
        long: "At each branch one side is kept for later. A path that collects more than \
         8,192 of them is given up.",
        example: None,
    },
];
