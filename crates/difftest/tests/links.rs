//! What arrives over veth pairs: a router with three of them in network namespaces of
//! the test's own, against the same topology of the simulator.
//!
//! Namespaces, links and attached programs go when the test ends. It needs root,
//! `ip`, `nsenter` and `bpftool`, and is skipped without them; the simulator is held
//! against what Linux 6.18 was seen to do all the same.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test says so and ends")]

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};
use vm::World;
use vm::world::Device;
use xdp_sim::{End, Host, InterfaceId, Topology};

/// The neighbours of the router, and the indices of its ports to them.
const NEIGHBOURS: [(char, u32); 3] = [('a', 19), ('b', 20), ('c', 21)];

/// Bytes of Ethernet, IP and UDP headers.
const HEADERS: usize = 14 + 20 + 8;

/// A way that things can be, and what then arrives at the neighbours.
#[derive(Clone, Copy)]
struct Case {
    /// The program on the port to the first neighbour, who sends.
    program: &'static str,
    /// Which neighbours have a program themselves.
    receiving: [bool; 3],
    /// MTU of the router's ports.
    mtu: [u32; 3],
    /// MTU of their other ends.
    far_mtu: [u32; 3],
    /// Which ports of the router are up.
    up: [bool; 3],
    /// Bytes of the frame.
    len: usize,
    /// How many frames arrive, as measured.
    arrive: [u64; 3],
}

const PLAIN: Case = Case {
    program: "second",
    receiving: [true; 3],
    mtu: [1500; 3],
    far_mtu: [1500; 3],
    up: [true; 3],
    len: 60,
    arrive: [0, 1, 0],
};

const CASES: [Case; 18] = [
    PLAIN,
    Case {
        receiving: [true, false, true],
        arrive: [0; 3],
        ..PLAIN
    },
    Case {
        program: "second_index",
        ..PLAIN
    },
    Case {
        program: "second_index",
        receiving: [true, false, true],
        arrive: [0; 3],
        ..PLAIN
    },
    Case { len: 1514, ..PLAIN },
    Case {
        len: 1018,
        mtu: [1500, 1000, 1500],
        ..PLAIN
    },
    Case {
        len: 1019,
        mtu: [1500, 1000, 1500],
        arrive: [0; 3],
        ..PLAIN
    },
    Case {
        len: 1018,
        far_mtu: [1500, 1000, 1500],
        ..PLAIN
    },
    Case {
        len: 1019,
        far_mtu: [1500, 1000, 1500],
        arrive: [0; 3],
        ..PLAIN
    },
    Case {
        up: [true, false, true],
        arrive: [0; 3],
        ..PLAIN
    },
    Case {
        program: "back",
        arrive: [1, 0, 0],
        ..PLAIN
    },
    Case {
        program: "back",
        receiving: [false; 3],
        arrive: [0; 3],
        ..PLAIN
    },
    // The MTU of the port itself is not asked.
    Case {
        program: "back",
        mtu: [1000, 1500, 1500],
        len: 1014,
        arrive: [1, 0, 0],
        ..PLAIN
    },
    Case {
        program: "others",
        arrive: [0, 1, 1],
        ..PLAIN
    },
    Case {
        program: "others",
        receiving: [true, true, false],
        arrive: [0, 1, 0],
        ..PLAIN
    },
    Case {
        program: "all",
        arrive: [1, 1, 1],
        ..PLAIN
    },
    Case {
        program: "all",
        up: [true, true, false],
        arrive: [1, 1, 0],
        ..PLAIN
    },
    Case {
        program: "all",
        mtu: [1500, 1000, 1500],
        len: 1100,
        arrive: [1, 0, 1],
        ..PLAIN
    },
];

fn object() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios/links.bpf.o")
}

#[test]
fn the_simulator_is_as_measured() {
    for (place, case) in CASES.iter().enumerate() {
        assert_eq!(simulated(case), case.arrive, "case {place}");
    }
}

