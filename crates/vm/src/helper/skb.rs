//! Socket buffers.
//!
//! Compared with Linux 6.18 by `difftest`'s `tests/skb.rs`.

use abi::Errno;
use abi::skb::{field, pkt_type};

use super::call::{Answer, Call, Stop, errno};
use crate::memory::{Addr, Space};
use crate::skb::{MAX_GROWN, SkBuff};

/// Largest offset of a copy.
const MAX_OFFSET: u32 = i32::MAX as u32;
/// Where the Ethernet type of a frame lies.
const ETHER_TYPE: u32 = 12;
/// Bytes of a VLAN tag.
const TAG: u32 = 4;
const VLAN: [u8; 2] = [0x81, 0x00];
const PROVIDER_VLAN: [u8; 2] = [0x88, 0xa8];

impl Call<'_> {
    /// The socket buffer whose context is argument 1.
    fn skb(&mut self) -> Result<(&mut SkBuff, &mut Space), Stop> {
        let ctx = self.arg(1);
        let why = self.refuse(1, "not the context");
        let machine = &mut *self.machine;
        match &mut machine.skb {
            Some(skb) if skb.ctx().to_reg() == ctx => Ok((skb, &mut machine.space)),
            _ => Err(why),
        }
    }
}

/// `long bpf_skb_load_bytes(skb, u32 offset, void *to, u32 len)`
pub(super) fn load_bytes(call: &mut Call<'_>) -> Answer {
    load(call, |skb, offset, len| skb.piece(offset, len))
}

/// `long bpf_skb_load_bytes_relative(skb, u32 offset, void *to, u32 len, u32 start)`
pub(super) fn load_bytes_relative(call: &mut Call<'_>) -> Answer {
    let start = call.arg32(5);
    load(call, |skb, offset, len| match start {
        0 => skb.relative(false, offset, len),
        1 => skb.relative(true, offset, len),
        _ => None,
    })
}

fn load(call: &mut Call<'_>, find: impl Fn(&SkBuff, u32, u32) -> Option<Addr>) -> Answer {
    let offset = call.arg32(2);
    let to = call.writable(3, call.size(4)?)?;
    let (skb, space) = call.skb()?;
    let found = (offset <= MAX_OFFSET)
        .then(|| find(skb, offset, to.len))
        .flatten();
    let Some(at) = found else {
        to.bytes_mut(space).fill(0);
        return errno(Err(Errno::EFAULT));
    };
    let bytes = skb.copy(space, at, to.len);
    to.bytes_mut(space).copy_from_slice(&bytes);
    errno(Ok(()))
}

/// `long bpf_skb_store_bytes(skb, u32 offset, const void *from, u32 len, u64 flags)`
pub(super) fn store_bytes(call: &mut Call<'_>) -> Answer {
    const RECOMPUTE_CSUM: u64 = 1;
    const INVALIDATE_HASH: u64 = 2;
    let (offset, flags) = (call.arg32(2), call.arg(5));
    let from = call.readable(3, call.size(4)?)?;
    let bytes = from.bytes(&call.machine.space).to_vec();
    let (skb, space) = call.skb()?;
    if flags & !(RECOMPUTE_CSUM | INVALIDATE_HASH) != 0 {
        return errno(Err(Errno::EINVAL));
    }
    let Some(at) = skb.piece(offset, from.len).filter(|_| offset <= MAX_OFFSET) else {
        return errno(Err(Errno::EFAULT));
    };
    if !bytes.is_empty() {
        space.bytes_mut(at, from.len).copy_from_slice(&bytes);
    }
    if flags & INVALIDATE_HASH != 0 {
        skb.put(space, field::HASH, 0);
    }
    errno(Ok(()))
}

/// `long bpf_l3_csum_replace(skb, u32 offset, u64 from, u64 to, u64 size)`
pub(super) fn l3_csum_replace(call: &mut Call<'_>) -> Answer {
    let (from, to, flags) = (call.arg(3), call.arg(4), call.arg(5));
    if flags & !0xf != 0 {
        return errno(Err(Errno::EINVAL));
    }
    let Some((at, sum)) = checksum_field(call)? else {
        return errno(Err(Errno::EFAULT));
    };
    match replaced(sum, from, to, flags) {
        Some(sum) => set_checksum(call, at, sum),
        None => errno(Err(Errno::EINVAL)),
    }
}

