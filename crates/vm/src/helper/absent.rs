//! Why helpers and kernel functions that Linux offers are not here, in words for
//! whoever asked for them. What stands here is refused when a program is loaded.

const KERNEL_TYPES: &str =
    "it gives pointers to the kernel's own structures, which are not simulated";
const TASKS: &str = "there are no tasks of the kernel";
const SLEEPS: &str = "only programs that may sleep can use it, which are not simulated";
const COUNTERS: &str = "there are no hardware counters";
const SIGNALS: &str = "there is no process that a signal could go to";
const VARIABLES: &str = "variables of the kernel are not simulated";
const OBJECTS: &str = "objects that programs own are not simulated";
const CGROUPS: &str = "there are no control groups";

/// Why the helper with this number is missing, if there is more to say than that
/// nobody has made it.
pub fn helper(id: u32) -> Option<&'static str> {
    Some(match id {
        22 | 55 => COUNTERS,
        35 | 136..=140 | 158 | 175 | 178 | 196 => KERNEL_TYPES,
        37 | 210 | 211 => CGROUPS,
        109 | 117 => SIGNALS,
        141 | 156 | 157 | 180 => TASKS,
        148 | 191 => SLEEPS,
        149 => "it prints the kernel's own structures, which are not simulated",
        153 | 154 => VARIABLES,
        194 => "pointers to objects of the kernel are not kept in maps here",
        _ => return None,
    })
}

/// Why the kernel function with this name is missing.
pub fn kfunc(name: &str) -> Option<&'static str> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    Some(match name {
        "bpf_cast_to_kern_ctx" | "bpf_rdonly_cast" | "bpf_get_kmem_cache" => KERNEL_TYPES,
        "bpf_skb_ct_lookup" | "bpf_skb_ct_alloc" | "bpf_xdp_ct_lookup" | "bpf_xdp_ct_alloc" => {
            "there is no connection tracking"
        }
        _ if starts(&["bpf_ct_"]) => "there is no connection tracking",
        _ if starts(&["bpf_crypto_"]) => "the kernel's ciphers are not simulated",
        _ if starts(&["bpf_cpumask_"]) => "sets of CPUs are not simulated",
        _ if starts(&["bpf_xdp_get_xfrm", "bpf_xdp_xfrm"]) => "there is no IPsec",
        _ if starts(&["bpf_arena_"]) => "arenas are not simulated",
        _ if starts(&["bpf_res_spin_"]) => "resilient locks are not simulated",
        _ if starts(&["bpf_wq_", "bpf_task_work_"]) => {
            "work that runs later and may sleep is not simulated"
        }
        _ if starts(&["bpf_copy_from_user", "bpf_iter_dmabuf", "bpf_iter_kmem"]) => SLEEPS,
        _ if starts(&[
            "bpf_obj_",
            "bpf_percpu_obj",
            "bpf_list_",
            "bpf_rbtree_",
            "bpf_refcount",
        ]) =>
        {
            OBJECTS
        }
        _ if starts(&["bpf_iter_task", "bpf_iter_css_task", "bpf_task_"]) => TASKS,
        _ if starts(&["bpf_iter_css", "bpf_cgroup_"]) => CGROUPS,
        _ if starts(&["bpf_probe_read_"]) => "there is no memory of the kernel or of processes",
        "__bpf_trap" => "compilers put it where nothing is reached",
        "bpf_key_put" | "bpf_lookup_system_key" | "bpf_lookup_user_key" => {
            "there are no keys of the kernel"
        }
        "bpf_send_signal_task" => SIGNALS,
        "bpf_modify_return_test_tp" => "it is there for the kernel's own tests",
        "bpf_throw" => "exceptions are not simulated",
        "bpf_map_sum_elem_count" => KERNEL_TYPES,
        "bpf_stream_vprintk_impl" => "programs have no output streams here",
        _ => return None,
    })
}
