//! The rows, by name.

use super::Param::*;
use super::{Kfunc, KfuncFlags, Only, Param, Ret, Signature};
use crate::ProgType::{self, *};
use crate::helpers::TypeSet;

const PLAIN: KfuncFlags = KfuncFlags::PLAIN;
const ACQUIRE: KfuncFlags = KfuncFlags::ACQUIRE;
const RELEASE: KfuncFlags = KfuncFlags::RELEASE;
const RET_NULL: KfuncFlags = KfuncFlags::RET_NULL;
const TRUSTED_ARGS: KfuncFlags = KfuncFlags::TRUSTED_ARGS;
const RCU: KfuncFlags = KfuncFlags::RCU;
const ITER_NEW: KfuncFlags = KfuncFlags::ITER_NEW;
const ITER_NEXT: KfuncFlags = KfuncFlags::ITER_NEXT;
const ITER_DESTROY: KfuncFlags = KfuncFlags::ITER_DESTROY;
const CHANGES_PACKET: KfuncFlags = KfuncFlags::CHANGES_PACKET;
const DEVICE_BOUND: KfuncFlags = KfuncFlags::DEVICE_BOUND;
const FASTCALL: KfuncFlags = KfuncFlags::FASTCALL;

const fn of(types: &[ProgType]) -> TypeSet {
    TypeSet::EMPTY.with(types)
}

/// All program types.
const EVERY: TypeSet = of(ProgType::ALL);
/// No type that the measured kernel can load.
const NONE: TypeSet = TypeSet::EMPTY;
const STRUCT_OPS: TypeSet = of(&[StructOps]);
/// Those that may have objects of the kernel and of their own.
const OBJECTS: TypeSet = of(&[
    SchedCls,
    Tracepoint,
    Xdp,
    PerfEvent,
    CgroupSkb,
    CgroupSock,
    SockOps,
    CgroupDevice,
    CgroupSockAddr,
    CgroupSysctl,
    CgroupSockopt,
    Tracing,
    StructOps,
    Syscall,
]);
/// Those that may have CPU masks.
const TRACING_AND_OPS: TypeSet = of(&[Tracepoint, PerfEvent, Tracing, StructOps, Syscall]);
const SYSCALL: TypeSet = of(&[Syscall]);
/// Traffic control and XDP.
const TC_XDP: TypeSet = of(&[SchedCls, SchedAct, Xdp]);
/// Classifiers and XDP.
const CLS_XDP: TypeSet = of(&[SchedCls, Xdp]);
/// Those that see an `sk_buff`, and observers.
const SKB: TypeSet = of(&[
    SocketFilter,
    SchedCls,
    SchedAct,
    Tracepoint,
    PerfEvent,
    CgroupSkb,
    CgroupSock,
    LwtIn,
    LwtOut,
    LwtXmit,
    SockOps,
    SkSkb,
    CgroupDevice,
    CgroupSockAddr,
    LwtSeg6local,
    CgroupSysctl,
    CgroupSockopt,
    Tracing,
    Netfilter,
]);
/// Traffic control.
const TC: TypeSet = of(&[SchedCls, SchedAct]);
const XDP: TypeSet = of(&[Xdp]);
/// Those that may call the kernel's own test functions.
const TEST_OBJECTS: TypeSet = of(&[SchedCls, Tracepoint, PerfEvent, Tracing, Syscall]);
const KPROBE: TypeSet = of(&[Kprobe]);
const CLS: TypeSet = of(&[SchedCls]);
/// Those that attach to cgroups.
const CGROUP: TypeSet = of(&[
    CgroupSkb,
    CgroupSock,
    SockOps,
    CgroupDevice,
    CgroupSockAddr,
    CgroupSysctl,
    CgroupSockopt,
]);
const TRACING_ONLY: TypeSet = of(&[Tracing]);
/// Observers.
const TRACING: TypeSet = of(&[Tracepoint, PerfEvent, Tracing]);

/// A function that programs of these types may call.
const fn kfunc(name: &'static str, prog_types: TypeSet) -> Kfunc {
    Kfunc {
        name,
        prog_types,
        only: Only::Any,
        signature: None,
    }
}

