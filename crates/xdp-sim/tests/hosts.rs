//! Hosts and topologies: who runs, who receives, who does not.

#![allow(clippy::unwrap_used, reason = "a test says so and ends")]

use std::path::{Path, PathBuf};

use serde_json::json;
use vm::World;
use vm::world::{Cpu, Device};
use xdp_sim::{
    Destination, End, Error, Host, InterfaceId, Lost, ObjectId, RunConfig, Topology, XdpAction,
};

fn corpus(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpus")
        .join(path)
}

fn programs(object: &str) -> Vec<abi::Program> {
    let bytes = std::fs::read(corpus(&format!("objects/{object}.bpf.o"))).unwrap();
    let object = loader::Object::parse(&bytes, &Default::default()).unwrap();
    object.programs().unwrap()
}

/// A host with interfaces eth0, eth1, … from index 2 on.
fn host(interfaces: u32, cpus: u32) -> Host {
    let world = World {
        cpu: Cpu {
            count: cpus,
            ..Cpu::default()
        },
        ..World::default()
    };
    let mut host = Host::new(world, None).unwrap();
    for number in 0..interfaces {
        let device = Device {
            ifindex: number + 2,
            name: format!("eth{number}"),
            ..Device::default()
        };
        host.add_interface(device, 2).unwrap();
    }
    host
}

fn fill(host: &mut Host, map: &str, entries: &serde_json::Value) {
    let map = host.map_named(map).unwrap();
    host.fill_map(map, entries).unwrap();
}

/// A UDP packet to this address, from a hardware address that ends so.
fn udp(to: [u8; 4], source: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, source, 8, 0];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1]);
    frame.extend(to);
    frame.extend([0, 53, 0, 53, 0, 8, 0, 0]);
    frame.resize(60, 0);
    frame
}

const ETH0: InterfaceId = InterfaceId(0);

fn devmap_host() -> (Host, ObjectId) {
    let mut host = host(4, 1);
    let object = host.load(&programs("devmap"), &["to_port"]).unwrap();
    let ports = json!([
        {"key": 1, "value": {"ifindex": 3, "prog": "egress"}},
        {"key": 2, "value": {"ifindex": 4}},
        {"key": 3, "value": {"ifindex": 2}},
    ]);
    fill(&mut host, "ports", &ports);
    (host, object)
}

fn to(host: &mut Host, packet: &[u8]) -> (Vec<Destination>, Option<Lost>) {
    let outcome = host.receive(ETH0, 0, packet).unwrap().unwrap();
    let places = outcome.deliveries.iter().map(|d| d.to).collect();
    (places, outcome.lost)
}

#[test]
fn devmap_with_second_programs_and_devices_that_do_not_send() {
    let (mut host, object) = devmap_host();
    host.attach(ETH0, object, "to_port").unwrap();
    let egress = host.program_named(object, "egress").unwrap();
    let one = udp([10, 0, 0, 1], 1);
    let outcome = host.receive(ETH0, 0, &one).unwrap().unwrap();
    assert_eq!(outcome.deliveries[0].to, Destination::Device(3));
    assert_eq!(outcome.deliveries[0].second, Some(egress));
    assert_eq!(outcome.ran.len(), 2);
    // The second program refuses one source.
    let refused = udp([10, 0, 0, 1], 66);
    assert_eq!(
        to(&mut host, &refused),
        (vec![], Some(Lost::Second(egress)))
    );

    let mut big = udp([10, 0, 0, 2], 1);
    big.resize(1518, 0);
    assert_eq!(to(&mut host, &big), (vec![Destination::Device(4)], None));
    big.push(0);
    let (len, limit) = (1519, 1518);
    assert_eq!(
        to(&mut host, &big),
        (vec![], Some(Lost::TooLong { len, limit }))
    );
    let devices = &mut host.machine_mut().world.network.devices;
    devices
        .iter_mut()
        .for_each(|device| device.up = device.ifindex != 4);
    let two = udp([10, 0, 0, 2], 1);
    assert_eq!(to(&mut host, &two), (vec![], Some(Lost::Down(4))));
}

#[test]
fn broadcast_leaves_out_where_it_came_from_and_what_is_down() {
    let (mut host, object) = devmap_host();
    host.attach(ETH0, object, "flood").unwrap();
    let packet = udp([10, 0, 0, 1], 1);
    let all = vec![Destination::Device(3), Destination::Device(4)];
    assert_eq!(to(&mut host, &packet), (all, None));
    let devices = &mut host.machine_mut().world.network.devices;
    devices
        .iter_mut()
        .for_each(|device| device.up = device.ifindex != 3);
    assert_eq!(to(&mut host, &packet), (vec![Destination::Device(4)], None));
}