/// `long bpf_l4_csum_replace(skb, u32 offset, u64 from, u64 to, u64 flags)`
pub(super) fn l4_csum_replace(call: &mut Call<'_>) -> Answer {
    const PSEUDO_HEADER: u64 = 0x10;
    const MARK_MANGLED_0: u64 = 0x20;
    const MARK_ENFORCE: u64 = 0x40;
    const IPV6: u64 = 0x80;
    let (from, to, flags) = (call.arg(3), call.arg(4), call.arg(5));
    if flags & !(0xf | PSEUDO_HEADER | MARK_MANGLED_0 | MARK_ENFORCE | IPV6) != 0 {
        return errno(Err(Errno::EINVAL));
    }
    let Some((at, sum)) = checksum_field(call)? else {
        return errno(Err(Errno::EFAULT));
    };
    // A UDP packet without a checksum stays so.
    let mangled = flags & MARK_MANGLED_0 != 0;
    if mangled && flags & MARK_ENFORCE == 0 && sum == 0 {
        return errno(Ok(()));
    }
    match replaced(sum, from, to, flags & 0xf) {
        Some(0) if mangled => set_checksum(call, at, 0xffff),
        Some(sum) => set_checksum(call, at, sum),
        None => errno(Err(Errno::EINVAL)),
    }
}

/// The checksum at argument 2, and where it lies.
fn checksum_field(call: &mut Call<'_>) -> Result<Option<(Addr, u16)>, Stop> {
    let offset = call.arg32(2);
    let (skb, space) = call.skb()?;
    let fits = offset <= 0xffff && offset.is_multiple_of(2);
    let at = skb.piece(offset, 2).filter(|_| fits);
    Ok(at.map(|at| {
        let bytes = space.bytes(at, 2);
        let sum = bytes.first_chunk().map_or(0, |b| u16::from_le_bytes(*b));
        (at, sum)
    }))
}

fn set_checksum(call: &mut Call<'_>, at: Addr, sum: u16) -> Answer {
    let bytes = call.machine.space.bytes_mut(at, 2);
    bytes.copy_from_slice(&sum.to_le_bytes());
    errno(Ok(()))
}

/// The checksum after `from` became `to`, of `size` bytes; with size 0 `to` is the
/// difference already.
fn replaced(sum: u16, from: u64, to: u64, size: u64) -> Option<u16> {
    let (from, to) = match size {
        0 if from != 0 => return None,
        // Nothing is taken off: minus zero would be.
        0 => return Some(!fold(u64::from(!sum) + u64::from(to as u32))),
        2 => (u32::from(from as u16), u32::from(to as u16)),
        4 => (from as u32, to as u32),
        _ => return None,
    };
    let (sum, less) = match size {
        2 => (u64::from(!sum), u64::from(!(from as u16))),
        _ => (u64::from(!sum), u64::from(!from)),
    };
    Some(!fold(sum + less + u64::from(to)))
}

/// A ones' complement sum in 16 bits.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// `s64 bpf_csum_update(skb, wsum)`: for packets whose checksum a device computed,
/// which none is here.
pub(super) fn csum_update(call: &mut Call<'_>) -> Answer {
    call.skb()?;
    errno(Err(Errno::ENOTSUPP))
}

/// `long bpf_csum_level(skb, u64 level)`
pub(super) fn csum_level(call: &mut Call<'_>) -> Answer {
    const MOST: u8 = 3;
    let op = call.arg(2);
    let (skb, _) = call.skb()?;
    skb.checksums = match (op, skb.checksums) {
        (0, Some(level)) => return Ok(level.into()),
        (0, None) => return errno(Err(Errno::EACCES)),
        (1, level) => level.map_or(Some(0), |level| Some((level + 1).min(MOST))),
        (2, level) => level.and_then(|level| level.checked_sub(1)),
        (3, _) => None,
        _ => return errno(Err(Errno::EINVAL)),
    };
    errno(Ok(()))
}

/// `long bpf_skb_change_type(skb, u32 type)`
pub(super) fn change_type(call: &mut Call<'_>) -> Answer {
    let to = call.arg32(2);
    let (skb, space) = call.skb()?;
    if to > pkt_type::OTHERHOST || skb.get(space, field::PKT_TYPE) > pkt_type::OTHERHOST {
        return errno(Err(Errno::EINVAL));
    }
    skb.put(space, field::PKT_TYPE, to);
    errno(Ok(()))
}

/// `long bpf_skb_pull_data(skb, u32 len)`: all is linear, so only lengths matter.
pub(super) fn pull_data(call: &mut Call<'_>) -> Answer {
    let len = call.arg32(2);
    let (skb, _) = call.skb()?;
    errno(match len <= skb.len() {
        true => Ok(()),
        false => Err(Errno::ENOMEM),
    })
}

