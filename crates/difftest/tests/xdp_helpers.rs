//! Helpers of XDP whose answers depend on what is around: sockets, timers, the
//! task. The simulator and the kernel return the same.
#![cfg(target_os = "linux")]

mod support;

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use difftest::families::kfuncs::subject;
use difftest::{Answer, Interpreter, Question, Session, Subject};
use support::{look_up, open, put};
use vm::world::{Protocol, Socket};

/// Words that a program keeps.
const RESULTS: usize = 64;

fn results(session: &mut dyn Session, map: usize) -> Vec<i64> {
    let answer = session.ask(&Question::packet(&[0; 14]));
    let fine = matches!(&answer, Ok(Answer::Ran(ran)) if ran.end.is_ok());
    assert!(fine, "{answer:?}");
    let bytes = look_up(session, map);
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| i64::from_le_bytes(*word)).collect()
}

/// Both parties, each with the subject.
fn both(subject: &Subject) -> Option<[Box<dyn Session>; 2]> {
    let mut linux = support::linux()?;
    Some([open(&mut Interpreter, subject), open(&mut linux, subject)])
}

/// Calls of helpers, each of which leaves what it returns.
struct Calls {
    text: String,
    count: usize,
}

impl Calls {
    fn keep(&mut self, register: &str) {
        let _ = writeln!(self.text, "*(u64 *)(r9 +{}) = {register}", 8 * self.count);
        self.count += 1;
        assert!(self.count <= RESULTS);
    }

    fn call(&mut self, name: &str, args: &[&str]) {
        for (n, arg) in (1..).zip(args) {
            let _ = writeln!(self.text, "r{n} = {arg}");
        }
        let _ = writeln!(self.text, "call {name}");
        self.keep("r0");
    }
}

#[test]
fn the_task() {
    let mut calls = Calls {
        text: format!(
            "; type: xdp\n; map: results array key 4 value {} entries 1\n\
             r9 = map[results]+0\nr8 = r10\nr8 += -48\n",
            8 * RESULTS
        ),
        count: 0,
    };
    for (size, flags) in [("24", "0"), ("24", "1"), ("48", "0")] {
        calls.call("bpf_get_branch_snapshot", &["r8", size, flags]);
    }
    for (device, inode, size) in [("0", "0", "8"), ("0", "0", "4"), ("-1", "7", "8")] {
        calls.text += "*(u64 *)(r10 -48) = -1\n";
        calls.call("bpf_get_ns_current_pid_tgid", &[device, inode, "r8", size]);
        calls.text += "r1 = *(u64 *)(r10 -48)\n";
        calls.keep("r1");
    }
    calls.call("bpf_get_cgroup_classid", &[]);
    for level in ["100", "-1"] {
        calls.call("bpf_get_current_ancestor_cgroup_id", &[level]);
    }
    let subject = subject("task", &(calls.text + "r0 = 2\nexit\n"));
    let Some([mut ours, mut theirs]) = both(&subject) else {
        return;
    };
    assert_eq!(results(&mut *ours, 0), results(&mut *theirs, 0));
}

