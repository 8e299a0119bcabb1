//! `bpf_fib_lookup` and `bpf_check_mtu` in a network of five devices.

use serde_json::Value;
use vm::packet::Input;
use vm::world::{Device, Neighbour, Network, Prefix, Route, RouteKind};

use crate::bench::{Bench, hex, rows};

#[test]
fn fib_lookup_answers_as_linux() {
    let mut bench = bench();
    let ctx = receive(&mut bench, 64);
    let mut wrong = Vec::new();
    for row in rows(include_str!("../data/fib_lookup.jsonl")) {
        bench.clear();
        let mut params = hex(&row["in"]);
        params.resize(72, 0);
        let params = bench.put(&params);
        let number = |name: &str| row[name].as_u64().expect("a number");
        let args = [ctx, params, number("plen"), number("flags")];
        let ret = bench.call("bpf_fib_lookup", &args).map(|r| r as i64);
        let out = bench.get(params, 64);
        if ret != Ok(row["ret"].as_i64().expect("ret")) || out != hex(&row["out"]) {
            let out: String = out.iter().map(|b| format!("{b:02x}")).collect();
            wrong.push(format!("{row}\n{ret:?} {out}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn check_mtu_answers_as_linux() {
    let mut bench = bench();
    for row in rows(include_str!("../data/check_mtu.jsonl")) {
        bench.clear();
        let number = |name: &str| row[name].as_u64().expect("a number");
        let ctx = receive(&mut bench, number("len") as usize);
        let len = bench.put(&(number("mtu_len") as u32).to_le_bytes());
        let diff = row["diff"].as_i64().expect("diff") as u64;
        let args = [ctx, number("ifindex"), len, diff, number("flags")];
        let ret = bench.call("bpf_check_mtu", &args).map(|r| r as i64);
        assert_eq!(ret, Ok(row["ret"].as_i64().expect("ret")), "{row}");
        assert_eq!(
            bench.get(len, 4),
            (number("out") as u32).to_le_bytes(),
            "{row}"
        );
    }
}

#[test]
fn an_empty_network_has_no_devices() {
    let mut bench = Bench::new();
    let ctx = receive(&mut bench, 64);
    let mut params = [0; 64];
    params[0] = 2;
    let params = bench.put(&params);
    let ret = bench.call("bpf_fib_lookup", &[ctx, params, 64, 0]);
    assert_eq!(ret, Ok(abi::Errno::ENODEV.to_ret()));
}

fn receive(bench: &mut Bench, len: usize) -> u64 {
    let data = vec![0; len];
    let input = Input {
        data: &data,
        ingress_ifindex: 1,
        ..Input::default()
    };
    bench.machine.receive(&input).expect("a packet").to_reg()
}

fn bench() -> Bench {
    let file = include_str!("../data/network.json");
    let mut bench = Bench::new();
    bench.machine.world.network = network(&serde_json::from_str(file).expect("JSON"));
    bench
}

/// The network that the answers were measured in.
fn network(file: &Value) -> Network {
    let list = |name: &str| file[name].as_array().expect("an array").iter();
    let mut devices: Vec<Device> = list("devices").map(device).collect();
    devices.insert(
        0,
        Device {
            ifindex: 1,
            name: "lo".into(),
            mtu: 65536,
            forwarding: false,
            ..Device::default()
        },
    );
    let index = |value: &Value| {
        let name = value["device"].as_str();
        let device = devices.iter().find(|d| Some(&*d.name) == name);
        device.map_or(0, |d| d.ifindex)
    };
    let routes = list("routes").map(|r| route(r, index(r))).collect();
    let neighbours = list("neighbours")
        .map(|n| Neighbour {
            device: index(n),
            address: text(n, "address").parse().expect("an address"),
            mac: mac(text(n, "mac")),
        })
        .collect();
    Network {
        devices,
        routes,
        neighbours,
        ..Network::default()
    }
}

fn device(value: &Value) -> Device {
    let addresses = value["addresses"].as_array().expect("an array");
    Device {
        ifindex: value["ifindex"].as_u64().expect("an index") as u32,
        name: text(value, "name").into(),
        mac: mac(text(value, "mac")),
        mtu: value["mtu"].as_u64().expect("a size") as u32,
        up: value["up"].as_bool().unwrap_or(true),
        forwarding: value["forwarding"].as_bool().expect("a flag"),
        addresses: addresses
            .iter()
            .map(|a| prefix(a.as_str().expect("text")))
            .collect(),
        vlan: None,
    }
}

fn route(value: &Value, device: u32) -> Route {
    let address = |name: &str| value[name].as_str().map(|a| a.parse().expect("an address"));
    let number = |name: &str, default| value[name].as_u64().map_or(default, |n| n as u32);
    Route {
        destination: prefix(text(value, "destination")),
        kind: match value["kind"].as_str() {
            None => RouteKind::Unicast,
            Some("blackhole") => RouteKind::Blackhole,
            Some("unreachable") => RouteKind::Unreachable,
            Some("prohibit") => RouteKind::Prohibit,
            Some(other) => panic!("{other}"),
        },
        via: address("via"),
        device,
        source: address("source"),
        metric: number("metric", 0),
        mtu: number("mtu", 0),
        table: number("table", 254),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().expect("text")
}

fn prefix(text: &str) -> Prefix {
    let (address, len) = text.split_once('/').expect("a prefix");
    Prefix {
        address: address.parse().expect("an address"),
        len: len.parse().expect("a length"),
    }
}

fn mac(text: &str) -> [u8; 6] {
    let bytes: Vec<u8> = text
        .split(':')
        .map(|b| u8::from_str_radix(b, 16).expect("hex"))
        .collect();
    bytes.try_into().expect("six bytes")
}
