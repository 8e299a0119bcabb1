//! Frames that no honest host sends: each says what is wrong with it by the
//! function or the comment that makes it.

use super::layers::{Path, tagged};
use super::traffic::{self, CLIENT, SERVER, ack, payload, syn};

const ETHERNET: usize = 14;

/// `frame` with `bytes` written over it at `offset`.
fn with(frame: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = frame.to_vec();
    changed[offset..offset + bytes.len()].copy_from_slice(bytes);
    changed
}

/// Headers that lie, and frames that end inside a header. All have 14 bytes or more.
pub(crate) fn malformed() -> Vec<Vec<u8>> {
    let v4 = Path::v4(CLIENT, SERVER);
    let v6 = Path::v6(CLIENT, SERVER);
    let tcp4 = v4.tcp(ack((40_000, 80), 1, 1), b"0123456789abcdef");
    let udp4 = v4.udp((40_001, 53), b"0123456789abcdef");
    let tcp6 = v6.tcp(ack((40_002, 80), 1, 1), b"0123456789abcdef");
    let udp6 = v6.udp((40_003, 53), b"0123456789abcdef");
    let (ip, tcp, udp6_at) = (ETHERNET, ETHERNET + 20, ETHERNET + 40);

    let mut frames = vec![
        // IPv4: version, header length below five words, beyond the packet.
        with(&tcp4, ip, &[0x55]),
        with(&tcp4, ip, &[0x40]),
        with(&tcp4, ip, &[0x44]),
        with(&tcp4, ip, &[0x4f]),
        with(&udp4, ip, &[0x4f]),
        // IPv4: total length zero, below the header, beyond the packet, shorter.
        with(&tcp4, ip + 2, &[0, 0]),
        with(&tcp4, ip + 2, &[0, 19]),
        with(&tcp4, ip + 2, &[0xff, 0xff]),
        with(&tcp4, ip + 2, &[0, 40]),
        // IPv4: wrong checksum, no time to live, reserved flag, unknown protocol.
        with(&tcp4, ip + 10, &[0xde, 0xad]),
        with(&tcp4, ip + 8, &[0]),
        with(&tcp4, ip + 6, &[0x80, 0]),
        with(&tcp4, ip + 9, &[254]),
        // IPv4: same source and destination; source 255.255.255.255.
        with(&tcp4, ip + 12, &SERVER.v4),
        with(&tcp4, ip + 12, &[0xff; 4]),
        // TCP: data offset below five words, beyond the packet; no flags, all flags.
        with(&tcp4, tcp + 12, &[0x00]),
        with(&tcp4, tcp + 12, &[0x40]),
        with(&tcp4, tcp + 12, &[0xf0]),
        with(&tcp4, tcp + 13, &[0x00]),
        with(&tcp4, tcp + 13, &[0xff]),
        // TCP and UDP: port zero.
        with(&tcp4, tcp, &[0, 0, 0, 0]),
        with(&udp4, tcp, &[0, 0, 0, 0]),
        // UDP: length zero, below the header, beyond the packet.
        with(&udp4, tcp + 4, &[0, 0]),
        with(&udp4, tcp + 4, &[0, 7]),
        with(&udp4, tcp + 4, &[0xff, 0xff]),
        // IPv6: version, payload length zero, beyond the packet, and extension
        // headers that are not there or run past the end.
        with(&tcp6, ip, &[0x40]),
        with(&tcp6, ip + 4, &[0, 0]),
        with(&tcp6, ip + 4, &[0xff, 0xff]),
        with(&udp6, ip + 6, &[60]),
        with(&with(&udp6, ip + 6, &[0]), udp6_at, &[17, 255]),
        with(&with(&udp6, ip + 6, &[44]), udp6_at, &[17, 0, 0xff, 0xff]),
        // Ethertypes that do not fit what follows: each IP as the other, a length
        // (802.3), a tag before nothing.
        with(&tcp4, 12, &[0x86, 0xdd]),
        with(&tcp6, 12, &[0x08, 0x00]),
        with(&tcp4, 12, &[0x00, 0x2e]),
        with(&tcp4, 12, &[0x81, 0x00])[..16].to_vec(),
        // A TCP option whose length is zero, and one that runs past the header.
        with(&syn_with_options(&[2, 0, 5, 180]), tcp + 12, &[0x60]),
        with(&syn_with_options(&[2, 40, 5, 180]), tcp + 12, &[0x60]),
    ];
    frames.extend(cuts(&tcp4, &[14, 15, 18, 33, 34, 35, 40, 53, 54, 55]));
    frames.extend(cuts(&udp4, &[34, 37, 41, 42, 43]));
    frames.extend(cuts(&tcp6, &[14, 20, 53, 54, 60, 73, 74]));
    frames.extend(cuts(&udp6, &[54, 58, 61, 62]));
    frames.extend(cuts(&traffic::arp()[0], &[14, 16, 21, 22, 41, 42]));
    frames.extend(cuts(&traffic::icmp()[0], &[34, 35, 38, 41, 42]));
    frames.extend(cuts(
        &tagged(&tcp4, 5, 0, false),
        &[14, 16, 17, 18, 19, 37, 38],
    ));
    frames.extend(dns_lies());
    // Nothing but rubbish behind Ethernet.
    for seed in 0..8 {
        let mut rubbish = v4.ethernet(etherparse::EtherType::IPV4, &payload(50, seed));
        rubbish[ETHERNET] = if seed % 2 == 0 { 0x45 } else { 0x4a };
        frames.push(rubbish);
    }
    frames
}

/// Frames of 14 to 20 bytes, and some that are shorter than an Ethernet header.
pub(crate) fn runts() -> Vec<Vec<u8>> {
    let whole = Path::v4(CLIENT, SERVER).udp((40_001, 53), b"");
    cuts(&whole, &[14, 13, 15, 12, 16, 6, 17, 1, 18, 0, 19, 20])
}

/// The frame, ending at each of the lengths.
fn cuts(frame: &[u8], lengths: &[usize]) -> Vec<Vec<u8>> {
    let cut = |&length: &usize| frame[..length.min(frame.len())].to_vec();
    lengths.iter().map(cut).collect()
}

fn syn_with_options(options: &[u8; 4]) -> Vec<u8> {
    let path = Path::v4(CLIENT, SERVER);
    let mut segment = syn((40_010, 80), 1);
    // Written over padding, since the builder refuses what is malformed.
    segment.set_options_raw(&[1, 1, 1, 1]).expect("4 bytes fit");
    with(&path.tcp(segment, &[]), ETHERNET + 40, options)
}

/// DNS questions whose labels run past the end, point to themselves, never end.
fn dns_lies() -> Vec<Vec<u8>> {
    let header = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let names: [&[u8]; 4] = [
        &[63, b'a', b'b'],
        &[0xc0, 0x0c],
        &[1; 300],
        &[3, b'w', b'w', b'w'],
    ];
    let path = Path::v4(CLIENT, SERVER);
    let question = |name: &[u8]| path.udp((53_000, 53), &[&header[..], name].concat());
    names.into_iter().map(question).collect()
}
