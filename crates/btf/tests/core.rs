//! CO-RE relocations: the same answers as libbpf's.

use std::{fmt::Write, sync::Arc};

use btf::{
    Btf, TypeId,
    build::{BtfBuilder, Encoding, MemberDef},
    core::{AccessSize, Error, Fixup, Relo, ReloKind, Resolver, resolve},
    ext::Ext,
};

/// All relocations of `data/program.c` against `data/target.c`.
#[test]
fn answers_are_those_of_libbpf() {
    let program = Btf::parse(include_bytes!("data/program.btf")).unwrap();
    let ext = Ext::parse(include_bytes!("data/program.btf.ext"), &program).unwrap();
    let target = Btf::parse(include_bytes!("data/target.btf")).unwrap();
    let mut resolver = Resolver::new(&program, &target);
    let mut ours = String::new();
    for section in &ext.core_relo {
        for relo in &section.records {
            let Relo {
                insn_off,
                type_id,
                access,
                kind,
            } = relo;
            let answer = match resolver.resolve(relo) {
                Ok(fixup) => describe(&fixup),
                Err(_) => "error".to_owned(),
            };
            let (section, kind) = (&section.name, *kind as u32);
            writeln!(
                ours,
                "{section}+{insn_off} kind {kind} [{type_id}] {access}: {answer}"
            )
            .unwrap();
        }
    }
    let libbpfs = include_str!("data/libbpf.txt");
    for (ours, libbpfs) in ours.lines().zip(libbpfs.lines()) {
        assert_eq!(ours, libbpfs);
    }
    assert_eq!(ours.lines().count(), libbpfs.lines().count());
}

/// As `data/libbpf.c` prints it.
fn describe(fixup: &Fixup) -> String {
    let unchecked = if fixup.validate { "" } else { " unchecked" };
    if fixup.poison {
        return format!("{} -> poison{unchecked}", fixup.orig);
    }
    let none = AccessSize {
        orig: 0,
        new: 0,
        adjustable: true,
    };
    let AccessSize {
        orig,
        new,
        adjustable,
    } = fixup.access_size.unwrap_or(none);
    let wrong = if adjustable { "" } else { " wrong" };
    format!(
        "{} -> {}{unchecked} size {orig} -> {new}{wrong}",
        fixup.orig, fixup.new
    )
}

fn relo(type_id: TypeId, access: &str, kind: ReloKind) -> Relo {
    Relo {
        insn_off: 0,
        type_id,
        access: access.to_owned(),
        kind,
    }
}

/// A graph with `struct s` of these members, which are integers of four bytes.
fn with_struct(members: &[(&str, u32)]) -> (BtfBuilder, TypeId) {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, Encoding::Signed);
    let members: Vec<MemberDef<'_>> = members
        .iter()
        .map(|&(name, offset)| (name, int, offset).into())
        .collect();
    let id = b.struct_("s", 64, &members);
    (b, id)
}

#[test]
fn what_is_wrong_with_a_relocation_is_said() {
    let (b, s) = with_struct(&[("a", 0)]);
    let btf = b.finish().unwrap();
    let message = |id, access, kind| {
        resolve(&btf, &relo(id, access, kind), &btf)
            .unwrap_err()
            .to_string()
    };
    use ReloKind::*;
    let int = TypeId(1);
    for (id, access, kind, expected) in [
        (
            TypeId(9),
            "0",
            TypeSize,
            "type_size relocation of type [9], which does not exist",
        ),
        (
            TypeId::VOID,
            "0",
            TypeSize,
            "type_size relocation of type [0] (void), which has no name to look for",
        ),
        (
            s,
            "0:1",
            FieldByteOffset,
            "byte_off relocation of type [2] (struct s): access \"0:1\" is no member of it",
        ),
        (
            s,
            "0:x",
            FieldByteOffset,
            "byte_off relocation of type [2] (struct s): access \"0:x\" is not a list of numbers separated by colons",
        ),
        (
            s,
            "",
            FieldByteOffset,
            "byte_off relocation of type [2] (struct s): access \"\" is not a list of numbers separated by colons",
        ),
        (
            s,
            "0:0:0",
            FieldByteOffset,
            "byte_off relocation of type [2] (struct s): access \"0:0:0\" leads into what has no members",
        ),
        (
            s,
            "1",
            TypeExists,
            "type_exists relocation of type [2] (struct s): access \"1\" is not 0, as a type's has to be",
        ),
        (
            s,
            "0",
            EnumvalValue,
            "enumval_value relocation of type [2] (struct s): access \"0\" is not of an enum",
        ),
        (
            int,
            "0",
            FieldSigned,
            "signed relocation of an array element of type [1] (int)",
        ),
        (
            s,
            "99999999:0",
            FieldByteOffset,
            "byte_off relocation of type [2]: the offset does not fit 32 bits",
        ),
    ] {
        assert_eq!(message(id, access, kind), expected);
    }
    let long = ["0"; 65].join(":");
    assert!(message(s, &long, FieldExists).ends_with("has too many parts"));
}

