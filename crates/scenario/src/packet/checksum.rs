//! The Internet checksum (RFC 1071), and what each protocol sums.

use super::layer::Id;

/// The checksum of `bytes`; an odd one at the end counts as if a zero followed.
pub(super) fn internet(bytes: &[u8]) -> u16 {
    let mut sum = 0u64;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u64::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The addresses of the network layer that a transport layer is summed with:
/// source and destination.
#[derive(Clone, Debug)]
pub(super) struct Addresses(pub(super) Vec<u8>);

impl Addresses {
    /// From the header of an IPv4 or IPv6 packet.
    pub(super) fn of(id: Id, header: &[u8]) -> Option<Addresses> {
        let range = match id {
            Id::Ip => 12..20,
            Id::Ip6 => 8..40,
            _ => return None,
        };
        header.get(range).map(|bytes| Addresses(bytes.to_vec()))
    }
}

/// What the checksum of a layer should be: of its header and all behind it, with
/// the field itself counted as zero. `None` for layers without one, and where
/// the addresses are missing.
pub(super) fn expected(
    id: Id,
    header: &[u8],
    behind: &[u8],
    addresses: Option<&Addresses>,
) -> Option<u16> {
    let (at, protocol) = match id {
        Id::Ip => (10, None),
        Id::Icmp => (2, None),
        Id::Icmp6 => (2, Some(58)),
        Id::Tcp => (16, Some(6)),
        Id::Udp => (6, Some(17)),
        _ => return None,
    };
    let mut summed = Vec::new();
    if let Some(protocol) = protocol {
        summed.extend_from_slice(&addresses?.0);
        summed.extend(((header.len() + behind.len()) as u32).to_be_bytes());
        summed.extend([0, 0, 0, protocol]);
    }
    let field = summed.len() + at;
    summed.extend_from_slice(header);
    summed.get_mut(field..field + 2)?.fill(0);
    if id != Id::Ip {
        summed.extend_from_slice(behind);
    }
    let sum = internet(&summed);
    // Zero would mean that there is none (RFC 768).
    Some(if id == Id::Udp && sum == 0 {
        0xffff
    } else {
        sum
    })
}
