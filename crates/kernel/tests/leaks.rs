//! Whatever is made is closed again. Alone in its file, so that no other test
//! opens anything meanwhile.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::fs;

use abi::{MapType, ProgType};
use common::{def, program};

#[test]
fn nothing_is_left_behind() {
    let kernel = kernel_or_return!();
    let work = || {
        let map = def(MapType::Ringbuf, 0, 0, 4096);
        let perf = def(MapType::PerfEventArray, 4, 4, 0);
        let mut outer = def(MapType::ArrayOfMaps, 4, 4, 3);
        outer.inner = Some(Box::new(def(MapType::Array, 4, 4, 1)));
        let programs = [
            program(ProgType::Xdp, "r0 = 2\nexit", &[]),
            program(ProgType::Xdp, "exit", &[]),
        ];
        let instance = kernel.instantiate(&[map, perf, outer], &programs).unwrap();
        assert!(instance.programs[0].is_ok() && instance.programs[1].is_err());
        let _ring = kernel::RingBuffer::open(&instance.maps[0]).unwrap();
        let _perf = kernel::PerfBuffer::open(&kernel, &instance.maps[1], 1).unwrap();
        let _network = kernel.private_network().unwrap();
        let _ = kernel::TracePipe::open();
        assert!(
            kernel
                .create_map(&def(MapType::Array, 5, 4, 1), None)
                .is_err()
        );
    };
    work();
    let before = descriptors();
    work();
    assert_eq!(before, descriptors());
}

fn descriptors() -> Vec<String> {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let mut names: Vec<_> = links
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .map(|target| target.display().to_string())
        .filter(|target| !target.starts_with("/proc/"))
        .collect();
    names.sort();
    names
}
