//! The checked interpreter beside the one of the `rbpf` crate: the same
//! programs, the same bytes, the same answers. Throughput is in instructions, as
//! the machine counts them.

mod support;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{both, cases};

fn interpreters(criterion: &mut Criterion) {
    for case in cases() {
        let (mut ours, theirs) = both(&case);
        let peer = theirs.machine();
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Elements(ours.machine.executed()));
        group.bench_function("ebpf-sim", |b| b.iter(|| ours.run()));
        group.bench_function("rbpf", |b| b.iter(|| theirs.run(&peer)));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = interpreters
}
criterion_main!(benches);
