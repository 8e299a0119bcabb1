//! Kernel functions that programs call by name.
//!
//! They are called as helpers are, and are functions over a [`Call`] too. In place
//! of a number that programs know they have one that only engines do: their place
//! in [`abi::kfuncs::KFUNCS`] above [`FIRST`].

mod dynptr;
mod iterate;
mod section;
mod string;
mod xdp;

use abi::Errno;
use abi::kfuncs::{KFUNCS, Kfunc};

#[cfg(doc)]
use super::Call;
use super::HelperFn;
use super::call::Answer;

/// The number of the first; helpers are far below.
pub const FIRST: u32 = 1 << 31;

/// `r0` for an error number of a function that returns an `int`: unlike helpers
/// these leave the upper half zero (measured on Linux 6.18).
fn failed(errno: Errno) -> Answer {
    Ok(u64::from(errno.to_ret() as u32))
}

/// The function with this number.
pub fn by_id(id: u32) -> Option<&'static Kfunc> {
    KFUNCS.get(id.checked_sub(FIRST)? as usize)
}

/// The number that engines know a function by and what it does, if it is here.
pub fn implementation(name: &str) -> Option<(u32, HelperFn)> {
    let index = KFUNCS.binary_search_by(|row| row.name.cmp(name)).ok()?;
    Some((FIRST + index as u32, function(name)?))
}

#[rustfmt::skip]
fn function(name: &str) -> Option<HelperFn> {
    let function: HelperFn = match name {
        "bpf_dynptr_adjust" => dynptr::adjust,
        "bpf_dynptr_clone" => dynptr::clone,
        "bpf_dynptr_copy" => dynptr::copy,
        "bpf_dynptr_from_xdp" => dynptr::from_xdp,
        "bpf_dynptr_is_null" => dynptr::is_null,
        "bpf_dynptr_is_rdonly" => dynptr::is_rdonly,
        "bpf_dynptr_memset" => dynptr::memset,
        "bpf_dynptr_size" => dynptr::size,
        "bpf_dynptr_slice" => dynptr::slice,
        "bpf_dynptr_slice_rdwr" => dynptr::slice_rdwr,
        "bpf_iter_bits_destroy" => iterate::bits_destroy,
        "bpf_iter_bits_new" => iterate::bits_new,
        "bpf_iter_bits_next" => iterate::bits_next,
        "bpf_iter_num_destroy" => iterate::num_destroy,
        "bpf_iter_num_new" => iterate::num_new,
        "bpf_iter_num_next" => iterate::num_next,
        "bpf_local_irq_restore" => section::irq_restore,
        "bpf_local_irq_save" => section::irq_save,
        "bpf_preempt_disable" | "bpf_preempt_enable" => section::nothing,
        "bpf_rcu_read_lock" | "bpf_rcu_read_unlock" => section::nothing,
        "bpf_strcasecmp" => string::strcasecmp,
        "bpf_strchr" => string::strchr,
        "bpf_strchrnul" => string::strchrnul,
        "bpf_strcmp" => string::strcmp,
        "bpf_strcspn" => string::strcspn,
        "bpf_strlen" => string::strlen,
        "bpf_strnchr" => string::strnchr,
        "bpf_strnlen" => string::strnlen,
        "bpf_strnstr" => string::strnstr,
        "bpf_strrchr" => string::strrchr,
        "bpf_strspn" => string::strspn,
        "bpf_strstr" => string::strstr,
        "bpf_xdp_metadata_rx_hash" => xdp::rx_hash,
        "bpf_xdp_metadata_rx_timestamp" => xdp::rx_timestamp,
        "bpf_xdp_metadata_rx_vlan_tag" => xdp::rx_vlan_tag,
        "bpf_xdp_pull_data" => xdp::pull_data,
        _ => return None,
    };
    Some(function)
}