#[test]
fn several_objects_each_on_its_interface() {
    let mut host = host(2, 1);
    let drop = host.load(&programs("filter_drop"), &[]).unwrap();
    let pass = host.load(&programs("filter_pass"), &[]).unwrap();
    let name = |host: &Host, object| {
        let (_, name) = host.programs(object).next().unwrap();
        name.to_owned()
    };
    let (first, second) = (name(&host, drop), name(&host, pass));
    host.attach(ETH0, drop, &first).unwrap();
    host.attach(InterfaceId(1), pass, &second).unwrap();
    let packet = udp([10, 0, 0, 1], 1);
    let mut action = |interface| {
        let outcome = host.receive(interface, 0, &packet).unwrap();
        outcome.unwrap().action
    };
    let both = (action(ETH0), action(InterfaceId(1)));
    assert_ne!(both.0, both.1, "{both:?}");
    let busy = host.attach(ETH0, pass, &second).unwrap_err();
    assert!(matches!(busy, Error::Busy { .. }), "{busy}");
}

#[test]
fn a_program_of_a_cpumap_runs_on_that_cpu() {
    let mut host = host(1, 4);
    let object = host.load(&programs("cpumap"), &["spread"]).unwrap();
    let entries = json!([
        {"key": 0, "value": {"qsize": 64, "prog": "on_cpu"}},
        {"key": 1, "value": {"qsize": 64, "prog": "on_cpu"}},
    ]);
    fill(&mut host, "cpu_queues", &entries);
    host.attach(ETH0, object, "spread").unwrap();
    for last in 1..3 {
        let (places, lost) = to(&mut host, &udp([10, 0, 0, last], 1));
        assert!(matches!(places[..], [Destination::Cpu(_)]), "{lost:?}");
    }
    assert_eq!(host.machine().world.cpu.id, 0);
}

#[test]
fn sockets_receive_from_their_own_queue() {
    let mut host = host(1, 1);
    let object = host.load(&programs("xskmap"), &["to_socket"]).unwrap();
    host.attach(ETH0, object, "to_socket").unwrap();
    let map = host.map_named("sockets").unwrap();
    host.open_socket(map, 0, ETH0, 0).unwrap();
    host.open_socket(map, 1, ETH0, 0).unwrap();
    assert!(host.open_socket(map, 0, ETH0, 2).is_err(), "no such queue");
    assert!(host.open_socket(map, 64, ETH0, 0).is_err(), "no such slot");
    let packet = udp([10, 0, 0, 1], 1);
    let socket = Destination::Socket { map, slot: 0 };
    assert_eq!(to(&mut host, &packet), (vec![socket], None));
    assert_eq!(host.receive_from(map, 0), Some(packet.clone()));
    assert_eq!(host.receive_from(map, 0), None);
    // Slot 1 has a socket of queue 0.
    let outcome = host.receive(ETH0, 1, &packet).unwrap().unwrap();
    let (ifindex, queue) = (2, 0);
    assert_eq!(outcome.lost, Some(Lost::OtherQueue { ifindex, queue }));
    for _ in 0..xdp_sim::Socket::RING {
        assert_eq!(to(&mut host, &packet).1, None);
    }
    assert_eq!(to(&mut host, &packet), (vec![], Some(Lost::RingFull)));
}

#[test]
fn a_dispatcher_runs_programs_by_priority_while_they_pass() {
    let mut host = host(1, 1);
    let drop = host.load(&programs("filter_drop"), &[]).unwrap();
    let pass = host.load(&programs("pass"), &["pass"]).unwrap();
    let (dropper, _) = host.programs(drop).next().unwrap();
    let dropper_name = host.machine().program_name(dropper).unwrap().to_owned();
    let passer = host.program_named(pass, "pass").unwrap();
    let at = |priority, chain_call_actions| {
        Some(RunConfig {
            priority,
            chain_call_actions,
        })
    };
    let packet = udp([10, 0, 0, 1], 1);
    let alone = host.attach_beside(ETH0, drop, &dropper_name, at(20, 1 << 2));
    alone.unwrap();
    let (outcome_of_dropper, _) = {
        let outcome = host.receive(ETH0, 0, &packet).unwrap().unwrap();
        (outcome.action, outcome.ran.len())
    };
    // Attached later, but runs first.
    host.attach_beside(ETH0, pass, "pass", at(10, 1 << 2))
        .unwrap();
    let outcome = host.receive(ETH0, 0, &packet).unwrap().unwrap();
    let ran: Vec<_> = outcome.ran.iter().map(|ran| ran.program).collect();
    assert_eq!(ran, [passer, dropper]);
    assert_eq!(outcome.action, outcome_of_dropper);
    let counts: u64 = outcome.ran.iter().map(|ran| ran.executed).sum();
    assert_eq!(outcome.executed, counts);
    // Nothing comes behind a program that does not go on after what it answered.
    host.detach(ETH0);
    host.attach_beside(ETH0, pass, "pass", at(10, 0)).unwrap();
    host.attach_beside(ETH0, drop, &dropper_name, at(20, 0))
        .unwrap();
    let outcome = host.receive(ETH0, 0, &packet).unwrap().unwrap();
    assert_eq!((outcome.action, outcome.ran.len()), (XdpAction::Pass, 1));
}

