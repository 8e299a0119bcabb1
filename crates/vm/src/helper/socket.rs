//! Sockets: a machine has none.

use super::call::{Answer, Call};

/// `struct bpf_sock *bpf_sk_lookup_tcp(ctx, tuple, u32 tuple_size, u64 netns, u64
/// flags)` and its siblings: NULL, there is no such socket.
pub(super) fn lookup(call: &mut Call<'_>) -> Answer {
    let size = call.size(3)?;
    call.readable(2, size)?;
    Ok(0)
}
