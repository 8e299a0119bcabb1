//! What takes CAP_PERFMON.

use super::{Example, Topic, example};

pub(super) const TOPICS: &[Topic] = &[Topic {
    code: "pointer-leak",
    title: "a kernel address would become visible",
    missing: "A number instead of a pointer, or CAP_PERFMON.",
    advice: "Store or return a number. With CAP_PERFMON Linux allows it, except where \
         others could read the address without it.",
    long: "Without CAP_PERFMON a program may not put addresses where it or user space can \
         read them as numbers: maps, the context, arguments, the return value. They \
         would tell where the kernel's memory lies.",
    example: example!("pointer-leak"),
}];
