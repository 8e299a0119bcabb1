//! Helper functions: one module a subject, one table of what is there.
//!
//! A helper is a plain function over a [`Call`]. What it does with bad values is
//! Linux's error number in `r0`; what Linux's verifier would have refused (memory
//! out of bounds, a map of the wrong kind) is a [`Trap`](crate::Trap).
//!
//! The answers were compared with Linux 6.18's by test programs; the data files
//! under `tests/data` are its answers.

pub mod absent;
mod call;
mod csum;
mod dynptr;
mod format;
mod iterate;
pub mod kfunc;
mod lock;
mod map;
mod network;
mod perf;
mod probe;
mod redirect;
mod ringbuf;
mod skb;
mod socket;
mod string;
mod syncookie;
mod task;
mod time;
mod timer;
mod trace;
mod user_ringbuf;
mod xdp;

pub(crate) use map::replaced;

use abi::ProgType;

pub use call::{Answer, Call, Callback, HelperFn, Stop};

/// Number of `bpf_tail_call`, which is the engine's business: it has no row here.
pub const TAIL_CALL: u32 = 12;
/// Number of `bpf_map_lookup_elem`, which engines may do themselves for arrays.
pub const MAP_LOOKUP: u32 = 1;
/// Number of `bpf_ringbuf_reserve`, for which engines may ask the machine.
pub const RINGBUF_RESERVE: u32 = 131;

/// The name of a helper or kernel function by the number that engines know it by.
pub fn name(id: u32) -> &'static str {
    match kfunc::by_id(id) {
        Some(row) => row.name,
        None => abi::helpers::by_id(id).map_or("helper", |row| row.name),
    }
}

/// The implementation of the helper with this number for programs of this type,
/// if there is one. The same helper may do different things in different types.
pub fn implementation(id: u32, prog_type: ProgType) -> Option<HelperFn> {
    if !abi::helpers::by_id(id)?.may_be_called_by(prog_type) {
        return None;
    }
    let of_type = match prog_type {
        ProgType::Xdp => xdp(id),
        ProgType::SchedCls | ProgType::SchedAct | ProgType::LwtXmit => {
            traffic_control(id).or_else(|| socket_buffer(id))
        }
        ProgType::SocketFilter | ProgType::CgroupSkb => socket_buffer(id),
        _ => None,
    };
    of_type.or_else(|| any(id))
}

/// Helpers that are the same in every program type that has them.
#[rustfmt::skip]
fn any(id: u32) -> Option<HelperFn> {
    let helper: HelperFn = match id {
        1 => map::lookup_elem,
        2 => map::update_elem,
        3 => map::delete_elem,
        4 => probe::read_any,
        5 => time::ktime_get_ns,
        6 => trace::trace_printk,
        7 => task::get_prandom_u32,
        8 => task::get_smp_processor_id,
        14 => task::get_current_pid_tgid,
        15 => task::get_current_uid_gid,
        16 => task::get_current_comm,
        17 => task::get_cgroup_classid,
        25 => perf::output_plain,
        28 => csum::diff,
        42 => task::get_numa_node_id,
        45 => probe::read_any_str,
        80 => task::get_current_cgroup_id,
        84 => socket::lookup_tcp,
        85 => socket::lookup_udp,
        86 => socket::release,
        87 => map::push_elem,
        88 => map::pop_elem,
        89 => map::peek_elem,
        93 => lock::spin_lock,
        94 => lock::spin_unlock,
        99 => socket::lookup_tcp,
        100 => syncookie::check_for,
        105 => string::strtol,
        106 => string::strtoul,
        110 => syncookie::generate_for,
        112 => probe::read_user,
        113 => probe::read_kernel,
        114 => probe::read_user_str,
        115 => probe::read_kernel_str,
        118 => time::jiffies64,
        120 => task::get_ns_current_pid_tgid,
        123 => task::get_current_ancestor_cgroup_id,
        125 => time::ktime_get_boot_ns,
        130 => ringbuf::output,
        131 => ringbuf::reserve,
        132 => ringbuf::submit,
        133 => ringbuf::discard,
        134 => ringbuf::query,
        160 => time::ktime_get_coarse_ns,
        164 => iterate::for_each_map_elem,
        165 => trace::snprintf,
        169 => timer::init,
        170 => timer::set_callback,
        171 => timer::start,
        172 => timer::cancel,
        176 => task::get_branch_snapshot,
        177 => trace::trace_vprintk,
        181 => iterate::bpf_loop,
        182 => string::strncmp,
        195 => map::lookup_percpu_elem,
        197 => dynptr::from_mem,
        198 => dynptr::ringbuf_reserve,
        199 => dynptr::ringbuf_submit,
        200 => dynptr::ringbuf_discard,
        201 => dynptr::read,
        202 => dynptr::write,
        203 => dynptr::data,
        204 => syncookie::generate_ipv4,
        205 => syncookie::generate_ipv6,
        206 => syncookie::check_ipv4,
        207 => syncookie::check_ipv6,
        208 => time::ktime_get_tai_ns,
        209 => user_ringbuf::drain,
        _ => return None,
    };
    Some(helper)
}

/// Helpers that are XDP's own, or different in XDP.
#[rustfmt::skip]
fn xdp(id: u32) -> Option<HelperFn> {
    let helper: HelperFn = match id {
        23 => redirect::redirect,
        25 => perf::output_xdp,
        44 => xdp::adjust_head,
        51 => redirect::redirect_map,
        54 => xdp::adjust_meta,
        65 => xdp::adjust_tail,
        69 => network::fib_lookup_xdp,
        163 => network::check_mtu_xdp,
        188 => xdp::get_buff_len,
        189 => xdp::load_bytes,
        190 => xdp::store_bytes,
        _ => return None,
    };
    Some(helper)
}

/// Helpers that are different in traffic control.
fn traffic_control(id: u32) -> Option<HelperFn> {
    match id {
        23 => Some(redirect::redirect_tc),
        _ => None,
    }
}

/// Helpers of programs whose context is a socket buffer.
#[rustfmt::skip]
fn socket_buffer(id: u32) -> Option<HelperFn> {
    let helper: HelperFn = match id {
        9 => skb::store_bytes,
        10 => skb::l3_csum_replace,
        11 => skb::l4_csum_replace,
        18 => skb::vlan_push,
        19 => skb::vlan_pop,
        26 => skb::load_bytes,
        32 => skb::change_type,
        34 => skb::get_hash_recalc,
        38 => skb::change_tail,
        39 => skb::pull_data,
        40 => skb::csum_update,
        41 => skb::set_hash_invalid,
        43 => skb::change_head,
        48 => skb::set_hash,
        68 => skb::load_bytes_relative,
        135 => skb::csum_level,
        _ => return None,
    };
    Some(helper)
}