/// west:eth0 comes in; west:eth1 -- middle:eth0; a bridge of middle:eth1,
/// east:eth0 and south:eth0.
fn four_hosts() -> (Topology, End) {
    let (mut west, object) = devmap_host();
    west.attach(ETH0, object, "to_port").unwrap();
    let (mut middle, object) = devmap_host();
    middle.attach(ETH0, object, "to_port").unwrap();
    let mut topology = Topology::default();
    let west = topology.add("west", west);
    let middle = topology.add("middle", middle);
    let east = topology.add("east", host(1, 1));
    let south = topology.add("south", host(1, 1));
    let end = |topology: &Topology, host, name| topology.end(host, name).unwrap();
    let pair = (end(&topology, west, "eth1"), end(&topology, middle, "eth0"));
    topology.veth(pair.0, pair.1);
    let ports = [
        end(&topology, middle, "eth1"),
        end(&topology, east, "eth0"),
        end(&topology, south, "eth0"),
    ];
    topology.bridge(&ports);
    let start = end(&topology, west, "eth0");
    (topology, start)
}

#[test]
fn a_packet_goes_through_hosts_and_a_bridge() {
    let (mut topology, start) = four_hosts();
    let packet = udp([10, 0, 0, 1], 1);
    let journey = topology.inject(start, 0, &packet).unwrap();
    let hosts: Vec<_> = journey.steps.iter().map(|step| step.at.host).collect();
    assert_eq!(hosts, [0, 1, 2, 3], "flooded at the end");
    let from: Vec<_> = journey.steps.iter().map(|step| step.from).collect();
    assert_eq!(from, [None, Some(0), Some(1), Some(1)]);
    assert_eq!(journey.steps[2].went[0].to, Destination::Stack);
    assert_eq!(journey.steps[2].action, None);
    assert!(!journey.cut);

    // Once the bridge has seen the destination, it is not flooded any more.
    let east = topology.end(2, "eth0").unwrap();
    let answer = [&[2, 0, 0, 0, 0, 1], &udp([10, 0, 0, 5], 9)[6..]].concat();
    sends_back(&mut topology, 2);
    topology.inject(east, 0, &answer).unwrap();
    let journey = topology.inject(start, 0, &packet).unwrap();
    let hosts: Vec<_> = journey.steps.iter().map(|step| step.at.host).collect();
    assert_eq!(hosts[..3], [0, 1, 2], "{hosts:?}");
    assert!(!hosts.contains(&3), "{hosts:?}");
}

/// Puts a program on eth0 of a host that sends back what goes to 10.0.0.5.
fn sends_back(topology: &mut Topology, host: usize) {
    let host = topology.host_mut(host).unwrap();
    let object = host.load(&programs("devmap"), &["to_port"]).unwrap();
    host.attach(ETH0, object, "to_port").unwrap();
}

#[test]
fn a_loop_is_cut_off() {
    let mut topology = Topology::default();
    let (one, other) = (
        topology.add("one", host(1, 1)),
        topology.add("other", host(1, 1)),
    );
    sends_back(&mut topology, one);
    sends_back(&mut topology, other);
    let ends = (
        topology.end(one, "eth0").unwrap(),
        topology.end(other, "eth0").unwrap(),
    );
    topology.veth(ends.0, ends.1);
    let journey = topology.inject(ends.0, 0, &udp([10, 0, 0, 5], 1)).unwrap();
    assert!(journey.cut);
    assert_eq!(journey.steps.len(), Topology::MAX_STEPS);
}

#[test]
fn names_of_nothing() {
    let (topology, _) = four_hosts();
    let wrong = topology.end(0, "eth9").unwrap_err().to_string();
    assert!(wrong.contains("eth0, eth1"), "{wrong}");
    let wrong = topology.host_named("north").unwrap_err().to_string();
    assert!(wrong.contains("west, middle"), "{wrong}");
    let mut taken = host(1, 1);
    let device = Device {
        ifindex: 2,
        name: "other".to_owned(),
        ..Device::default()
    };
    let wrong = taken.add_interface(device, 1).unwrap_err().to_string();
    assert!(wrong.contains("eth0"), "{wrong}");
}
