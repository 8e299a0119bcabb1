//! The address space, over a mapping of host memory and over a growing buffer.

use vm::memory::{Elements, GRANULE};
use vm::{Access, Addr, MapId, RegionKind, Rights, Space};

const KIND: RegionKind = RegionKind::Platform;

fn both(test: fn(Space)) {
    test(Space::new().expect("a space"));
    test(Space::buffered());
}

#[test]
fn regions_lie_one_after_the_other_and_begin_as_zeroes() {
    both(|mut space| {
        let first = space.add(10, Rights::ReadWrite, KIND).expect("room");
        let second = space
            .add(GRANULE + 1, Rights::ReadWrite, KIND)
            .expect("room");
        let third = space.add(0, Rights::ReadWrite, KIND).expect("room");
        assert_eq!(space.region(first).start, Addr(GRANULE));
        assert_eq!(space.region(second).start, Addr(2 * GRANULE));
        assert_eq!(space.region(third).start, Addr(4 * GRANULE));
        assert_eq!(
            space.bytes(Addr(2 * GRANULE), GRANULE + 1).iter().max(),
            Some(&0)
        );
    });
}

#[test]
fn every_byte_of_a_region_and_none_around_it() {
    both(|mut space| {
        let id = space.add(10, Rights::ReadWrite, KIND).expect("room");
        let start = space.region(id).start.to_reg();
        assert_eq!(
            space.store(start + 6, 0x0102_0304_u32.to_le_bytes()),
            Ok(())
        );
        assert_eq!(space.load::<2>(start + 8), Ok([2, 1]));
        assert_eq!(space.load::<8>(start + 2), Ok([0, 0, 0, 0, 4, 3, 2, 1]));
        for missed in [
            start + 3,
            start - 1,
            start + 10,
            start | 1 << 32,
            u64::MAX - 3,
            0,
        ] {
            let fault = space.load::<8>(missed).expect_err("outside");
            assert_eq!((fault.addr, fault.size), (missed, 8));
            assert_eq!(
                space.store(missed, [0; 8]).map_err(|f| f.access),
                Err(Access::Write)
            );
            assert!(space.read(missed, 8).is_err());
        }
    });
}

#[test]
fn rights_are_for_each_direction() {
    both(|mut space| {
        let cases = [
            (Rights::None, false, false),
            (Rights::Read, true, false),
            (Rights::ReadWrite, true, true),
            (Rights::Write, false, true),
        ];
        for (rights, read, write) in cases {
            let id = space.add(8, rights, KIND).expect("room");
            let start = space.region(id).start.to_reg();
            assert_eq!(space.load::<8>(start).is_ok(), read, "{rights:?}");
            assert_eq!(space.store(start, [1; 8]).is_ok(), write, "{rights:?}");
            assert_eq!(space.atomic64(start).is_ok(), read && write, "{rights:?}");
        }
    });
}

#[test]
fn bounds_move_within_the_granules() {
    both(|mut space| {
        let id = space
            .add(4096, Rights::ReadWrite, RegionKind::Packet)
            .expect("room");
        let start = space.region(id).start;
        space.set_bounds(id, start.offset(256), 64);
        assert!(space.load::<1>(start.to_reg() + 255).is_err());
        assert!(space.load::<8>(start.to_reg() + 256 + 56).is_ok());
        assert!(space.load::<8>(start.to_reg() + 256 + 57).is_err());
        let fault = space.read(start.to_reg() + 250, 4).expect_err("in front");
        assert_eq!(
            fault.to_string(),
            "read of 4 bytes at 0x100fa, 6 bytes before the packet"
        );
    });
}