/// `long bpf_skb_change_tail(skb, u32 len, u64 flags)`
pub(super) fn change_tail(call: &mut Call<'_>) -> Answer {
    let (len, flags) = (call.arg32(2), call.arg(3));
    let (skb, space) = call.skb()?;
    if flags != 0 || len > MAX_GROWN || len < skb.network_offset() {
        return errno(Err(Errno::EINVAL));
    }
    errno(match skb.set_len(space, len) {
        true => Ok(()),
        false => Err(Errno::ENOMEM),
    })
}

/// `long bpf_skb_change_head(skb, u32 len, u64 flags)`
pub(super) fn change_head(call: &mut Call<'_>) -> Answer {
    let (len, flags) = (call.arg32(2), call.arg(3));
    let (skb, space) = call.skb()?;
    let most = MAX_GROWN.saturating_sub(skb.len());
    if flags != 0 || len > most {
        return errno(Err(Errno::EINVAL));
    }
    errno(match skb.push(space, len) {
        true => Ok(()),
        false => Err(Errno::ENOMEM),
    })
}

/// `u32 bpf_get_hash_recalc(skb)`: the hash that there is. Linux computes one that
/// is missing with a key of its own, which differs from boot to boot; here it stays
/// 0, as for packets that cannot be told apart.
pub(super) fn get_hash_recalc(call: &mut Call<'_>) -> Answer {
    let (skb, space) = call.skb()?;
    Ok(skb.get(space, field::HASH).into())
}

/// `long bpf_set_hash(skb, u32 hash)`
pub(super) fn set_hash(call: &mut Call<'_>) -> Answer {
    let hash = call.arg32(2);
    let (skb, space) = call.skb()?;
    skb.put(space, field::HASH, hash);
    errno(Ok(()))
}

/// `void bpf_set_hash_invalid(skb)`
pub(super) fn set_hash_invalid(call: &mut Call<'_>) -> Answer {
    let (skb, space) = call.skb()?;
    skb.put(space, field::HASH, 0);
    errno(Ok(()))
}

/// `long bpf_skb_vlan_push(skb, be16 proto, u16 tci)`: the tag goes beside the
/// frame, and the one that was there into it.
pub(super) fn vlan_push(call: &mut Call<'_>) -> Answer {
    let proto = match (call.arg32(2) as u16).to_le_bytes() {
        PROVIDER_VLAN => PROVIDER_VLAN,
        _ => VLAN,
    };
    let tci = call.arg32(3) as u16;
    let (skb, space) = call.skb()?;
    if let Some((outer, tci)) = skb.fields(space).vlan {
        let [high, low] = tci.to_be_bytes();
        let tag = [outer[0], outer[1], high, low];
        if !skb.insert(space, ETHER_TYPE, &tag) {
            return errno(Err(Errno::ENOMEM));
        }
        skb.put(space, field::PROTOCOL, u16::from_le_bytes(outer).into());
    }
    skb.set_vlan(space, Some((proto, tci)));
    errno(Ok(()))
}

/// `long bpf_skb_vlan_pop(skb)`: the tag beside the frame, or else that in it; the
/// next one in the frame comes beside it.
pub(super) fn vlan_pop(call: &mut Call<'_>) -> Answer {
    let (skb, space) = call.skb()?;
    if skb.fields(space).vlan.is_some() {
        skb.set_vlan(space, None);
    } else if let Some(Err(why)) = take_tag(skb, space).map(|taken| taken.map(drop)) {
        return errno(Err(why));
    }
    errno(match take_tag(skb, space) {
        Some(Ok(tag)) => {
            skb.set_vlan(space, Some(tag));
            Ok(())
        }
        Some(Err(why)) => Err(why),
        None => Ok(()),
    })
}

/// The outermost tag in the frame, which leaves it; nothing where there is none.
fn take_tag(skb: &mut SkBuff, space: &mut Space) -> Option<Result<([u8; 2], u16), Errno>> {
    let proto = skb.fields(space).protocol;
    if proto != VLAN && proto != PROVIDER_VLAN {
        return None;
    }
    let bytes = skb.frame(space).get(ETHER_TYPE as usize..);
    let tag = bytes.and_then(|bytes| bytes.first_chunk::<6>()).copied();
    let Some([.., high, low, first, second]) = tag else {
        return Some(Err(Errno::ENOMEM));
    };
    if !skb.remove(space, ETHER_TYPE, TAG) {
        return Some(Err(Errno::ENOMEM));
    }
    let inner = u16::from_le_bytes([first, second]);
    skb.put(space, field::PROTOCOL, inner.into());
    Some(Ok((proto, u16::from_be_bytes([high, low]))))
}