#[test]
fn timers() {
    let mut calls = Calls {
        text: format!(
            "; type: xdp\n\
             ; types: struct elem {{ struct bpf_timer t; u64 n; u64 key; }};\n\
             ; map: m array key 4 value 32 entries 3 value_type elem\n\
             ; map: results array key 4 value {} entries 1\n\
             ; func: int main(struct xdp_md *ctx)\n\
             ; func: static int cb(void *map, int *key, void *value)\n\
             r9 = map[results]+0\n\
             *(u32 *)(r10 -4) = 2\n\
             r2 = r10\n\
             r2 += -4\n\
             r1 = map[m]\n\
             call bpf_map_lookup_elem\n\
             if r0 == 0 goto out\n\
             r6 = r0\n",
            8 * RESULTS
        ),
        count: 0,
    };
    for at in [16, 24] {
        let _ = writeln!(calls.text, "r1 = *(u64 *)(r6 +{at})");
        calls.keep("r1");
    }
    let callback = |calls: &mut Calls| {
        calls.call("bpf_timer_set_callback", &["r6", "subprog[cb]"]);
    };
    let start = |calls: &mut Calls, flags| {
        calls.call("bpf_timer_start", &["r6", "0x10000000000", flags]);
    };
    start(&mut calls, "0");
    callback(&mut calls);
    calls.call("bpf_timer_cancel", &["r6"]);
    for flags in ["2", "16", "8", "1", "0"] {
        calls.call("bpf_timer_init", &["r6", "map[m]", flags]);
    }
    start(&mut calls, "0");
    calls.call("bpf_timer_cancel", &["r6"]);
    callback(&mut calls);
    start(&mut calls, "4");
    start(&mut calls, "0");
    start(&mut calls, "2");
    calls.call("bpf_timer_cancel", &["r6"]);
    calls.call("bpf_timer_cancel", &["r6"]);
    start(&mut calls, "0");
    callback(&mut calls);
    calls.call("bpf_timer_start", &["r6", "0", "0"]);
    let end = "out: r0 = 2\nexit\n\
               cb: r1 = *(u64 *)(r3 +16)\n\
               r1 += 1\n\
               *(u64 *)(r3 +16) = r1\n\
               r1 = *(u32 *)(r2 +0)\n\
               *(u64 *)(r3 +24) = r1\n\
               r0 = 0\nexit\n";
    let subject = subject("timers", &(calls.text + end));
    let Some([mut ours, mut theirs]) = both(&subject) else {
        return;
    };
    for run in 0..3 {
        let (ours, theirs) = (results(&mut *ours, 1), results(&mut *theirs, 1));
        assert_eq!(ours, theirs, "{run}");
        assert_eq!(ours[0], run, "the callback has run once between runs");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sockets() {
    let mut calls = Calls {
        text: format!(
            "; type: xdp\n; map: input array key 4 value 64 entries 1\n\
             ; map: results array key 4 value {} entries 1\n\
             r6 = r1\nr7 = map[input]+0\nr9 = map[results]+0\n",
            8 * RESULTS
        ),
        count: 0,
    };
    let full = [
        "u32 4", "u32 8", "u32 12", "u32 24", "u32 44", "u16 48", "u32 52", "u32 72",
    ];
    let common = ["u32 4", "u32 24", "u32 44", "u16 48", "u32 52", "u32 72"];
    let lookups: [(&str, &[&str]); 3] = [
        ("bpf_sk_lookup_tcp", &full),
        ("bpf_sk_lookup_udp", &full),
        ("bpf_skc_lookup_tcp", &common),
    ];
    for (name, fields) in lookups {
        for (n, arg) in ["r6", "r7", "12", "*(u64 *)(r7 +48)", "*(u64 *)(r7 +56)"]
            .iter()
            .enumerate()
        {
            let _ = writeln!(calls.text, "r{} = {arg}", n + 1);
        }
        let _ = writeln!(calls.text, "call {name}\nr8 = r0");
        let first = calls.count;
        for _ in 0..=fields.len() {
            calls.text += "r1 = -1\n";
            calls.keep("r1");
        }
        let _ = writeln!(calls.text, "if r8 == 0 goto none_{first}");
        calls.count = first;
        for field in fields {
            let (size, at) = field.split_once(' ').expect("a field");
            let _ = writeln!(calls.text, "r1 = *({size} *)(r8 +{at})");
            calls.keep("r1");
        }
        calls.call("bpf_sk_release", &["r8"]);
        let _ = writeln!(calls.text, "none_{first}:");
    }
    let mut subject = subject("sockets", &(calls.text + "r0 = 2\nexit\n"));

    let any = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let Ok(listener) = TcpListener::bind(any(0)) else {
        return kernel::testing::skip("no loopback").unwrap_or_default();
    };
    let listens = listener.local_addr().expect("an address");
    let client = TcpStream::connect(listens).expect("a connection");
    let (_server, from) = listener.accept().expect("a connection");
    let all = TcpListener::bind("0.0.0.0:0").expect("a socket");
    let all = all
        .local_addr()
        .map(|addr| (all, addr))
        .expect("an address");
    let udp = UdpSocket::bind(any(0)).expect("a socket");
    let peer = UdpSocket::bind(any(0)).expect("a socket");
    let (udp_at, peer_at) = (udp.local_addr(), peer.local_addr());
    let (udp_at, peer_at) = (udp_at.expect("an address"), peer_at.expect("an address"));
    peer.connect(udp_at).expect("a connection");
    subject.network.sockets = vec![
        Socket::listening(Protocol::Tcp, listens),
        Socket::listening(Protocol::Tcp, from).connected(listens),
        Socket::listening(Protocol::Tcp, listens).connected(from),
        Socket::listening(Protocol::Tcp, all.1),
        Socket::listening(Protocol::Udp, udp_at),
        Socket::listening(Protocol::Udp, peer_at).connected(udp_at),
    ];
    let Some([mut ours, mut theirs]) = both(&subject) else {
        return;
    };
    let ends = [listens, from, any(all.1.port()), udp_at, peer_at, any(1)];
    let mut found = 0;
    for sender in ends {
        for receiver in ends {
            for (netns, flags) in [
                (-1i64, 0u64),
                (0xffff_ffff, 0),
                (0, 0),
                (-1, 1),
                (1 << 40, 0),
            ] {
                let mut input = Vec::new();
                for end in [sender, receiver] {
                    match end.ip() {
                        IpAddr::V4(ip) => input.extend(ip.octets()),
                        IpAddr::V6(ip) => input.extend(ip.octets()),
                    }
                }
                input.extend(sender.port().to_be_bytes());
                input.extend(receiver.port().to_be_bytes());
                input.resize(48, 0);
                input.extend(netns.to_le_bytes());
                input.extend(flags.to_le_bytes());
                put(&mut *ours, 0, &input);
                put(&mut *theirs, 0, &input);
                let (ours, theirs) = (results(&mut *ours, 1), results(&mut *theirs, 1));
                let what = format!("{sender} to {receiver}, {netns} {flags}");
                assert_eq!(ours, theirs, "{what}");
                found += ours.iter().filter(|word| **word > 0).count();
            }
        }
    }
    assert!(found > 100, "{found}");
    drop(client);
}

#[test]
fn rings_of_user_space() {
    let mut calls = Calls {
        text: format!(
            "; type: xdp\n; map: ring user_ringbuf key 0 value 0 entries 4096\n\
             ; map: results array key 4 value {} entries 1\n\
             ; types: struct bpf_dynptr {{ u64 a; u64 b; }};\n\
             ; func: int main(struct xdp_md *ctx)\n\
             ; func: static int cb(struct bpf_dynptr *dynptr, void *ctx)\n\
             r9 = map[results]+0\n",
            8 * RESULTS
        ),
        count: 0,
    };
    for flags in ["0", "1", "2", "3", "4", "-1"] {
        calls.call(
            "bpf_user_ringbuf_drain",
            &["map[ring]", "subprog[cb]", "0", flags],
        );
    }
    let end = "r0 = 2\nexit\ncb: r0 = 0\nexit\n";
    let subject = subject("rings of user space", &(calls.text + end));
    let Some([mut ours, mut theirs]) = both(&subject) else {
        return;
    };
    assert_eq!(results(&mut *ours, 1), results(&mut *theirs, 1));
}