#[test]
fn elements_are_apart_even_where_they_touch() {
    both(|mut space| {
        let kind = RegionKind::MapValues(MapId(3));
        let id = space.add(48, Rights::ReadWrite, kind).expect("room");
        let elements = Elements {
            stride: 16,
            at: 4,
            len: 12,
        };
        space.set_elements(id, elements);
        let start = space.region(id).start.to_reg();
        assert!(space.load::<8>(start + 4).is_ok());
        assert!(space.load::<4>(start + 16 + 12).is_ok());
        assert!(space.load::<4>(start).is_err());
        let fault = space.load::<8>(start + 16 + 12).expect_err("into the next");
        assert_eq!(
            fault.to_string(),
            "read of 8 bytes at 0x1001c, 4 bytes past the end of the value of map number 3 (element 1)"
        );
    });
}

/// Memory is kept for the next region as long as no engine asked for it.
#[test]
fn what_a_removed_region_held_is_zero_in_the_next() {
    both(|mut space| {
        for round in 0..3 {
            if round == 1 {
                space.host();
            }
            let id = space.add(40, Rights::ReadWrite, KIND).expect("room");
            let start = space.region(id).start;
            assert_eq!(start, Addr(GRANULE));
            // What lies behind the bounds may come into them.
            for behind in [0, 32, 4000] {
                space.set_bounds(id, start.offset(behind), 40);
                let bytes = space.bytes_mut(start.offset(behind), 40);
                assert_eq!(bytes, [0; 40], "round {round}");
            }
            for behind in [0, 4000] {
                space.set_bounds(id, start.offset(behind), 40);
                space.bytes_mut(start.offset(behind), 40).fill(7);
            }
            space.set_bounds(id, start, 40);
            space.remove(id);
            assert!(space.load::<8>(start.to_reg()).is_err());
        }
    });
}

#[test]
fn removed_regions_are_gone_and_their_place_is_used_again() {
    both(|mut space| {
        let ids: Vec<_> = (0..4)
            .map(|_| space.add(GRANULE, Rights::ReadWrite, KIND).expect("room"))
            .collect();
        let at = |space: &Space, i: usize| space.region(ids[i]).start;
        let (first, second, third) = (at(&space, 0), at(&space, 1), at(&space, 2));
        space.bytes_mut(second, 4).fill(7);
        space.remove(ids[1]);
        space.remove(ids[1]);
        let fault = space
            .load::<1>(second.to_reg() + 5000)
            .expect_err("removed");
        assert!(
            fault
                .to_string()
                .ends_with(", where nothing is, or is any more")
        );
        let again = space.add(8, Rights::ReadWrite, KIND).expect("room");
        assert_eq!(space.region(again).start, second);
        assert_eq!(space.load::<4>(second.to_reg()), Ok([0; 4]));
        // Two that are next to each other are room for one of twice the size.
        space.remove(again);
        space.remove(ids[2]);
        let large = space
            .add(2 * GRANULE, Rights::ReadWrite, KIND)
            .expect("room");
        assert_eq!(space.region(large).start, second);
        assert_eq!(third.0, second.0 + GRANULE);
        assert!(space.load::<8>(first.to_reg()).is_ok());
    });
}

#[test]
fn atomics_want_alignment() {
    both(|mut space| {
        let id = space.add(16, Rights::ReadWrite, KIND).expect("room");
        let start = space.region(id).start.to_reg();
        assert!(space.atomic32(start + 4).is_ok_and(|word| word.is_some()));
        assert!(space.atomic32(start + 2).is_ok_and(|word| word.is_none()));
        assert!(space.atomic64(start + 4).is_ok_and(|word| word.is_none()));
        assert!(space.atomic64(start + 12).is_err());
    });
}

#[test]
fn too_much_is_an_error_and_leaves_the_space_usable() {
    let mut space = Space::new().expect("a space");
    let id = space
        .add(u32::MAX - 2 * GRANULE, Rights::None, KIND)
        .expect("room");
    assert!(space.add(2 * GRANULE, Rights::ReadWrite, KIND).is_err());
    space.remove(id);
    assert!(space.add(2 * GRANULE, Rights::ReadWrite, KIND).is_ok());
}
