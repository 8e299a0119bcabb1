//! What surrounds a packet, from Rust: time and its timers, what a device knows,
//! sockets, commands of user space.

#![allow(clippy::unwrap_used, reason = "a test says so and ends")]

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use scenario::{Hints, Protocol, Setup, Socket, XdpAction, packet};
use serde_json::json;

fn object(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../corpus/{name}.bpf.o"))
}

#[test]
fn timers_run_when_time_passes() {
    let mut fixture = Setup::object(object("scenarios/idle")).start().unwrap();
    let guest = Ipv4Addr::new(192, 0, 2, 1);
    fixture
        .send(&packet!("eth / ip src={guest} / udp"))
        .unwrap();
    fixture.advance(Duration::from_secs(29)).unwrap();
    assert_eq!(fixture.map("guests").unwrap().entries().len(), 1);
    fixture.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(fixture.map("guests").unwrap().entries().len(), 0);

    let gone: Vec<serde_json::Value> = fixture.events("farewells", "struct gone").unwrap();
    let who = u32::from_le_bytes(guest.octets());
    assert_eq!(
        gone,
        [json!({"who": who, "packets": 1, "when": 30_000_000_000_u64})]
    );
}

#[test]
fn a_device_and_a_socket() {
    let setup = Setup::object(object("scenarios/hints")).af_xdp("sockets", 0);
    let mut fixture = setup.start().unwrap();
    let query = packet!("eth / ip / udp dport=53");
    fixture.set_hints(Hints {
        timestamp: Some(7),
        hash: Some((0xfeed, 25)),
        vlan: Some((0x88a8, 9)),
    });
    let sent = fixture.send(&query).unwrap();
    sent.assert_action(XdpAction::Redirect);
    let [stamp @ .., _, _, _, _] = &sent.fate.metadata[..] else {
        panic!("no metadata");
    };
    assert_eq!(stamp[..8], 7_u64.to_le_bytes());
    assert_eq!(stamp[16..], [0x88, 0xa8, 9, 0]);
    assert_eq!(fixture.received("sockets", 0).unwrap(), [query]);
    assert_eq!(fixture.received("sockets", 0).unwrap(), [[0_u8; 0]; 0]);
}

#[test]
fn sockets_that_programs_look_up() {
    let socket = Socket::listening(Protocol::Tcp, "192.0.2.1:80".parse().unwrap());
    let setup = Setup::object(object("scenarios/listeners")).socket(socket);
    let mut fixture = setup.start().unwrap();
    let mut answer = |port: u16| {
        let syn = packet!("eth / ip dst=192.0.2.1 / tcp dport={port} flags=S");
        fixture.send(&syn).unwrap().action()
    };
    assert_eq!(answer(80), XdpAction::Pass);
    assert_eq!(answer(81), XdpAction::Drop);
}

#[test]
fn commands_of_user_space() {
    let mut fixture = Setup::object(object("scenarios/commands")).start().unwrap();
    let mut commands = fixture.map("commands").unwrap();
    commands
        .push("struct command", json!({"verb": "BLOCK", "port": 80}))
        .unwrap();
    commands.push_bytes(&[0; 3]).unwrap();
    let error = commands.push_bytes(&[0; 4096]).unwrap_err();
    assert_eq!(error.to_string(), "the map refuses it: E2BIG");
    let web = packet!("eth / ip / tcp dport=80 flags=S");
    fixture.send(&web).unwrap().assert_action(XdpAction::Drop);
    assert_eq!(fixture.global::<u64>("obeyed").unwrap(), 1);
    assert_eq!(fixture.global::<u64>("not_understood").unwrap(), 1);
    let error = fixture
        .map("blocked")
        .unwrap()
        .push_bytes(&[0])
        .unwrap_err();
    assert_eq!(error.to_string(), "the map refuses it: EINVAL");
}

#[test]
fn functions_that_are_replaced() {
    let packet = packet!("eth / ip src=192.0.2.1 / udp");
    let setup = Setup::object(object("scenarios/policy")).program("filter");
    let mut original = setup.clone().start().unwrap();
    original
        .send(&packet)
        .unwrap()
        .assert_action(XdpAction::Pass);

    let setup = setup.with_object("stricter", object("scenarios/stricter"));
    let mut replaced = setup.replace("filter:policy", "strict").start().unwrap();
    replaced
        .send(&packet)
        .unwrap()
        .assert_action(XdpAction::Drop);
    let refused = replaced.map("refused").unwrap().get::<u64>(0xc000_0201_u32);
    assert_eq!(refused.unwrap(), Some(1));
}
