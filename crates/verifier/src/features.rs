//! What the verifier knows, for those who want to know before they write a
//! program. What it does not know it answers [`crate::Unsupported`].

use abi::helpers::{Arg, Helper};
use abi::kfuncs::{Kfunc, Param, Ret};

/// Parts of Linux's verifier that are recognised and not followed.
pub const NOT_FOLLOWED: &[&str] = &[
    "speculative paths of programs loaded without CAP_PERFMON",
    "kernel pointers (kptrs) in map values, objects of bpf_obj_new",
    "lists and trees of objects (bpf_list_*, bpf_rbtree_*)",
    "arenas",
    "exceptions (bpf_throw)",
    "fentry, fexit, fmod_ret and LSM programs, freplace",
    "resilient spin locks (bpf_res_spin_lock)",
];

/// Whether calls of a helper are followed.
pub fn follows_helper(helper: &Helper) -> bool {
    let unknown = |arg: &Arg| matches!(arg, Arg::PercpuBtf | Arg::Kptr);
    !helper.args.iter().any(unknown)
}

/// Whether calls of a kernel function are followed.
pub fn follows_kfunc(kfunc: &Kfunc) -> bool {
    let unknown =
        |(_, param): &(&str, Param)| matches!(param, Param::FixedMem(_) | Param::Kernel(_));
    kfunc.signature.is_some_and(|signature| {
        !signature.params.iter().any(unknown)
            && !matches!(signature.ret, Ret::Kernel(_) | Ret::KernelContext)
    })
}
