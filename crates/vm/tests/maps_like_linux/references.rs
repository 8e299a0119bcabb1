//! Maps whose values lead somewhere.

use abi::{Errno, MapDef, MapFlags, MapType};
use vm::ProgId;
use vm::map::{MapId, Target};

use crate::support::{Maps, def};

const ZERO: [u8; 4] = [0; 4];
const ONE: [u8; 4] = [1, 0, 0, 0];
const FAR: [u8; 4] = [99, 0, 0, 0];

fn outer(map_type: MapType, inner: &MapDef) -> MapDef {
    let mut outer = def(map_type, 4, 4, 2);
    outer.inner = Some(Box::new(inner.clone()));
    outer
}

fn flagged(mut def: MapDef, flags: MapFlags) -> MapDef {
    def.flags = flags;
    def
}

/// Whether a map of maps like `template` takes `candidate`, as measured.
#[test]
fn which_maps_fit() {
    let array = |value_size, entries| def(MapType::Array, 4, value_size, entries);
    let growing = |entries| flagged(array(8, entries), MapFlags::INNER_MAP);
    let hash = |key_size, value_size, entries| def(MapType::Hash, key_size, value_size, entries);
    for (template, candidate, fits) in [
        (array(8, 4), array(8, 4), true),
        (array(8, 4), array(8, 5), false),
        (array(8, 4), array(9, 4), false),
        (array(8, 4), hash(4, 8, 4), false),
        (
            array(8, 4),
            flagged(array(8, 4), MapFlags::RDONLY_PROG),
            false,
        ),
        (array(8, 4), growing(4), false),
        (array(8, 4), flagged(array(8, 4), MapFlags::RDONLY), true),
        (growing(4), growing(5), true),
        (growing(4), array(8, 5), false),
        (hash(4, 8, 4), hash(4, 8, 500), true),
        (hash(4, 8, 4), hash(5, 8, 4), false),
        (
            hash(4, 8, 4),
            flagged(hash(4, 8, 4), MapFlags::NO_PREALLOC),
            false,
        ),
        (hash(4, 8, 4), def(MapType::LruHash, 4, 8, 4), false),
        (
            def(MapType::Ringbuf, 0, 0, 4096),
            def(MapType::Ringbuf, 0, 0, 8192),
            true,
        ),
        (
            def(MapType::Xskmap, 4, 4, 4),
            def(MapType::Xskmap, 4, 4, 1),
            false,
        ),
        (
            def(MapType::PercpuArray, 4, 8, 4),
            def(MapType::PercpuArray, 4, 8, 1),
            true,
        ),
    ] {
        for map_type in [MapType::ArrayOfMaps, MapType::HashOfMaps] {
            let mut maps = Maps::new();
            let inner = maps.create(&candidate).unwrap();
            maps.create(&outer(map_type, &template)).unwrap();
            let answer = maps.sys_update(&ZERO, &inner.0.to_le_bytes(), 0);
            let expected = if fits { Ok(()) } else { Err(Errno::EINVAL) };
            assert_eq!(answer, expected, "{template:?} {candidate:?}");
        }
    }
}

#[test]
fn maps_of_maps() {
    for map_type in [MapType::ArrayOfMaps, MapType::HashOfMaps] {
        let inner = def(MapType::Array, 4, 8, 1);
        let mut maps = Maps::new();
        maps.create(&inner).unwrap();
        let id = maps.create(&inner).unwrap();
        maps.create(&outer(map_type, &inner)).unwrap();
        assert_eq!(maps.sys_lookup(&ZERO), Err(Errno::ENOENT));
        assert_eq!(maps.lookup(0, &ZERO), None);
        let value = id.0.to_le_bytes();
        assert_eq!(maps.sys_update(&ZERO, &FAR, 0), Err(Errno::EBADF));
        maps.sys_update(&ZERO, &value, 0).unwrap();
        assert_eq!(maps.sys_lookup(&ZERO), Ok(value.to_vec()));
        assert_eq!(maps.lookup(0, &ZERO), Some(id.handle()));
        let map = maps.maps.last_mut().unwrap();
        let target = map.target(&maps.space, &ZERO);
        assert_eq!(target, Some(Target::Map(MapId(1))));
        let map = maps.maps.last_mut().unwrap();
        let taken = map.sys_take(&mut maps.space, &ZERO);
        assert_eq!(taken, Err(Errno::ENOTSUPP));
        assert_eq!(maps.delete(&ZERO), Ok(()));
        assert_eq!(maps.delete(&ZERO), Err(Errno::ENOENT));
    }
}