/// How many frames arrive in the simulator.
fn simulated(case: &Case) -> [u64; 3] {
    let bytes = std::fs::read(object()).unwrap();
    let programs = loader::Object::parse(&bytes, &Default::default());
    let programs = programs.unwrap().programs().unwrap();
    let device = |ifindex, name: &str, mtu, up| Device {
        ifindex,
        name: name.to_owned(),
        mtu,
        up,
        ..Device::default()
    };
    let mut topology = Topology::default();
    let mut router = Host::new(World::default(), None).unwrap();
    let links = router.load(&programs, &[case.program]).unwrap();
    let mut ports = Vec::new();
    for (place, (name, ifindex)) in NEIGHBOURS.into_iter().enumerate() {
        let device = device(ifindex, &name.to_string(), case.mtu[place], case.up[place]);
        ports.push(router.add_interface(device, 1).unwrap());
    }
    router.attach(ports[0], links, case.program).unwrap();
    let entries = NEIGHBOURS.iter().zip(1..);
    let entries: Vec<Json> = entries
        .map(|((_, ifindex), key)| json!({"key": key, "value": {"ifindex": ifindex}}))
        .collect();
    let map = router.map_named("ports").unwrap();
    router.fill_map(map, &entries.into()).unwrap();
    let router = topology.add("router", router);
    for (place, (name, _)) in NEIGHBOURS.into_iter().enumerate() {
        let mut host = Host::new(World::default(), None).unwrap();
        let far = device(2, "e0", case.far_mtu[place], true);
        let far = host.add_interface(far, 1).unwrap();
        if case.receiving[place] {
            let links = host.load(&programs, &["pass"]).unwrap();
            host.attach(far, links, "pass").unwrap();
        }
        let host = topology.add(&name.to_string(), host);
        let near = End {
            host: router,
            interface: ports[place],
        };
        let far = End {
            host,
            interface: InterfaceId(0),
        };
        topology.veth(near, far);
    }
    let at = End {
        host: router,
        interface: ports[0],
    };
    let journey = topology.inject(at, 0, &vec![0; case.len]).unwrap();
    let mut arrived = [0; 3];
    for step in journey.steps.iter().filter(|step| step.lost.is_none()) {
        if let Some(count) = step.at.host.checked_sub(1).and_then(|n| arrived.get_mut(n)) {
            *count += 1;
        }
    }
    arrived
}

#[test]
fn linux_is_as_measured() {
    if kernel::testing::kernel_or_skip().is_none() {
        return;
    }
    let laboratory = match Laboratory::new() {
        Ok(laboratory) => laboratory,
        Err(why) => return kernel::testing::skip(&why).unwrap_or_default(),
    };
    for (place, case) in CASES.iter().enumerate() {
        let arrived = laboratory.measure(case).unwrap();
        assert_eq!(arrived, case.arrive, "case {place}");
    }
}

/// Namespaces, links and loaded programs.
struct Laboratory {
    id: u32,
}

impl Laboratory {
    fn new() -> Result<Laboratory, String> {
        // Dropped on the way out as well.
        let laboratory = Laboratory { id: process::id() };
        let router = laboratory.namespace('r');
        laboratory.quiet('r')?;
        for (place, (name, index)) in NEIGHBOURS.into_iter().enumerate() {
            let far = laboratory.namespace(name);
            laboratory.quiet(name)?;
            run(&format!(
                "ip -n {router} link add port-{name} index {index} type veth peer name e0 netns {far}"
            ))?;
            run(&format!("ip -n {router} link set port-{name} up"))?;
            run(&format!("ip -n {far} link set e0 up"))?;
            run(&format!(
                "ip -n {far} address add 10.9.{place}.1/24 dev e0 brd +"
            ))?;
        }
        let pins = laboratory.pins();
        let object = object();
        run(&format!(
            "bpftool prog loadall {} {pins} pinmaps {pins}",
            object.display()
        ))?;
        for (key, (_, index)) in (1..).zip(NEIGHBOURS) {
            laboratory.inside(
                'r',
                &format!(
                    "bpftool map update pinned {pins}/ports key {key} 0 0 0 value {index} 0 0 0"
                ),
            )?;
        }
        Ok(laboratory)
    }

