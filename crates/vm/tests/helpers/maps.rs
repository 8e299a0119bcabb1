//! Helpers over maps: look-ups, redirects, events, ring buffers, locks, loops.

use abi::{Errno, MapDef, MapFlags, MapKind, MapType, Pinning, ProgType};
use vm::helper::Stop;
use vm::packet::Input;
use vm::world::Event;
use vm::{MapId, Redirect};

use crate::bench::Bench;

pub(crate) fn def(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapDef {
    MapDef {
        name: map_type.name().into(),
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: MapFlags::default(),
        extra: 0,
        numa_node: 0,
        key_type: btf::TypeId(0),
        value_type: btf::TypeId(0),
        inner: None,
        kind: MapKind::User,
        initial: abi::Initial::Empty,
        pinning: Pinning::None,
    }
}

/// A bench with one map, and the map's address.
pub(crate) fn with_map(map: MapDef) -> (Bench, MapId, u64) {
    let mut bench = Bench::new();
    bench.machine.world.cpu.count = 2;
    let instance = bench.machine.instantiate(&[map], &[]).expect("a map");
    let id = instance.maps[0];
    (bench, id, id.handle().to_reg())
}

fn receive(bench: &mut Bench, data: &[u8]) -> u64 {
    let input = Input {
        data,
        ..Input::default()
    };
    bench.machine.receive(&input).expect("a packet").to_reg()
}

#[test]
fn an_updated_key_is_found_and_a_deleted_one_is_not() {
    let (mut bench, _, map) = with_map(def(MapType::Hash, 4, 8, 4));
    let key = bench.put(&7u32.to_le_bytes());
    let value = bench.put(&0x1122_3344_5566_7788u64.to_le_bytes());
    assert_eq!(bench.call("bpf_map_lookup_elem", &[map, key]), Ok(0));
    assert_eq!(
        bench.call("bpf_map_update_elem", &[map, key, value, 0]),
        Ok(0)
    );
    let found = bench
        .call("bpf_map_lookup_elem", &[map, key])
        .expect("no trap");
    assert_eq!(bench.get(found, 8), 0x1122_3344_5566_7788u64.to_le_bytes());
    let again = bench.call("bpf_map_update_elem", &[map, key, value, 1]);
    assert_eq!(again, Ok(Errno::EEXIST.to_ret()));
    assert_eq!(bench.call("bpf_map_delete_elem", &[map, key]), Ok(0));
    assert_eq!(
        bench.call("bpf_map_delete_elem", &[map, key]),
        Ok(Errno::ENOENT.to_ret())
    );
}

#[test]
fn a_value_may_be_updated_from_the_map_itself() {
    let (mut bench, _, map) = with_map(def(MapType::Array, 4, 8, 2));
    let (zero, one) = (
        bench.put(&0u32.to_le_bytes()),
        bench.put(&1u32.to_le_bytes()),
    );
    let value = bench.put(&5u64.to_le_bytes());
    assert_eq!(
        bench.call("bpf_map_update_elem", &[map, zero, value, 0]),
        Ok(0)
    );
    let source = bench
        .call("bpf_map_lookup_elem", &[map, zero])
        .expect("no trap");
    assert_eq!(
        bench.call("bpf_map_update_elem", &[map, one, source, 0]),
        Ok(0)
    );
    let copy = bench
        .call("bpf_map_lookup_elem", &[map, one])
        .expect("no trap");
    assert_eq!(bench.get(copy, 8), 5u64.to_le_bytes());
}

#[test]
fn a_percpu_value_is_found_on_every_cpu_that_exists() {
    let (mut bench, _, map) = with_map(def(MapType::PercpuArray, 4, 8, 1));
    let key = bench.put(&0u32.to_le_bytes());
    let here = bench.call("bpf_map_lookup_elem", &[map, key]);
    assert_eq!(
        bench.call("bpf_map_lookup_percpu_elem", &[map, key, 0]),
        here
    );
    let there = bench.call("bpf_map_lookup_percpu_elem", &[map, key, 1]);
    assert!(there.is_ok_and(|there| there != 0 && Ok(there) != here));
    assert_eq!(
        bench.call("bpf_map_lookup_percpu_elem", &[map, key, 2]),
        Ok(0)
    );
}

#[test]
fn a_queue_gives_back_in_order() {
    let (mut bench, _, map) = with_map(def(MapType::Queue, 0, 4, 2));
    for value in [1u32, 2] {
        let value = bench.put(&value.to_le_bytes());
        assert_eq!(bench.call("bpf_map_push_elem", &[map, value, 0]), Ok(0));
    }
    let value = bench.put(&9u32.to_le_bytes());
    assert_eq!(
        bench.call("bpf_map_push_elem", &[map, value, 0]),
        Ok(Errno::E2BIG.to_ret())
    );
    assert_eq!(bench.call("bpf_map_peek_elem", &[map, value]), Ok(0));
    assert_eq!(bench.get(value, 4), 1u32.to_le_bytes());
    assert_eq!(bench.call("bpf_map_pop_elem", &[map, value]), Ok(0));
    assert_eq!(bench.call("bpf_map_pop_elem", &[map, value]), Ok(0));
    assert_eq!(bench.get(value, 4), 2u32.to_le_bytes());
    assert_eq!(
        bench.call("bpf_map_pop_elem", &[map, value]),
        Ok(Errno::ENOENT.to_ret())
    );
}

/// For each kind of map and key: what `bpf_redirect_map` answers with these
/// flags, measured on Linux 6.18. Entry 1 of the devmap is set, of the
/// devmap_hash key 77, of the cpumap CPU 0, of the xskmap none.
#[test]
fn redirect_map_answers_as_linux() {
    const FLAGS: [u64; 15] = [0, 1, 2, 3, 4, 7, 8, 9, 11, 16, 17, 24, 27, 32, 1 << 32];
    const DEVICE: [u64; 15] = [4, 4, 4, 4, 0, 0, 4, 4, 4, 4, 4, 4, 4, 0, 0];
    const NO_DEVICE: [u64; 15] = [0, 1, 2, 3, 0, 0, 4, 4, 4, 0, 1, 4, 4, 0, 0];
    const OTHER: [u64; 15] = [4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const NO_OTHER: [u64; 15] = [0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    type Answers<'a> = &'a [(u64, [u64; 15])];
    let cases: [(MapType, u32, Answers<'_>); 4] = [
        (
            MapType::Devmap,
            1,
            &[
                (1, DEVICE),
                (0, NO_DEVICE),
                (5, NO_DEVICE),
                (1 << 32 | 1, DEVICE),
                (u64::MAX, NO_DEVICE),
            ],
        ),
        (
            MapType::DevmapHash,
            77,
            &[(77, DEVICE), (76, NO_DEVICE), (1 << 32 | 77, DEVICE)],
        ),
        (
            MapType::Cpumap,
            0,
            &[(0, OTHER), (1, NO_OTHER), (1 << 32, OTHER)],
        ),
        (MapType::Xskmap, 9, &[(0, NO_OTHER), (2, NO_OTHER)]),
    ];
    for (map_type, entry, keys) in cases {
        let (mut bench, id, map) = with_map(def(map_type, 4, 4, 4));
        if map_type != MapType::Xskmap {
            let set = bench
                .machine
                .map_update(id, &entry.to_le_bytes(), &1u32.to_le_bytes(), 0);
            set.expect("an entry");
        }
        for (key, answers) in keys {
            for (flags, answer) in FLAGS.into_iter().zip(answers) {
                let ret = bench.call("bpf_redirect_map", &[map, *key, flags]);
                assert_eq!(
                    ret,
                    Ok(*answer),
                    "{map_type:?} key {key:#x} flags {flags:#x}"
                );
            }
        }
    }
}

#[test]
fn redirects_are_kept_for_whoever_runs_the_machine() {
    let (mut bench, id, map) = with_map(def(MapType::Devmap, 4, 4, 4));
    let set = bench
        .machine
        .map_update(id, &2u32.to_le_bytes(), &1u32.to_le_bytes(), 0);
    set.expect("an entry");
    assert_eq!(bench.call("bpf_redirect", &[3, 0]), Ok(4));
    assert_eq!(
        bench.machine.redirect,
        Some(Redirect::Device {
            ifindex: 3,
            flags: 0
        })
    );
    assert_eq!(bench.call("bpf_redirect", &[3, 1]), Ok(0));
    assert_eq!(bench.call("bpf_redirect_map", &[map, 2, 0]), Ok(4));
    assert_eq!(
        bench.machine.redirect,
        Some(Redirect::Entry { map: id, key: 2 })
    );
    assert_eq!(bench.call("bpf_redirect_map", &[map, 3, 2]), Ok(2));
    assert_eq!(bench.machine.redirect, None);
    assert_eq!(bench.call("bpf_redirect_map", &[map, 0, 24]), Ok(4));
    assert_eq!(
        bench.machine.redirect,
        Some(Redirect::Broadcast {
            map: id,
            exclude_ingress: true
        })
    );
}

/// Flags and answers for a packet of 64 bytes on CPU 0 and an array of two
/// entries, measured on Linux 6.18 where only the entry of CPU 0 had a buffer;
/// here every entry of a CPU has one.
#[test]
fn perf_event_output_answers_as_linux() {
    const CURRENT: u64 = 0xffff_ffff;
    let (mut bench, id, map) = with_map(def(MapType::PerfEventArray, 4, 4, 2));
    let ctx = receive(&mut bench, &[0x55; 64]);
    let record = bench.put(&[1, 2, 3, 4]);
    let mut output = |flags| bench.call("bpf_perf_event_output", &[ctx, map, flags, record, 4]);
    for (flags, answer) in [
        (0, 0),
        (CURRENT, 0),
        (1, Errno::EOPNOTSUPP.to_ret()),
        (2, Errno::E2BIG.to_ret()),
        (65 << 32, Errno::EFAULT.to_ret()),
        (65 << 32 | 5, Errno::EFAULT.to_ret()),
        (1 << 52 | CURRENT, Errno::EINVAL.to_ret()),
        (1 << 63, Errno::EINVAL.to_ret()),
        (2 << 32 | CURRENT, 0),
    ] {
        assert_eq!(output(flags), Ok(answer), "{flags:#x}");
    }
    let sent = |data: &[u8]| Event::Perf {
        map: id,
        cpu: 0,
        data: data.to_vec(),
    };
    assert_eq!(
        bench.machine.world.take_events(),
        [
            sent(&[1, 2, 3, 4]),
            sent(&[1, 2, 3, 4]),
            sent(&[1, 2, 3, 4, 0x55, 0x55])
        ]
    );
}

#[test]
fn a_ring_buffer_record_ends_once() {
    let (mut bench, _, map) = with_map(def(MapType::Ringbuf, 0, 0, 4096));
    let record = bench
        .call("bpf_ringbuf_reserve", &[map, 16, 0])
        .expect("no trap");
    assert_ne!(record, 0);
    assert_eq!(bench.call("bpf_ringbuf_submit", &[record, 0]), Ok(0));
    assert!(matches!(
        bench.call("bpf_ringbuf_discard", &[record, 0]),
        Err(Stop::Trap(_))
    ));
    assert!(matches!(
        bench.call("bpf_ringbuf_submit", &[map, 0]),
        Err(Stop::Trap(_))
    ));
    let data = bench.put(&[1; 8]);
    assert_eq!(bench.call("bpf_ringbuf_output", &[map, data, 8, 0]), Ok(0));
    assert_eq!(bench.call("bpf_ringbuf_query", &[map, 1]), Ok(4096));
}

#[test]
fn a_lock_is_taken_once() {
    let (mut bench, _, map) = with_map(def(MapType::Array, 4, 8, 1));
    let key = bench.put(&0u32.to_le_bytes());
    let value = bench
        .call("bpf_map_lookup_elem", &[map, key])
        .expect("no trap");
    assert_eq!(bench.call("bpf_spin_lock", &[value]), Ok(0));
    assert!(bench.call("bpf_spin_lock", &[value]).is_err());
    assert_eq!(bench.call("bpf_spin_unlock", &[value]), Ok(0));
    assert!(bench.call("bpf_spin_unlock", &[value]).is_err());
    assert!(bench.call("bpf_spin_lock", &[key]).is_err());
}

#[test]
fn each_element_is_shown_until_the_callback_returns_1() {
    let (mut bench, _, map) = with_map(def(MapType::Array, 4, 8, 5));
    for (stop_at, calls) in [(u32::MAX, 5), (0, 1), (3, 4)] {
        let mut seen = Vec::new();
        let ret = bench.call_back(
            ProgType::Xdp,
            "bpf_for_each_map_elem",
            &[map, 0x1000, 77, 0],
            &mut |machine, function, [this, key, _, ctx, _]| {
                assert_eq!((function, this, ctx), (0x1000, map, 77));
                let key = u32::from_le_bytes(machine.space.load(key).expect("a key"));
                seen.push(key);
                Ok(u64::from(key == stop_at))
            },
        );
        assert_eq!(ret, Ok(calls));
        assert_eq!(seen, (0..calls as u32).collect::<Vec<_>>());
    }
    let ret = bench.call("bpf_for_each_map_elem", &[map, 0x1000, 0, 1]);
    assert_eq!(ret, Ok(Errno::EINVAL.to_ret()));
}

#[test]
fn a_loop_ends_at_its_count_or_when_the_callback_returns_1() {
    let mut bench = Bench::new();
    for (count, stop_at, answer) in [(0, 9, 0), (3, 9, 3), (5, 2, 3), (1 << 32 | 2, 9, 2)] {
        let ret = bench.call_back(
            ProgType::Xdp,
            "bpf_loop",
            &[count, 0x1000, 5, 0],
            &mut |_, _, [index, ctx, ..]| {
                assert_eq!(ctx, 5);
                Ok(u64::from(index == stop_at))
            },
        );
        assert_eq!(ret, Ok(answer), "{count}");
    }
    assert_eq!(
        bench.call("bpf_loop", &[1, 0, 0, 1]),
        Ok(Errno::EINVAL.to_ret())
    );
}

#[test]
fn a_map_of_another_kind_is_a_trap() {
    let (mut bench, _, map) = with_map(def(MapType::Queue, 0, 4, 2));
    let memory = bench.put(&[0; 16]);
    for (helper, args) in [
        ("bpf_map_lookup_elem", [map, memory, 0, 0]),
        ("bpf_map_update_elem", [map, memory, memory, 0]),
        ("bpf_map_delete_elem", [map, memory, 0, 0]),
        ("bpf_map_lookup_percpu_elem", [map, memory, 0, 0]),
        ("bpf_redirect_map", [map, 0, 0, 0]),
        ("bpf_ringbuf_reserve", [map, 8, 0, 0]),
        ("bpf_for_each_map_elem", [map, 0x1000, 0, 0]),
        ("bpf_map_lookup_elem", [memory, memory, 0, 0]),
        ("bpf_map_lookup_elem", [0, memory, 0, 0]),
    ] {
        let ret = bench.call(helper, &args);
        assert!(matches!(ret, Err(Stop::Trap(_))), "{helper}: {ret:?}");
    }
}