#[test]
fn a_pointer_is_loaded_with_the_size_of_the_targets() {
    let side = |long| {
        let mut b = BtfBuilder::new();
        b.int("long unsigned int", long, Encoding::Unsigned);
        let ptr = b.ptr(TypeId::VOID);
        let id = b.struct_(
            "s",
            2 * long,
            &[("a", ptr, 0).into(), ("b", ptr, 8 * long).into()],
        );
        (b.finish().unwrap(), id)
    };
    let (local, id) = side(8);
    let (target, _) = side(4);
    let fixup = resolve(&local, &relo(id, "0:1", ReloKind::FieldByteOffset), &target).unwrap();
    let access_size = Some(AccessSize {
        orig: 8,
        new: 4,
        adjustable: true,
    });
    let expected = Fixup {
        orig: 8,
        new: 4,
        validate: true,
        poison: false,
        access_size,
    };
    assert_eq!(fixup, expected);
}

#[test]
fn candidates_that_did_not_match_are_not_asked_again() {
    let (b, s) = with_struct(&[("a", 0), ("b", 32)]);
    let local = b.finish().unwrap();
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, Encoding::Signed);
    b.struct_("s___1", 64, &[("a", int, 0).into()]);
    b.struct_("s___2", 64, &[("a", int, 32).into(), ("b", int, 64).into()]);
    let target = b.finish().unwrap();
    let a = relo(s, "0:0", ReloKind::FieldByteOffset);
    let b = relo(s, "0:1", ReloKind::FieldByteOffset);

    let ambiguous = resolve(&local, &a, &target).unwrap_err();
    let expected = Error::Ambiguous {
        kind: ReloKind::FieldByteOffset,
        name: "s".into(),
        first: TypeId(2),
        second: TypeId(3),
    };
    assert_eq!(ambiguous, expected);

    let mut resolver = Resolver::new(&local, &target);
    assert_eq!(resolver.resolve(&b).unwrap().new, 8);
    assert_eq!(resolver.resolve(&a).unwrap().new, 4);
}

#[test]
fn a_module_is_asked_only_for_what_the_kernel_has_not() {
    let (b, s) = with_struct(&[("a", 0)]);
    let local = b.finish().unwrap();
    let field = relo(s, "0:0", ReloKind::FieldByteOffset);
    for (kernel_name, expected) in [("s", 4), ("other", 8)] {
        let mut b = BtfBuilder::new();
        let int = b.int("int", 4, Encoding::Signed);
        b.struct_(kernel_name, 64, &[("a", int, 32).into()]);
        let kernel = Arc::new(b.finish().unwrap());
        let mut b = BtfBuilder::split(kernel);
        b.struct_("s", 64, &[("a", int, 64).into()]);
        let module = b.finish().unwrap();
        assert_eq!(resolve(&local, &field, &module).unwrap().new, expected);
    }
}

/// Types that would keep a search busy for ever, or nearly.
#[test]
fn graphs_that_fan_out_end() {
    let (b, s) = with_struct(&[("a", 0)]);
    let local = b.finish().unwrap();

    // Anonymous structs with two ways to the next one, sixty deep.
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, Encoding::Signed);
    let mut inner = b.struct_("", 4, &[("not_a", int, 0).into()]);
    for _ in 0..60 {
        inner = b.struct_("", 4, &[("", inner, 0).into(), ("", inner, 0).into()]);
    }
    b.struct_("s", 4, &[("", inner, 0).into()]);
    let target = b.finish().unwrap();
    let exists = resolve(&local, &relo(s, "0:0", ReloKind::FieldExists), &target).unwrap();
    assert_eq!(exists.new, 0);

    // Signatures whose parameters are the signature before, twice.
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, Encoding::Signed);
    let mut proto = b.func_proto(int, &[]);
    for _ in 0..25 {
        proto = b.func_proto(int, &[("x", proto), ("y", proto)]);
    }
    let name = b.typedef("name", proto);
    let looped = b.next_id();
    let looped = b.typedef("looped", looped);
    let both = b.finish().unwrap();
    for kind in [ReloKind::TypeExists, ReloKind::TypeMatches] {
        let error = resolve(&both, &relo(name, "0", kind), &both).unwrap_err();
        assert_eq!(error, Error::TooDeep { kind, id: name });
        let error = resolve(&both, &relo(looped, "0", kind), &both).unwrap_err();
        assert_eq!(error, Error::TooDeep { kind, id: looped });
    }
}

