//! Where a packet should go.

use abi::MapType;
use abi::xdp::XdpAction;

use super::call::{Answer, Call};
use crate::world::Redirect;

/// To every entry of a device map.
const BROADCAST: u64 = 1 << 3;
/// But not to the device that it came from.
const EXCLUDE_INGRESS: u64 = 1 << 4;
/// The action when there is no such entry.
const FALLBACK: u64 = 3;

/// `long bpf_redirect(u32 ifindex, u64 flags)` in XDP: no flags are allowed, and
/// the device is not looked at before the packet goes there.
pub(super) fn redirect(call: &mut Call<'_>) -> Answer {
    let (ifindex, flags) = (call.arg32(1), call.arg(2));
    if flags != 0 {
        return Ok(XdpAction::Aborted as u64);
    }
    call.machine.redirect = Some(Redirect::Device { ifindex, flags });
    Ok(XdpAction::Redirect as u64)
}

/// `long bpf_redirect(u32 ifindex, u64 flags)` in traffic control: to the device,
/// or with `BPF_F_INGRESS` as if it came from there.
pub(super) fn redirect_tc(call: &mut Call<'_>) -> Answer {
    const INGRESS: u64 = 1;
    const TC_ACT_SHOT: u64 = 2;
    const TC_ACT_REDIRECT: u64 = 7;

    let (ifindex, flags) = (call.arg32(1), call.arg(2));
    if flags & !INGRESS != 0 {
        return Ok(TC_ACT_SHOT);
    }
    call.machine.redirect = Some(Redirect::Device { ifindex, flags });
    Ok(TC_ACT_REDIRECT)
}

/// `long bpf_redirect_map(map, u64 key, u64 flags)`: of the key, the lower 32 bits
/// matter.
pub(super) fn redirect_map(call: &mut Call<'_>) -> Answer {
    let (key, flags) = (call.arg32(2), call.arg(3));
    let map = call.map(1)?;
    let id = map.id;
    let map_type = map.map.def().map_type;
    let is_device = matches!(map_type, MapType::Devmap | MapType::DevmapHash);
    let allowed = if is_device {
        FALLBACK | BROADCAST | EXCLUDE_INGRESS
    } else {
        FALLBACK
    };
    if flags & !allowed != 0 {
        return Ok(XdpAction::Aborted as u64);
    }
    if flags & BROADCAST != 0 {
        call.machine.redirect = Some(Redirect::Broadcast {
            map: id,
            exclude_ingress: flags & EXCLUDE_INGRESS != 0,
        });
        return Ok(XdpAction::Redirect as u64);
    }
    if map.map.target(map.space, &key.to_le_bytes()).is_none() {
        call.machine.redirect = None;
        return Ok(flags & FALLBACK);
    }
    call.machine.redirect = Some(Redirect::Entry { map: id, key });
    Ok(XdpAction::Redirect as u64)
}
