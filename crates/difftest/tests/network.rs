//! Routes, sizes and redirects in a network namespace of the test's own, against
//! the simulator with the same table.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use difftest::families::{Random, Seed, network, seeds};
use difftest::{Answer, Interpreter, Linux, Question, Ran, Session};
use support::{agreed, look_up, open, put};
use vm::world::{Network, Prefix, Route, RouteKind};

/// Questions to each helper.
const QUESTIONS: u64 = 20_000;

#[test]
fn routes_sizes_and_redirects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/networks");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file = fs::read(&path).expect("a file");
        let network = xdp_sim::read_network(&file).expect("a network");
        for seed in seeds() {
            let more = network::with_random_routes(&network, &mut Random::new(seed, 1));
            for network in [&network, &more] {
                if let Err(why) = compare(network, seed) {
                    return kernel::testing::skip(&why).unwrap_or_default();
                }
            }
        }
        files += 1;
    }
    assert!(files > 0, "no networks");
}

/// Asks about one network.
fn compare(network: &Network, seed: Seed) -> Result<(), String> {
    let Some(mut linux) = apart() else {
        return Ok(());
    };
    build(network)?;
    let subject = network::subject(network.clone());
    let mut random = Random::new(seed, 0);
    let mut ours = open(&mut Interpreter, &subject);
    let mut theirs = open(&mut linux, &subject);
    for _ in 0..QUESTIONS {
        let input = network::input(network, &mut random);
        let answer = |session: &mut dyn Session| {
            put(session, 0, &input.value);
            let ran = session.ask(&Question::packet(&[0; 64]));
            let ended = matches!(&ran, Ok(Answer::Ran(Ran { end: Ok(o), .. })) if o.ret == 2);
            assert!(ended, "{seed}: {ran:?}");
            (words(&look_up(session, 1)), look_up(session, 0))
        };
        let (ours, theirs) = (answer(&mut *ours), answer(&mut *theirs));
        assert_eq!(ours, theirs, "{seed}: {input:?}");
    }
    let count = QUESTIONS * network::RESULTS as u64;
    let routes = network.routes.len();
    agreed(
        &format!("network of {routes} routes"),
        seed,
        &[(count, "return codes")],
    );
    Ok(())
}

fn apart() -> Option<Linux> {
    kernel::testing::kernel_or_skip()?;
    match Linux::apart() {
        Ok(linux) => Some(linux),
        Err(why) => kernel::testing::skip(&why.to_string()),
    }
}

/// The results as numbers.
fn words(bytes: &[u8]) -> Vec<i64> {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| i64::from_le_bytes(*word)).collect()
}

/// Makes this network in the namespace of this thread. It goes with the namespace.
fn build(network: &Network) -> Result<(), String> {
    ip("link set lo up")?;
    for device in network.devices.iter().filter(|d| d.name != "lo") {
        let (name, index) = (&device.name, device.ifindex);
        let mac = device.mac.map(|byte| format!("{byte:02x}")).join(":");
        ip(&format!(
            "link add {name} index {index} type veth peer name {name}-far"
        ))?;
        ip(&format!(
            "link set {name} address {mac} mtu {} addrgenmode none",
            device.mtu
        ))?;
        ip(&format!("link set {name}-far addrgenmode none up"))?;
        ip(&format!("link set {name} up"))?;
        for Prefix { address, len } in &device.addresses {
            let quick = if address.is_ipv6() { "nodad" } else { "brd +" };
            ip(&format!("address add {address}/{len} dev {name} {quick}"))?;
        }
    }
    for neighbour in &network.neighbours {
        let mac = neighbour.mac.map(|byte| format!("{byte:02x}")).join(":");
        let (address, name) = (neighbour.address, name(network, neighbour.device));
        ip(&format!(
            "neighbour add {address} lladdr {mac} dev {name} nud permanent"
        ))?;
    }
    for route in &network.routes {
        add(network, route)?;
    }
    settle(network)
}

/// Waits for the routes of IPv6 addresses, which Linux makes in the background.
fn settle(network: &Network) -> Result<(), String> {
    let addresses = network.devices.iter().flat_map(|d| &d.addresses);
    let wanted: Vec<_> = addresses
        .filter(|a| a.address.is_ipv6())
        .map(|a| format!("local {} ", a.address))
        .collect();
    for _ in 0..500 {
        let shown = ip("-6 route show table local")?;
        if wanted.iter().all(|route| shown.contains(route)) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err("addresses of IPv6 do not become usable".to_owned())
}

fn add(network: &Network, route: &Route) -> Result<(), String> {
    let kind = match route.kind {
        RouteKind::Unicast => "",
        RouteKind::Blackhole => "blackhole",
        RouteKind::Unreachable => "unreachable",
        RouteKind::Prohibit => "prohibit",
        other => return Err(format!("routes of kind {other:?}")),
    };
    let Prefix { address, len } = route.destination;
    let mut words = format!("route add {kind} {address}/{len}");
    if let Some(via) = route.via {
        words += &format!(" via {via}");
    }
    if route.device != 0 {
        words += &format!(" dev {}", name(network, route.device));
    }
    if route.metric != 0 {
        words += &format!(" metric {}", route.metric);
    }
    if route.mtu != 0 {
        words += &format!(" mtu lock {}", route.mtu);
    }
    if route.table != 0 {
        words += &format!(" table {}", route.table);
    }
    if address.is_ipv6() {
        words = format!("-6 {words}");
    }
    ip(&words).map(drop)
}

fn name(network: &Network, ifindex: u32) -> &str {
    network.device(ifindex).map_or("?", |device| &device.name)
}

/// Runs `ip` with these words; what it prints.
fn ip(words: &str) -> Result<String, String> {
    let output = Command::new("ip")
        .args(words.split_ascii_whitespace())
        .output();
    let output = output.map_err(|error| format!("ip cannot be run: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!(
            "ip {words}: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