/// An array of maps looks at flags and index first, a hash at the map.
#[test]
fn which_error_comes_first() {
    let inner = def(MapType::Array, 4, 8, 1);
    for (map_type, flags, outside) in [
        (MapType::ArrayOfMaps, Errno::EINVAL, Errno::E2BIG),
        (MapType::HashOfMaps, Errno::EBADF, Errno::EBADF),
    ] {
        let mut maps = Maps::with(&outer(map_type, &inner));
        assert_eq!(maps.sys_update(&ZERO, &FAR, 3), Err(flags));
        assert_eq!(maps.sys_update(&FAR, &FAR, 0), Err(outside));
    }
}

#[test]
fn program_arrays() {
    let mut maps = Maps::with(&def(MapType::ProgArray, 4, 4, 2));
    for flags in 1..5 {
        assert_eq!(maps.sys_update(&ONE, &FAR, flags), Err(Errno::EINVAL));
    }
    assert_eq!(maps.sys_update(&FAR, &FAR, 0), Err(Errno::E2BIG));
    assert_eq!(maps.sys_update(&ONE, &FAR, 0), Ok(()));
    let map = maps.maps.last_mut().unwrap();
    let target = map.target(&maps.space, &ONE);
    assert_eq!(target, Some(Target::Program(ProgId(99))));
    assert_eq!(maps.last().def().max_entries, 2);
    assert_eq!(maps.entries(), [(ONE.to_vec(), FAR.to_vec())]);
    assert_eq!(maps.delete(&ZERO), Err(Errno::ENOENT));
    assert_eq!(maps.delete(&FAR), Err(Errno::E2BIG));
    assert_eq!(maps.delete(&ONE), Ok(()));
}

#[test]
fn what_cannot_be_read_back() {
    for (map_type, errno) in [
        (MapType::PerfEventArray, Errno::ENOTSUPP),
        (MapType::CgroupArray, Errno::ENOTSUPP),
        (MapType::Xskmap, Errno::EOPNOTSUPP),
    ] {
        let mut maps = Maps::with(&def(map_type, 4, 4, 2));
        assert_eq!(maps.sys_lookup(&ZERO), Err(errno));
        assert_eq!(maps.next_key(Some(&ZERO)), Ok(ONE.to_vec()));
        assert_eq!(maps.next_key(Some(&ONE)), Err(Errno::ENOENT));
    }
}

#[test]
fn sockets() {
    let mut maps = Maps::with(&def(MapType::Xskmap, 4, 4, 2));
    assert_eq!(maps.lookup(0, &ONE), None);
    assert_eq!(maps.sys_update(&ONE, &FAR, 2), Err(Errno::ENOENT));
    assert_eq!(maps.sys_update(&ONE, &FAR, 0), Ok(()));
    assert_eq!(maps.sys_update(&ONE, &FAR, 1), Err(Errno::EEXIST));
    let socket = maps.lookup(0, &ONE).unwrap();
    assert_eq!(maps.space.load(socket.to_reg()), Ok(FAR));
    assert_eq!(maps.delete(&ZERO), Ok(()));
    assert_eq!(maps.delete(&FAR), Err(Errno::EINVAL));
}

#[test]
fn devices_and_cpus() {
    for map_type in [MapType::Devmap, MapType::DevmapHash, MapType::Cpumap] {
        let mut maps = Maps::with(&def(map_type, 4, 8, 2));
        let value = [7, 0, 0, 0, 3, 0, 0, 0];
        maps.sys_update(&ONE, &value, 0).unwrap();
        let map = maps.maps.last_mut().unwrap();
        let program = Some(ProgId(2));
        let expected = match map_type {
            MapType::Cpumap => Target::Cpu {
                cpu: 1,
                qsize: 7,
                program,
            },
            _ => Target::Device {
                ifindex: 7,
                program,
            },
        };
        assert_eq!(map.target(&maps.space, &ONE), Some(expected));
        assert_eq!(map.target(&maps.space, &ZERO), None);
        assert_eq!(map.target(&maps.space, &FAR), None);
        let at = maps.lookup(0, &ONE).unwrap();
        assert_eq!(maps.space.load(at.to_reg()), Ok(value));
        assert!(maps.space.store(at.to_reg(), [0; 4]).is_err());
    }
}

#[test]
fn perf_events_are_open() {
    let mut maps = Maps::with(&def(MapType::PerfEventArray, 4, 4, 8));
    let map = maps.last();
    let space = vm::memory::Space::new().unwrap();
    assert_eq!(map.target(&space, &ONE), Some(Target::PerfEvent));
    assert_eq!(map.target(&space, &[2, 0, 0, 0]), None);
}