impl Kfunc {
    const fn only(mut self, only: Only) -> Kfunc {
        self.only = only;
        self
    }

    const fn sleeps(self) -> Kfunc {
        self.only(Only::Sleepable)
    }

    const fn takes(
        mut self,
        params: &'static [(&'static str, Param)],
        ret: Ret,
        flags: KfuncFlags,
    ) -> Kfunc {
        self.signature = Some(Signature { params, ret, flags });
        self
    }
}

pub(super) const KFUNCS: &[Kfunc] = &[
    kfunc("__bpf_trap", EVERY),
    kfunc("bbr_cwnd_event", STRUCT_OPS),
    kfunc("bbr_init", STRUCT_OPS),
    kfunc("bbr_main", STRUCT_OPS),
    kfunc("bbr_min_tso_segs", STRUCT_OPS),
    kfunc("bbr_set_state", STRUCT_OPS),
    kfunc("bbr_sndbuf_expand", STRUCT_OPS),
    kfunc("bbr_ssthresh", STRUCT_OPS),
    kfunc("bbr_undo_cwnd", STRUCT_OPS),
    kfunc("bpf_arena_alloc_pages", EVERY).sleeps(),
    kfunc("bpf_arena_free_pages", EVERY).sleeps(),
    kfunc("bpf_arena_reserve_pages", EVERY).sleeps(),
    kfunc("bpf_cast_to_kern_ctx", EVERY).takes(&[("obj", Ctx)], Ret::KernelContext, FASTCALL),
    kfunc("bpf_cgroup_acquire", OBJECTS),
    kfunc("bpf_cgroup_ancestor", OBJECTS),
    kfunc("bpf_cgroup_from_id", OBJECTS),
    kfunc("bpf_cgroup_read_xattr", EVERY),
    kfunc("bpf_cgroup_release", OBJECTS),
    kfunc("bpf_copy_from_user_dynptr", EVERY).sleeps(),
    kfunc("bpf_copy_from_user_str", EVERY).sleeps(),
    kfunc("bpf_copy_from_user_str_dynptr", EVERY).sleeps(),
    kfunc("bpf_copy_from_user_task_dynptr", EVERY).sleeps(),
    kfunc("bpf_copy_from_user_task_str", EVERY).sleeps(),
    kfunc("bpf_copy_from_user_task_str_dynptr", EVERY).sleeps(),
    kfunc("bpf_cpumask_acquire", TRACING_AND_OPS),
    kfunc("bpf_cpumask_and", TRACING_AND_OPS),
    kfunc("bpf_cpumask_any_and_distribute", TRACING_AND_OPS),
    kfunc("bpf_cpumask_any_distribute", TRACING_AND_OPS),
    kfunc("bpf_cpumask_clear", TRACING_AND_OPS),
    kfunc("bpf_cpumask_clear_cpu", TRACING_AND_OPS),
    kfunc("bpf_cpumask_copy", TRACING_AND_OPS),
    kfunc("bpf_cpumask_create", TRACING_AND_OPS),
    kfunc("bpf_cpumask_empty", TRACING_AND_OPS),
    kfunc("bpf_cpumask_equal", TRACING_AND_OPS),
    kfunc("bpf_cpumask_first", TRACING_AND_OPS),
    kfunc("bpf_cpumask_first_and", TRACING_AND_OPS),
    kfunc("bpf_cpumask_first_zero", TRACING_AND_OPS),
    kfunc("bpf_cpumask_full", TRACING_AND_OPS),
    kfunc("bpf_cpumask_intersects", TRACING_AND_OPS),
    kfunc("bpf_cpumask_or", TRACING_AND_OPS),
    kfunc("bpf_cpumask_populate", TRACING_AND_OPS),
    kfunc("bpf_cpumask_release", TRACING_AND_OPS),
    kfunc("bpf_cpumask_set_cpu", TRACING_AND_OPS),
    kfunc("bpf_cpumask_setall", TRACING_AND_OPS),
    kfunc("bpf_cpumask_subset", TRACING_AND_OPS),
    kfunc("bpf_cpumask_test_and_clear_cpu", TRACING_AND_OPS),
    kfunc("bpf_cpumask_test_and_set_cpu", TRACING_AND_OPS),
    kfunc("bpf_cpumask_test_cpu", TRACING_AND_OPS),
    kfunc("bpf_cpumask_weight", TRACING_AND_OPS),
    kfunc("bpf_cpumask_xor", TRACING_AND_OPS),
    kfunc("bpf_crypto_ctx_acquire", SYSCALL),
    kfunc("bpf_crypto_ctx_create", SYSCALL),
    kfunc("bpf_crypto_ctx_release", SYSCALL),
    kfunc("bpf_crypto_decrypt", TC_XDP),
    kfunc("bpf_crypto_encrypt", TC_XDP),
    kfunc("bpf_ct_change_status", CLS_XDP),
    kfunc("bpf_ct_change_timeout", CLS_XDP),
    kfunc("bpf_ct_insert_entry", CLS_XDP),
    kfunc("bpf_ct_release", CLS_XDP),
    kfunc("bpf_ct_set_nat_info", CLS_XDP),
    kfunc("bpf_ct_set_status", CLS_XDP),
    kfunc("bpf_ct_set_timeout", CLS_XDP),
    kfunc("bpf_dynptr_adjust", EVERY).takes(
        &[("p", Dynptr), ("start", Int), ("end", Int)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_dynptr_clone", EVERY).takes(
        &[("p", Dynptr), ("clone__uninit", DynptrUninit)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_dynptr_copy", EVERY).takes(
        &[
            ("dst_ptr", DynptrMut),
            ("dst_off", Int),
            ("src_ptr", DynptrMut),
            ("src_off", Int),
            ("size", Int),
        ],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_dynptr_from_skb", SKB).takes(
        &[("s", Ctx), ("flags", Int), ("ptr__uninit", DynptrUninit)],
        Ret::Int,
        TRUSTED_ARGS,
    ),
    kfunc("bpf_dynptr_from_skb_meta", TC).takes(
        &[("skb_", Ctx), ("flags", Int), ("ptr__uninit", DynptrUninit)],
        Ret::Int,
        TRUSTED_ARGS,
    ),
    kfunc("bpf_dynptr_from_xdp", XDP).takes(
        &[("x", Ctx), ("flags", Int), ("ptr__uninit", DynptrUninit)],
        Ret::Int,
        TRUSTED_ARGS,
    ),
    kfunc("bpf_dynptr_is_null", EVERY).takes(&[("p", Dynptr)], Ret::Int, PLAIN),
    kfunc("bpf_dynptr_is_rdonly", EVERY).takes(&[("p", Dynptr)], Ret::Int, PLAIN),
    kfunc("bpf_dynptr_memset", EVERY).takes(
        &[
            ("p", DynptrMut),
            ("offset", Int),
            ("size", Int),
            ("val", Int),
        ],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_dynptr_size", EVERY).takes(&[("p", Dynptr)], Ret::Int, PLAIN),
    kfunc("bpf_dynptr_slice", EVERY).takes(
        &[
            ("p", Dynptr),
            ("offset", Int),
            ("buffer__opt", OptMem),
            ("buffer__szk", ConstMemSize),
        ],
        Ret::SliceOf { rdonly: true },
        RET_NULL,
    ),
    kfunc("bpf_dynptr_slice_rdwr", EVERY).takes(
        &[
            ("p", Dynptr),
            ("offset", Int),
            ("buffer__opt", OptMem),
            ("buffer__szk", ConstMemSize),
        ],
        Ret::SliceOf { rdonly: false },
        RET_NULL,
    ),
    kfunc("bpf_fentry_test1", NONE),
    kfunc("bpf_get_dentry_xattr", NONE),
    kfunc("bpf_get_file_xattr", NONE),
    kfunc("bpf_get_kmem_cache", EVERY),
    kfunc("bpf_get_task_exe_file", NONE),
    kfunc("bpf_iter_bits_destroy", EVERY).takes(
        &[(
            "it",
            Iter {
                name: "bits",
                slots: 2,
            },
        )],
        Ret::Void,
        ITER_DESTROY,
    ),
    kfunc("bpf_iter_bits_new", EVERY).takes(
        &[
            (
                "it",
                Iter {
                    name: "bits",
                    slots: 2,
                },
            ),
            ("unsafe_ptr__ign", Ignored),
            ("nr_words", Int),
        ],
        Ret::Int,
        ITER_NEW,
    ),
    kfunc("bpf_iter_bits_next", EVERY).takes(
        &[(
            "it",
            Iter {
                name: "bits",
                slots: 2,
            },
        )],
        Ret::Mem {
            size: 4,
            rdonly: true,
        },
        ITER_NEXT.and(RET_NULL),
    ),
    kfunc("bpf_iter_css_destroy", EVERY),
    kfunc("bpf_iter_css_new", EVERY),
    kfunc("bpf_iter_css_next", EVERY),
    kfunc("bpf_iter_css_task_destroy", EVERY),
    kfunc("bpf_iter_css_task_new", EVERY).only(Only::SleepableOrIterator),
    kfunc("bpf_iter_css_task_next", EVERY),
    kfunc("bpf_iter_dmabuf_destroy", EVERY).sleeps(),
    kfunc("bpf_iter_dmabuf_new", EVERY).sleeps(),
    kfunc("bpf_iter_dmabuf_next", EVERY).sleeps(),
    kfunc("bpf_iter_kmem_cache_destroy", EVERY).sleeps(),
    kfunc("bpf_iter_kmem_cache_new", EVERY).sleeps(),
    kfunc("bpf_iter_kmem_cache_next", EVERY).sleeps(),
    kfunc("bpf_iter_num_destroy", EVERY).takes(
        &[(
            "it",
            Iter {
                name: "num",
                slots: 1,
            },
        )],
        Ret::Void,
        ITER_DESTROY,
    ),
    kfunc("bpf_iter_num_new", EVERY).takes(
        &[
            (
                "it",
                Iter {
                    name: "num",
                    slots: 1,
                },
            ),
            ("start", Int),
            ("end", Int),
        ],
        Ret::Int,
        ITER_NEW,
    ),
    kfunc("bpf_iter_num_next", EVERY).takes(
        &[(
            "it",
            Iter {
                name: "num",
                slots: 1,
            },
        )],
        Ret::Mem {
            size: 4,
            rdonly: true,
        },
        ITER_NEXT.and(RET_NULL),
    ),
    kfunc("bpf_iter_task_destroy", EVERY),
    kfunc("bpf_iter_task_new", EVERY),
    kfunc("bpf_iter_task_next", EVERY),
    kfunc("bpf_iter_task_vma_destroy", EVERY),
    kfunc("bpf_iter_task_vma_new", EVERY),
    kfunc("bpf_iter_task_vma_next", EVERY),
    kfunc("bpf_key_put", OBJECTS),
    kfunc("bpf_kfunc_call_memb_release", TEST_OBJECTS),
    kfunc("bpf_kfunc_call_test_release", TEST_OBJECTS),
    kfunc("bpf_list_back", OBJECTS),
    kfunc("bpf_list_front", OBJECTS),
    kfunc("bpf_list_pop_back", OBJECTS),
    kfunc("bpf_list_pop_front", OBJECTS),
    kfunc("bpf_list_push_back_impl", OBJECTS),
    kfunc("bpf_list_push_front_impl", OBJECTS),
    kfunc("bpf_local_irq_restore", EVERY).takes(&[("flags__irq_flag", IrqFlags)], Ret::Void, PLAIN),
    kfunc("bpf_local_irq_save", EVERY).takes(&[("flags__irq_flag", IrqFlags)], Ret::Void, PLAIN),
    kfunc("bpf_lookup_system_key", OBJECTS),
    kfunc("bpf_lookup_user_key", OBJECTS).sleeps(),
    kfunc("bpf_map_sum_elem_count", EVERY),
    kfunc("bpf_modify_return_test", NONE),
    kfunc("bpf_modify_return_test2", NONE),
    kfunc("bpf_modify_return_test_tp", EVERY).takes(&[("nonce", Int)], Ret::Int, PLAIN),
    kfunc("bpf_obj_drop_impl", OBJECTS),
    kfunc("bpf_obj_new_impl", OBJECTS),
    kfunc("bpf_path_d_path", NONE),
    kfunc("bpf_percpu_obj_drop_impl", OBJECTS),
    kfunc("bpf_percpu_obj_new_impl", OBJECTS),
    kfunc("bpf_preempt_disable", EVERY).takes(&[], Ret::Void, PLAIN),
    kfunc("bpf_preempt_enable", EVERY).takes(&[], Ret::Void, PLAIN),
    kfunc("bpf_probe_read_kernel_dynptr", EVERY),
    kfunc("bpf_probe_read_kernel_str_dynptr", EVERY),
    kfunc("bpf_probe_read_user_dynptr", EVERY),
    kfunc("bpf_probe_read_user_str_dynptr", EVERY),
    kfunc("bpf_put_file", NONE),
    kfunc("bpf_rbtree_add_impl", OBJECTS),
    kfunc("bpf_rbtree_first", OBJECTS),
    kfunc("bpf_rbtree_left", OBJECTS),
    kfunc("bpf_rbtree_remove", OBJECTS),
    kfunc("bpf_rbtree_right", OBJECTS),
    kfunc("bpf_rbtree_root", OBJECTS),
    kfunc("bpf_rcu_read_lock", EVERY).takes(&[], Ret::Void, PLAIN),
    kfunc("bpf_rcu_read_unlock", EVERY).takes(&[], Ret::Void, PLAIN),
    kfunc("bpf_rdonly_cast", EVERY),
    kfunc("bpf_refcount_acquire_impl", OBJECTS),
    kfunc("bpf_remove_dentry_xattr", NONE),
    kfunc("bpf_res_spin_lock", EVERY),
    kfunc("bpf_res_spin_lock_irqsave", EVERY),
    kfunc("bpf_res_spin_unlock", EVERY),
    kfunc("bpf_res_spin_unlock_irqrestore", EVERY),
    kfunc("bpf_send_signal_task", OBJECTS),
    kfunc("bpf_session_cookie", KPROBE)
        .only(Only::Session)
        .takes(
            &[],
            Ret::Mem {
                size: 8,
                rdonly: false,
            },
            PLAIN,
        ),
    kfunc("bpf_session_is_return", KPROBE)
        .only(Only::Session)
        .takes(&[], Ret::Int, PLAIN),
    kfunc("bpf_set_dentry_xattr", NONE),
    kfunc("bpf_sk_assign_tcp_reqsk", CLS),
    kfunc("bpf_skb_ct_alloc", CLS_XDP),
    kfunc("bpf_skb_ct_lookup", CLS_XDP),
    kfunc("bpf_sock_addr_set_sun_path", CGROUP),
    kfunc("bpf_sock_destroy", TRACING_ONLY).only(Only::Iterator),
    kfunc("bpf_sock_ops_enable_tx_tstamp", CGROUP),
    kfunc("bpf_strcasecmp", EVERY).takes(
        &[("s1__ign", Ignored), ("s2__ign", Ignored)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_strchr", EVERY).takes(&[("s__ign", Ignored), ("c", Int)], Ret::Int, PLAIN),
    kfunc("bpf_strchrnul", EVERY).takes(&[("s__ign", Ignored), ("c", Int)], Ret::Int, PLAIN),
    kfunc("bpf_strcmp", EVERY).takes(
        &[("s1__ign", Ignored), ("s2__ign", Ignored)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_strcspn", EVERY).takes(
        &[("s__ign", Ignored), ("reject__ign", Ignored)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_stream_vprintk_impl", EVERY),
    kfunc("bpf_strlen", EVERY).takes(&[("s__ign", Ignored)], Ret::Int, PLAIN),
    kfunc("bpf_strnchr", EVERY).takes(
        &[("s__ign", Ignored), ("count", Int), ("c", Int)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_strnlen", EVERY).takes(&[("s__ign", Ignored), ("count", Int)], Ret::Int, PLAIN),
    kfunc("bpf_strnstr", EVERY).takes(
        &[("s1__ign", Ignored), ("s2__ign", Ignored), ("len", Int)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_strrchr", EVERY).takes(&[("s__ign", Ignored), ("c", Int)], Ret::Int, PLAIN),
    kfunc("bpf_strspn", EVERY).takes(
        &[("s__ign", Ignored), ("accept__ign", Ignored)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_strstr", EVERY).takes(
        &[("s1__ign", Ignored), ("s2__ign", Ignored)],
        Ret::Int,
        PLAIN,
    ),
    kfunc("bpf_task_acquire", OBJECTS).takes(
        &[("p", Kernel("task_struct"))],
        Ret::Kernel("task_struct"),
        ACQUIRE.and(RCU).and(RET_NULL),
    ),
    kfunc("bpf_task_from_pid", OBJECTS).takes(
        &[("pid", Int)],
        Ret::Kernel("task_struct"),
        ACQUIRE.and(RET_NULL),
    ),
    kfunc("bpf_task_from_vpid", OBJECTS).takes(
        &[("vpid", Int)],
        Ret::Kernel("task_struct"),
        ACQUIRE.and(RET_NULL),
    ),
    kfunc("bpf_task_get_cgroup1", OBJECTS),
    kfunc("bpf_task_release", OBJECTS).takes(&[("p", Kernel("task_struct"))], Ret::Void, RELEASE),
    kfunc("bpf_task_under_cgroup", OBJECTS),
    kfunc("bpf_task_work_schedule_resume_impl", EVERY),
    kfunc("bpf_task_work_schedule_signal_impl", EVERY),
    kfunc("bpf_throw", OBJECTS),
    kfunc("bpf_wq_init", EVERY),
    kfunc("bpf_wq_set_callback_impl", EVERY),
    kfunc("bpf_wq_start", EVERY),
    kfunc("bpf_xdp_ct_alloc", CLS_XDP),
    kfunc("bpf_xdp_ct_lookup", CLS_XDP),
    kfunc("bpf_xdp_get_xfrm_state", XDP),
    kfunc("bpf_xdp_metadata_rx_hash", EVERY).takes(
        &[
            ("ctx", Ctx),
            ("hash", FixedMem(4)),
            ("rss_type", FixedMem(4)),
        ],
        Ret::Int,
        DEVICE_BOUND,
    ),
    kfunc("bpf_xdp_metadata_rx_timestamp", EVERY).takes(
        &[("ctx", Ctx), ("timestamp", FixedMem(8))],
        Ret::Int,
        DEVICE_BOUND,
    ),
    kfunc("bpf_xdp_metadata_rx_vlan_tag", EVERY).takes(
        &[
            ("ctx", Ctx),
            ("vlan_proto", FixedMem(2)),
            ("vlan_tci", FixedMem(2)),
        ],
        Ret::Int,
        DEVICE_BOUND,
    ),
    kfunc("bpf_xdp_pull_data", XDP).takes(&[("x", Ctx), ("len", Int)], Ret::Int, CHANGES_PACKET),
    kfunc("bpf_xdp_xfrm_state_release", XDP),
    kfunc("css_rstat_flush", TRACING).sleeps(),
    kfunc("css_rstat_updated", TRACING),
    kfunc("cubictcp_acked", STRUCT_OPS),
    kfunc("cubictcp_cong_avoid", STRUCT_OPS),
    kfunc("cubictcp_cwnd_event", STRUCT_OPS),
    kfunc("cubictcp_init", STRUCT_OPS),
    kfunc("cubictcp_recalc_ssthresh", STRUCT_OPS),
    kfunc("cubictcp_state", STRUCT_OPS),
    kfunc("tcp_cong_avoid_ai", STRUCT_OPS),
    kfunc("tcp_reno_cong_avoid", STRUCT_OPS),
    kfunc("tcp_reno_ssthresh", STRUCT_OPS),
    kfunc("tcp_reno_undo_cwnd", STRUCT_OPS),
    kfunc("tcp_slow_start", STRUCT_OPS),
];