#[test]
fn a_bitfield_is_loaded_with_the_least_load_that_has_it() {
    let mut b = BtfBuilder::new();
    let u32_ = b.int("unsigned int", 4, Encoding::Unsigned);
    let u64_ = b.int("unsigned long", 8, Encoding::Unsigned);
    let members = [
        ("a", u32_, 60, 8),
        ("b", u32_, 30, 4),
        ("c", u64_, 60, 8),
        ("d", u32_, 3, 5),
    ];
    let packed = b.struct_("packed", 16, &members.map(MemberDef::from));
    let btf = b.finish().unwrap();
    let ask =
        |member, kind| resolve(&btf, &relo(packed, member, kind), &btf).map(|fixup| fixup.new);
    use ReloKind::*;
    let kinds = [
        FieldByteOffset,
        FieldByteSize,
        FieldLshiftU64,
        FieldRshiftU64,
    ];
    assert_eq!(
        kinds.map(|kind| ask("0:1", kind)),
        [Ok(0), Ok(8), Ok(30), Ok(60)]
    );
    assert_eq!(
        kinds.map(|kind| ask("0:3", kind)),
        [Ok(0), Ok(4), Ok(56), Ok(59)]
    );
    for member in ["0:0", "0:2"] {
        let error = ask(member, FieldByteOffset).unwrap_err();
        assert!(matches!(error, Error::WideBitfield { .. }), "{error}");
    }
}

#[test]
fn only_unsigned_integers_may_be_loaded_with_another_size() {
    let side = |size, encoding| {
        let mut b = BtfBuilder::new();
        let int = b.int("number", size, encoding);
        let id = b.struct_("s", size, &[("a", int, 0).into()]);
        (b.finish().unwrap(), id)
    };
    use Encoding::{Signed, Unsigned};
    for (orig, new, adjustable) in [
        ((4, Unsigned), (8, Unsigned), true),
        ((8, Unsigned), (4, Unsigned), true),
        ((4, Unsigned), (8, Signed), false),
        ((4, Signed), (8, Unsigned), false),
        ((4, Signed), (4, Unsigned), true),
    ] {
        let (local, id) = side(orig.0, orig.1);
        let (target, _) = side(new.0, new.1);
        let field = relo(id, "0:0", ReloKind::FieldByteOffset);
        let size = resolve(&local, &field, &target)
            .unwrap()
            .access_size
            .unwrap();
        assert_eq!(size.adjustable, adjustable, "{orig:?} {new:?}");
    }
}

#[test]
fn behind_a_pointer_a_type_matches_by_name() {
    let local = |by_pointer| {
        let mut b = BtfBuilder::new();
        let int = b.int("int", 4, Encoding::Signed);
        let other = b.struct_("other", 4, &[("old", int, 0).into()]);
        let member = if by_pointer { b.ptr(other) } else { other };
        let id = b.struct_("s", 8, &[("member", member, 0).into()]);
        let fwd = b.fwd("other", false);
        let alias = b.typedef("alias", fwd);
        (b.finish().unwrap(), id, alias)
    };
    let target = |by_pointer, known| {
        let mut b = BtfBuilder::new();
        let int = b.int("int", 4, Encoding::Signed);
        let other = if known {
            b.struct_("other", 4, &[("new", int, 0).into()])
        } else {
            b.fwd("other", false)
        };
        let member = if by_pointer { b.ptr(other) } else { other };
        b.struct_("s", 8, &[("member", member, 0).into()]);
        b.typedef("alias", other);
        b.finish().unwrap()
    };
    for by_pointer in [true, false] {
        let (local, s, alias) = local(by_pointer);
        let matches = |id, known| {
            let target = target(by_pointer, known);
            resolve(&local, &relo(id, "0", ReloKind::TypeMatches), &target)
                .unwrap()
                .new
        };
        assert_eq!(matches(s, true), u64::from(by_pointer));
        assert_eq!(matches(s, false), u64::from(by_pointer));
        assert_eq!((matches(alias, true), matches(alias, false)), (0, 1));
    }
}