    /// Makes a namespace in which nobody sends unless told to.
    fn quiet(&self, name: char) -> Result<(), String> {
        run(&format!("ip netns add {}", self.namespace(name)))?;
        for which in ["all", "default"] {
            let file = format!("net.ipv6.conf.{which}.disable_ipv6=1");
            self.inside(name, &format!("sysctl -qw {file}"))?;
        }
        Ok(())
    }

    fn namespace(&self, name: char) -> String {
        format!("ebpf-sim-{}-{name}", self.id)
    }

    fn pins(&self) -> String {
        format!("/sys/fs/bpf/ebpf-sim-{}", self.id)
    }

    /// Runs a command in a namespace; unlike `ip netns exec` it leaves mounts alone.
    fn inside(&self, name: char, command: &str) -> Result<Vec<u8>, String> {
        let namespace = self.namespace(name);
        run(&format!("nsenter --net=/run/netns/{namespace} {command}"))
    }

    fn attach(&self, at: char, device: &str, program: Option<&str>) -> Result<(), String> {
        let pins = self.pins();
        // What there is nothing of cannot be taken off, which is as well.
        let _ = self.inside(at, &format!("bpftool net detach xdp dev {device}"));
        if let Some(program) = program {
            let command = format!("bpftool net attach xdp pinned {pins}/{program} dev {device}");
            self.inside(at, &command)?;
        }
        Ok(())
    }

    fn measure(&self, case: &Case) -> Result<[u64; 3], String> {
        let router = self.namespace('r');
        for (place, (name, _)) in NEIGHBOURS.into_iter().enumerate() {
            let far = self.namespace(name);
            let (mtu, far_mtu) = (case.mtu[place], case.far_mtu[place]);
            let state = if case.up[place] { "up" } else { "down" };
            run(&format!(
                "ip -n {router} link set port-{name} mtu {mtu} {state}"
            ))?;
            run(&format!("ip -n {far} link set e0 mtu {far_mtu}"))?;
            let pass = case.receiving[place].then_some("pass");
            self.attach(name, "e0", pass)?;
        }
        self.attach('r', "port-a", Some(case.program))?;
        let before = self.received()?;
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        let len = case.len.saturating_sub(HEADERS);
        let send = format!("env {SEND}={len} {} --exact a_sender", own.display());
        self.inside('a', &send)?;
        // Until what comes has come.
        thread::sleep(Duration::from_millis(50));
        let mut received = self.received()?;
        for (after, before) in received.iter_mut().zip(before) {
            *after -= before;
        }
        Ok(received)
    }

    /// Frames that the neighbours have received.
    fn received(&self) -> Result<[u64; 3], String> {
        let mut counts = [0; 3];
        for (count, (name, _)) in counts.iter_mut().zip(NEIGHBOURS) {
            let namespace = self.namespace(name);
            let text = run(&format!("ip -n {namespace} -s -j link show e0"))?;
            let links: Json = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
            let packets = links[0]["stats64"]["rx"]["packets"].as_u64();
            *count = packets.ok_or("ip shows no counts")?;
        }
        Ok(counts)
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        for name in NEIGHBOURS.map(|(name, _)| name).into_iter().chain(['r']) {
            let _ = run(&format!("ip netns delete {}", self.namespace(name)));
        }
        let _ = std::fs::remove_dir_all(self.pins());
    }
}

/// Bytes of payload that [`a_sender`] sends.
const SEND: &str = "EBPF_SIM_LINKS_SEND";

/// Not a test of anything: sends one datagram from the namespace that it is run in,
/// when it is told to.
#[test]
fn a_sender() {
    let Ok(len) = std::env::var(SEND) else {
        return;
    };
    let socket = UdpSocket::bind("10.9.0.1:0").unwrap();
    socket.set_broadcast(true).unwrap();
    let bytes = vec![0; len.parse().unwrap()];
    socket.send_to(&bytes, "10.9.0.255:9").unwrap();
}

fn run(command: &str) -> Result<Vec<u8>, String> {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!(
            "{command}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
