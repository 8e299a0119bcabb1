//! Traffic that a particular program of the corpus is about.

use etherparse::{IcmpEchoHeader, Icmpv4Type, TcpHeader};

use super::layers::{Host, Path, host};
use super::trace::Trace;
use super::traffic::{self, CLIENT, SERVER, ack, payload, syn};

/// For `portknock`: sources that knock rightly, wrongly, partly, twice and in
/// turns with each other, each followed by a try at the guarded port.
pub(crate) fn portknock() -> Trace {
    let knock = |source: Host, port: u16| {
        Path::v4(source, SERVER).tcp(syn((30_000 + port % 1000, port), u32::from(port)), &[])
    };
    let mut trace = Trace::new();
    let mut knocks = |source: Host, ports: &[u16]| {
        for &port in ports {
            trace.push(knock(source, port));
        }
    };
    let (a, b, c, d) = (host(31), host(32), host(33), host(34));
    knocks(a, &[22, 7000, 8000, 9000, 7777, 22]);
    knocks(b, &[7000, 8000, 22, 9000, 7000, 7777, 22]);
    knocks(c, &[8000, 7000, 7000, 8000, 9000, 7777, 22]);
    // Two sources at once, and a known port between the knocks.
    for port in [7000, 8000, 9000, 7777, 22] {
        knocks(d, &[port]);
        knocks(b, &[port]);
        knocks(a, &[80]);
    }
    // Data of an admitted and of a refused source; not SYNs.
    for source in [a, host(35)] {
        let data = ack((30_022, 22), 2, 2);
        trace.push(Path::v4(source, SERVER).tcp(data, b"SSH-2.0-client\r\n"));
    }
    // Knocks over UDP and IPv6 do not count.
    trace.push(Path::v4(host(36), SERVER).udp((30_000, 7000), &[]));
    trace.push(Path::v6(a, SERVER).tcp(syn((30_000, 7000), 1), &[]));
    trace
}

/// The sequence number that `syncookie.bpf.c` answers a SYN with, as the bytes
/// on the wire read in little-endian order.
fn cookie(path: Path, ports: (u16, u16)) -> u32 {
    let port_word = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    let mut hash: u32 = 0x5eed_1e55;
    for word in [&path.from.v4[..], &path.to.v4[..], &port_word[..]] {
        let word: [u8; 4] = word.try_into().expect("four bytes each");
        hash ^= u32::from_le_bytes(word);
        hash = hash.wrapping_mul(0x9e37_79b1).rotate_left(13);
    }
    hash
}

/// For `syncookie`: a flood of SYNs from many sources; a few of them go on with
/// the right acknowledgment, others guess.
pub(crate) fn synflood() -> Trace {
    let mut trace = Trace::new();
    for n in 0..100u16 {
        let path = Path::v4(host(100 + (n % 100) as u8), SERVER);
        let ports = (20_000 + 7 * n, 80);
        let mut open = syn(ports, u32::from(n) * 1000);
        let mut body: &[u8] = &[];
        match n % 4 {
            1 => open.set_options_raw(&[2, 4, 5, 0xb4]).expect("4 bytes fit"),
            2 => body = b"data in the SYN",
            _ => {}
        }
        trace.push(path.tcp(open, body));
        if n % 10 == 3 {
            let right = u32::from_be(cookie(path, ports)).wrapping_add(1);
            let seq = u32::from(n) * 1000 + 1;
            trace.push(path.tcp(ack(ports, seq, right), &[]));
            let mut request: TcpHeader = ack(ports, seq, right);
            request.psh = true;
            trace.push(path.tcp(request, b"GET / HTTP/1.0\r\n\r\n"));
        }
        if n % 10 == 7 {
            trace.push(path.tcp(ack(ports, 1, 12_345), &[]));
        }
    }
    // Another port is not protected.
    trace.push(Path::v4(CLIENT, SERVER).tcp(syn((20_000, 443), 1), &[]));
    trace
}

/// For `ratelimit`: bursts, pauses of several lengths, and a steady stream just
/// below 100 packets per second.
pub(crate) fn bursts() -> Trace {
    const MILLISECOND: u64 = 1_000_000;
    let mut trace = Trace::new();
    let (loud, steady) = (Path::v4(host(40), SERVER), Path::v4(host(41), SERVER));
    let packet = |path: Path, n: u16| path.udp((41_000, 9_000), &payload(18, u32::from(n)));
    for (pause, count) in [(0, 15), (20, 4), (50, 8), (1_000, 20), (70_000, 12)] {
        trace.wait(pause * MILLISECOND);
        for n in 0..count {
            trace.push_after(1_001, packet(loud, n));
        }
    }
    for n in 0..30 {
        trace.push_after(11 * MILLISECOND, packet(steady, n));
        if n % 3 == 0 {
            trace.push_after(7, packet(loud, n));
        }
    }
    trace
}

/// For `strings`: UDP payloads that begin with words and numbers.
pub(crate) fn words() -> Trace {
    let words = [
        "drop",
        "pass",
        "lost",
        "DROP",
        "dro",
        "0",
        "1",
        "2",
        "3",
        "4",
        "12345",
        " 7",
        "-1",
        "+1",
        "0x2",
        "08",
        "no c",
        "no b",
        "no d",
        "~~~~",
        "",
        "a",
        "\u{0}\u{0}\u{0}\u{0}",
        "9 of",
        "99999999999",
    ];
    let path = Path::v4(CLIENT, SERVER);
    Trace::of(words.map(|word| path.udp((42_200, 5_000), word.as_bytes())))
}

/// Packets whose captured part is shorter than they were, cut at each layer.
pub(crate) fn snaplen() -> Trace {
    let mut trace = Trace::new();
    let echo = Icmpv4Type::EchoRequest(IcmpEchoHeader { id: 1, seq: 1 });
    let path = Path::v4(CLIENT, SERVER);
    let frames = [
        path.udp((42_000, 5_000), &payload(1200, 1)),
        path.tcp(ack((42_001, 80), 1, 1), &payload(1200, 2)),
        path.icmpv4(echo, &payload(1200, 3)),
        Path::v6(CLIENT, SERVER).udp((42_002, 5_000), &payload(1200, 4)),
    ];
    for snaplen in [14, 20, 34, 36, 42, 54, 60, 64, 68, 96, 128, 256] {
        for frame in &frames {
            trace.push_cut(frame.clone(), snaplen);
        }
    }
    trace.extend(traffic::small_mix());
    trace
}
