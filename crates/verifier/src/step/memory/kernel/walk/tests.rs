//! Walks over structures made up here; the sentences are those that Linux 6.18
//! writes for such a structure of its own.

use btf::build::{BtfBuilder, Encoding};
use btf::{Btf, Kind, TypeId};

use super::{Found, Wanted, find};
use crate::state::Flags;

/// ```c
/// struct inner { u32 a; struct inner *next; };
/// struct outer {
///     u32 first; u32 low:3; u32 high:9;   // 0, 4
///     struct inner in[2];                  // 8
///     union { u64 number; struct inner *pointer; };   // 40
///     void *plain;                         // 48
///     u8 bytes[5];                         // 56
///     struct inner more[];                 // 64
/// };
/// ```
fn outer() -> (Btf, TypeId) {
    let mut build = BtfBuilder::new();
    let u32_ = build.int("u32", 4, Encoding::Unsigned);
    let u64_ = build.int("u64", 8, Encoding::Unsigned);
    let byte = build.int("u8", 1, Encoding::Unsigned);
    let inner = TypeId(build.next_id().0 + 1);
    let pointer = build.ptr(inner);
    let members = [("a", u32_, 0).into(), ("next", pointer, 64).into()];
    assert_eq!(build.struct_("inner", 16, &members), inner);
    let two = build.array(inner, 2);
    let either = build.union_(
        "",
        8,
        &[("number", u64_, 0).into(), ("pointer", pointer, 0).into()],
    );
    let plain = build.ptr(TypeId::VOID);
    let bytes = build.array(byte, 5);
    let more = build.array(inner, 0);
    let members = [
        ("first", u32_, 0).into(),
        ("low", u32_, 32, 3).into(),
        ("high", u32_, 35, 9).into(),
        ("in", two, 64).into(),
        ("", either, 40 * 8).into(),
        ("plain", plain, 48 * 8).into(),
        ("bytes", bytes, 56 * 8).into(),
        ("more", more, 64 * 8).into(),
    ];
    let outer = build.struct_("outer", 64, &members);
    (build.finish().expect("a graph"), outer)
}

/// What a read of `size` bytes at `off` finds, in a word, or why nothing.
fn walk(off: i64, size: u32) -> String {
    let (btf, outer) = outer();
    match find(&btf, outer, Wanted { off, size }) {
        Ok(Found::Number) => "number".to_owned(),
        Ok(Found::Memory) => "memory".to_owned(),
        Ok(Found::Pointer(found)) => {
            let untrusted = found.flags.contains(Flags::UNTRUSTED);
            let doubt = if untrusted { "untrusted " } else { "" };
            format!("{doubt}{} to {}", found.member, btf.name(found.target))
        }
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn members_are_found_however_deep() {
    assert_eq!(walk(0, 4), "number");
    assert_eq!(walk(8, 4), "number");
    assert_eq!(walk(16, 8), "next to inner");
    assert_eq!(walk(32, 8), "next to inner");
    assert_eq!(walk(48, 8), "memory");
    assert_eq!(walk(60, 1), "number");
}

#[test]
fn a_union_is_whatever_its_first_member_says_and_not_trusted() {
    assert_eq!(walk(40, 8), "number");
    let mut build = BtfBuilder::new();
    let target = build.struct_("target", 0, &[]);
    let pointer = build.ptr(target);
    let both = [("one", pointer, 0).into(), ("other", pointer, 0).into()];
    let either = build.union_("either", 8, &both);
    let btf = build.finish().expect("a graph");
    assert_eq!(btf.kind(either), Some(Kind::Union));
    let Ok(Found::Pointer(found)) = find(&btf, either, Wanted { off: 0, size: 8 }) else {
        panic!("a pointer");
    };
    assert_eq!(found.member, "one");
    assert!(found.flags.contains(Flags::UNTRUSTED));
}

#[test]
fn bitfields_are_read_with_all_of_their_bytes() {
    assert_eq!(walk(4, 2), "number");
    assert_eq!(walk(4, 1), "number");
    assert_eq!(walk(5, 1), "struct outer doesn't have field at offset 5");
}

#[test]
fn behind_the_structure_its_last_array_goes_on() {
    assert_eq!(walk(64 + 16 * 3, 4), "number");
    assert_eq!(walk(64 + 16 * 3 + 8, 8), "next to inner");
}

#[test]
fn sentences() {
    assert_eq!(
        walk(16, 4),
        "cannot access ptr member next with moff 8 in struct inner with off 8 size 4"
    );
    assert_eq!(
        walk(56, 8),
        "access beyond the end of member bytes (mend:61) in struct outer with off 56 size 8"
    );
    assert_eq!(walk(61, 1), "struct outer doesn't have field at offset 61");
    assert_eq!(walk(13, 1), "struct inner doesn't have field at offset 5");
    assert_eq!(walk(20, 8), "access beyond struct inner at off 12 size 8");
}
