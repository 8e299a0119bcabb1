//! The main job, end to end: a capture of one million small packets through the
//! stateless firewall, from the bytes of the file to the report.
//!
//! The capture is what `cargo xtask million` writes; it is made on first use.
//! What is timed is reading, putting each packet into the machine, the program
//! and the bookkeeping; not starting a process nor reading from disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, hint};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use xdp_sim::capture::{self, Reader};
use xdp_sim::{Options, Report, Simulator};

const PACKETS: u64 = 1_000_000;

fn million_packets(criterion: &mut Criterion) {
    let capture = fs::read(million()).expect("the capture was made");
    let mut group = criterion.benchmark_group("run");
    group
        .throughput(Throughput::Elements(PACKETS))
        .sample_size(10);
    for program in ["pass", "firewall"] {
        group.bench_function(program, |bencher| {
            let mut simulator = simulator(program);
            bencher.iter(|| {
                let report = run(&mut simulator, &capture);
                assert_eq!(report.total.packets, PACKETS);
                assert_eq!(report.traps, 0);
                hint::black_box(report)
            });
        });
    }
    group.finish();
}

/// What `ebpf-sim run` does for each packet.
fn run(simulator: &mut Simulator, capture: &[u8]) -> Report {
    let mut report = Report::default();
    let mut reader = Reader::new(capture, capture::Options::default()).expect("a capture");
    while let Some(packet) = reader.next().expect("a whole capture") {
        simulator.machine_mut().world.clock.now_ns = packet.timestamp_ns;
        let outcome = simulator.run(packet.captured).expect("an Ethernet frame");
        report.count(packet.index, packet.captured.len(), &outcome);
        simulator.take_events(&mut |event| {
            hint::black_box(event);
        });
    }
    report
}

/// The corpus program of this name, its maps filled.
fn simulator(name: &str) -> Simulator {
    let path = corpus(&format!("objects/{name}.bpf.o"));
    let object = loader::Object::parse(&fs::read(path).expect("the corpus"), &Default::default());
    let programs = object.expect("an object").programs().expect("programs");
    let mut simulator = Simulator::new(&programs, name, Options::default()).expect("loads");
    for file in fs::read_dir(corpus(&format!("maps/{name}")))
        .into_iter()
        .flatten()
    {
        let path = file.expect("readable").path();
        let map = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name");
        let map = simulator.map_named(map).expect("a map");
        let entries = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        simulator.fill_map(map, &entries).expect("fits");
    }
    simulator
}

/// The capture, made if it is not there.
fn million() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/million.pcap");
    if !path.exists() {
        let status = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--package", "xtask", "--", "million"])
            .arg(&path)
            .status();
        assert!(status.expect("cargo runs").success(), "cargo xtask million");
    }
    path
}

fn corpus(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(path)
}

criterion_group!(benches, million_packets);
criterion_main!(benches);
