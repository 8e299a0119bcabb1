//! What the device knows of a packet, and where its bytes lie.

use abi::Errno;

use super::super::call::{Answer, Call, Stop};
use super::failed;
use crate::packet::Hints;

/// `int bpf_xdp_metadata_rx_timestamp(ctx, u64 *timestamp)`: `EOPNOTSUPP` from a
/// device that does not know.
pub(super) fn rx_timestamp(call: &mut Call<'_>) -> Answer {
    match hints(call)?.timestamp {
        Some(timestamp) => put(call, 2, timestamp.to_le_bytes()),
        None => failed(Errno::EOPNOTSUPP),
    }
}

/// `int bpf_xdp_metadata_rx_hash(ctx, u32 *hash, enum xdp_rss_hash_type *type)`
pub(super) fn rx_hash(call: &mut Call<'_>) -> Answer {
    let Some((hash, over)) = hints(call)?.hash else {
        return failed(Errno::EOPNOTSUPP);
    };
    put(call, 2, hash.to_le_bytes())?;
    put(call, 3, over.to_le_bytes())
}

/// `int bpf_xdp_metadata_rx_vlan_tag(ctx, __be16 *vlan_proto, u16 *vlan_tci)`
pub(super) fn rx_vlan_tag(call: &mut Call<'_>) -> Answer {
    let Some((protocol, control)) = hints(call)?.vlan else {
        return failed(Errno::EOPNOTSUPP);
    };
    put(call, 2, protocol.to_be_bytes())?;
    put(call, 3, control.to_le_bytes())
}

/// `int bpf_xdp_pull_data(ctx, u32 len)`
pub(super) fn pull_data(call: &mut Call<'_>) -> Answer {
    let len = call.arg32(2);
    let (packet, space) = call.packet(1)?;
    match packet.pull(space, len) {
        Ok(()) => Ok(0),
        Err(errno) => failed(errno),
    }
}

fn hints(call: &mut Call<'_>) -> Result<Hints, Stop> {
    let (packet, _) = call.packet(1)?;
    Ok(packet.hints())
}

/// Writes where an argument points.
fn put<const N: usize>(call: &mut Call<'_>, n: usize, bytes: [u8; N]) -> Answer {
    let addr = call.arg(n);
    call.machine.space.store(addr, bytes)?;
    Ok(0)
}
