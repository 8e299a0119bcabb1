//! How far a pointer that was found in a kernel structure can be trusted.
//!
//! Linux knows by name the few members whose targets live as long as the
//! structure, or as an RCU region lasts. Those of tasks, cgroups and css_sets were
//! asked of Linux 6.18; the others need program types that the measured kernel does
//! not load.

use super::walk::Pointer;
use crate::state::{Flags, Value};

/// Members whose targets are alive in an RCU region.
const RCU: &[(&str, &str)] = &[
    ("task_struct", "cpus_ptr"),
    ("task_struct", "cgroups"),
    ("task_struct", "real_parent"),
    ("task_struct", "group_leader"),
    ("cgroup", "kn"),
    ("css_set", "dfl_cgrp"),
    ("cgroup_subsys_state", "cgroup"),
];

/// The same of members that may be NULL.
const RCU_OR_NULL: &[(&str, &str)] = &[
    ("mm_struct", "exe_file"),
    ("sk_buff", "sk"),
    ("request_sock", "sk"),
];

/// Members whose targets live as long as the structure.
const TRUSTED: &[(&str, &str)] = &[
    ("bpf_iter_meta", "seq"),
    ("bpf_iter__task", "meta"),
    ("bpf_iter__task", "task"),
    ("linux_binprm", "file"),
    ("file", "f_inode"),
];

/// The same of members that may be NULL.
const TRUSTED_OR_NULL: &[(&str, &str)] = &[
    ("socket", "sk"),
    ("dentry", "d_inode"),
    ("vm_area_struct", "vm_mm"),
    ("vm_area_struct", "vm_file"),
];

/// The flags of the pointer that was found through `base`, which is not marked
/// untrusted and points to a structure of this name. (Linux looks at the member's
/// own name, however deep it is nested.)
pub(super) fn of_member(base: &Value, name: &str, found: &Pointer<'_>, in_rcu: bool) -> Flags {
    let member = (name, found.member);
    let is_trusted = base.ref_id != 0 || base.flags.contains(Flags::TRUSTED);
    let is_rcu = base.flags.contains(Flags::RCU);
    if !is_trusted && !is_rcu {
        // As it was before trust was known of: neither trusted nor not.
        return found.flags.without(Flags::RCU);
    }
    if TRUSTED.contains(&member) {
        return found.flags | Flags::TRUSTED;
    }
    if TRUSTED_OR_NULL.contains(&member) {
        return found.flags | Flags::TRUSTED | Flags::OR_NULL;
    }
    if !in_rcu || base.may_be_null() {
        return Flags::UNTRUSTED;
    }
    if RCU.contains(&member) {
        return found.flags | Flags::RCU;
    }
    if RCU_OR_NULL.contains(&member) {
        let flags = found.flags.without(Flags::UNTRUSTED);
        return flags | Flags::RCU | Flags::OR_NULL;
    }
    if found.flags.contains(Flags::RCU) {
        return found.flags | Flags::OR_NULL;
    }
    if found.flags.intersects(Flags::PERCPU | Flags::USER) {
        return found.flags;
    }
    found.flags.without(Flags::RCU)
}
