//! The type graph: parsing, sizes, names, and the errors of malformed bytes.

use std::sync::Arc;

use btf::{
    Btf, Error, Kind, Linkage, Type, TypeId,
    build::{BtfBuilder, Encoding},
    ext::{Ext, FuncInfo, LineInfo},
};

/// One type of each kind; the ids are those of `Kind::ALL`, in order.
fn every_kind() -> BtfBuilder {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, Encoding::Signed);
    let ptr = b.ptr(int);
    let array = b.array(int, 3);
    b.struct_("s", 16, &[("a", int, 0).into(), ("b", ptr, 64).into()]);
    b.union_(
        "u",
        12,
        &[("list", array, 0).into(), ("bits", int, 3, 5).into()],
    );
    b.enum_("e", 4, false, &[("HIGH", i32::MIN), ("ONE", 1)]);
    b.fwd("f", true);
    let name = b.typedef("name", array);
    b.alias(Kind::Volatile, "", name);
    b.alias(Kind::Const, "", int);
    b.alias(Kind::Restrict, "", ptr);
    b.func("main", TypeId(13), Linkage::Global);
    b.func_proto(int, &[("x", int), ("", TypeId::VOID)]);
    let var = b.var("v", name, Linkage::Extern);
    b.datasec(".data", 12, &[(var, 0, 12)]);
    b.float("double", 8);
    b.decl_tag("hot", TypeId(12), Some(1));
    b.alias(Kind::TypeTag, "user", int);
    b.enum64("e64", 8, true, &[("MIN", i64::MIN)]);
    b
}

#[test]
fn every_kind_reads_back() {
    let btf = every_kind().finish().unwrap();
    let kinds: Vec<Kind> = btf.types().map(|(_, ty)| ty.kind()).collect();
    assert_eq!(kinds, Kind::ALL);
    let shown: Vec<String> = btf.ids().map(|id| btf.type_name(id).to_string()).collect();
    assert_eq!(
        shown,
        [
            "int",
            "int *",
            "int[3]",
            "struct s",
            "union u",
            "enum e",
            "union f",
            "name",
            "volatile name",
            "const int",
            "int *restrict",
            "int main(int x, ...)",
            "int (int x, ...)",
            "name v",
            "section .data",
            "double",
            "btf_decl_tag(\"hot\")",
            "int",
            "enum e64",
        ]
    );
    let sizes: Vec<Option<u32>> = btf.ids().map(|id| btf.size_of(id)).collect();
    let expected = [
        4, 8, 12, 16, 12, 4, 0, 12, 12, 4, 8, 0, 0, 12, 12, 8, 0, 4, 8,
    ];
    assert_eq!(sizes, expected.map(|size| (size != 0).then_some(size)));
    let aligns: Vec<Option<u32>> = btf.ids().map(|id| btf.align_of(id)).collect();
    let expected = [4, 8, 4, 8, 4, 4, 0, 4, 4, 4, 8, 0, 0, 4, 0, 8, 0, 4, 8];
    assert_eq!(aligns, expected.map(|align| (align != 0).then_some(align)));
}

#[test]
fn payloads_read_back() {
    let btf = every_kind().finish().unwrap();
    let get = |kind: Kind| btf.ty(TypeId(kind as u32)).unwrap();
    let Type::Union(union) = get(Kind::Union) else {
        panic!("no union")
    };
    let bits = union.member(1).unwrap();
    assert_eq!(
        (bits.name, bits.bit_offset, bits.bitfield_size),
        ("bits", 3, 5)
    );
    let Type::Enum(narrow) = get(Kind::Enum) else {
        panic!("no enum")
    };
    let high = narrow.value(0).unwrap();
    assert_eq!(
        (high.value, high.bits),
        (0x8000_0000, 0xffff_ffff_8000_0000)
    );
    let Type::Enum64(wide) = get(Kind::Enum64) else {
        panic!("no enum64")
    };
    assert_eq!(wide.values().next().unwrap().value, i64::MIN.into());
    let Type::Func(func) = get(Kind::Func) else {
        panic!("no func")
    };
    assert_eq!((func.name, func.linkage), ("main", Linkage::Global));
    let Type::DeclTag(tag) = get(Kind::DeclTag) else {
        panic!("no tag")
    };
    assert_eq!(
        (tag.name, tag.ty, tag.component),
        ("hot", TypeId(12), Some(1))
    );
    let Type::Fwd(fwd) = get(Kind::Fwd) else {
        panic!("no fwd")
    };
    assert!(fwd.union);
    let Type::Var(var) = get(Kind::Var) else {
        panic!("no var")
    };
    assert_eq!(var.linkage, Linkage::Extern);
}

#[test]
fn declarations_read_as_in_c() {
    let mut b = BtfBuilder::new();
    let char_ = b.int("char", 1, Encoding::Signed);
    let text = b.alias(Kind::Const, "", char_);
    let text = b.ptr(text);
    let fixed = b.alias(Kind::Const, "", text);
    let list = b.array(fixed, 4);
    let to_list = b.ptr(list);
    let grid = b.array(list, 2);
    let proto = b.func_proto(text, &[("", to_list), ("n", char_)]);
    let callback = b.ptr(proto);
    let table = b.array(callback, 8);
    let nothing = b.func_proto(TypeId::VOID, &[]);
    let loops = b.next_id();
    let loops = b.ptr(loops);
    let btf = b.finish().unwrap();
    for (id, expected) in [
        (text, "const char *x"),
        (fixed, "const char *const x"),
        (list, "const char *const x[4]"),
        (to_list, "const char *const (*x)[4]"),
        (grid, "const char *const x[2][4]"),
        (
            callback,
            "const char *(*x)(const char *const (*)[4], char n)",
        ),
        (
            table,
            "const char *(*x[8])(const char *const (*)[4], char n)",
        ),
        (nothing, "void x(void)"),
    ] {
        assert_eq!(btf.declaration(id, "x").to_string(), expected);
    }
    assert!(btf.type_name(loops).to_string().starts_with("… *"));
}

#[test]
fn split_btf_continues_its_base() {
    let base = Arc::new(every_kind().finish().unwrap());
    let mut b = BtfBuilder::split(Arc::clone(&base));
    let own = b.struct_("own", 4, &[("a", TypeId(1), 0).into()]);
    let again = b.struct_("s", 4, &[]);
    let split = b.finish().unwrap();
    assert_eq!(own, TypeId(base.len()));
    assert_eq!(split.own_ids().collect::<Vec<_>>(), [own, again]);
    assert_eq!((split.name(own), split.name(TypeId(1))), ("own", "int"));
    assert_eq!(split.find("own", Kind::Struct), Some(own));
    assert_eq!(split.find_all("s").collect::<Vec<_>>(), [TypeId(4), again]);
    let members = split.ty(own).unwrap().as_composite().unwrap();
    assert_eq!(
        split.type_name(members.member(0).unwrap().ty).to_string(),
        "int"
    );
}

#[test]
fn names_find_types_with_and_without_flavor() {
    let mut b = BtfBuilder::new();
    let ids = ["t", "t___new", "t___new___er", "u", "t"].map(|name| b.struct_(name, 4, &[]));
    let fwd = b.fwd("t", false);
    let btf = b.finish().unwrap();
    assert_eq!(btf.find("t", Kind::Struct), Some(ids[0]));
    assert_eq!(btf.find("t", Kind::Fwd), Some(fwd));
    assert_eq!(btf.find("t___new", Kind::Struct), Some(ids[1]));
    assert_eq!(btf.find("t", Kind::Union), None);
    assert_eq!(btf.find_all("t").collect::<Vec<_>>(), [ids[0], ids[4], fwd]);
    assert_eq!(
        btf.flavors("t").collect::<Vec<_>>(),
        [ids[0], ids[1], ids[4], fwd]
    );
    assert_eq!(btf.flavors("t___new").collect::<Vec<_>>(), [ids[2]]);
}

#[test]
fn a_packed_struct_is_seen_by_its_members() {
    let mut b = BtfBuilder::new();
    let u8_ = b.int("u8", 1, Encoding::Unsigned);
    let u32_ = b.int("u32", 4, Encoding::Unsigned);
    let packed = b.struct_("packed", 5, &[("a", u8_, 0).into(), ("b", u32_, 8).into()]);
    let odd = b.struct_("odd", 5, &[("b", u32_, 0).into(), ("a", u8_, 32).into()]);
    let around = b.struct_(
        "around",
        8,
        &[("p", packed, 0).into(), ("a", u8_, 40).into()],
    );
    let btf = b.finish().unwrap();
    assert_eq!(
        [packed, odd, around].map(|id| btf.align_of(id)),
        [Some(1); 3]
    );
}

#[test]
fn a_section_is_laid_out_afterwards() {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, Encoding::Signed);
    let [first, second] = ["first", "second"].map(|name| b.var(name, int, Linkage::Global));
    let section = b.datasec(".data", 0, &[(first, 0, 4), (second, 0, 4)]);
    let mut btf = b.finish().unwrap();
    let offset = |_, name: &str| Some(if name == "first" { 8 } else { 4 });
    btf.lay_out_datasec(section, 12, offset).unwrap();
    // What was written is also what the bytes say.
    for btf in [&btf, &Btf::parse(btf.bytes()).unwrap()] {
        let Some(Type::Datasec(section)) = btf.ty(section) else {
            panic!("no section")
        };
        assert_eq!(section.size, 12);
        let vars: Vec<_> = section.vars().map(|var| (var.ty, var.offset)).collect();
        assert_eq!(vars, [(second, 4), (first, 8)]);
    }
    let wrong = btf.lay_out_datasec(int, 12, |_, _| None).unwrap_err();
    assert_eq!(
        wrong,
        Error::WrongKind {
            id: int,
            expected: "datasec"
        }
    );
}

#[test]
fn endless_chains_have_no_end() {
    let mut b = BtfBuilder::new();
    let a = b.typedef("a", TypeId(2));
    let c = b.alias(Kind::Const, "", TypeId(1));
    let list = b.next_id();
    let list = b.array(list, 2);
    let own = b.next_id();
    let own = b.struct_("own", 4, &[("own", own, 0).into()]);
    let btf = b.finish().unwrap();
    for id in [a, c] {
        assert_eq!(
            (btf.resolve(id), btf.size_of(id), btf.align_of(id)),
            (None, None, None)
        );
    }
    assert_eq!((btf.size_of(list), btf.align_of(list)), (None, None));
    assert_eq!((btf.size_of(own), btf.align_of(own)), (Some(4), None));
    assert_eq!(btf.resolve(TypeId(99)), None);
}

#[test]
fn names_have_a_limit() {
    let mut b = BtfBuilder::new();
    let id = b.struct_(&"x".repeat(4097), 4, &[]);
    let error = b.finish().unwrap_err();
    assert_eq!(error, Error::BadName { id, offset: 1 });
    // The same string from its second byte on is short enough.
    let mut bytes = b.bytes();
    bytes[24] = 2;
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.name(id).len(), 4096);
    // What is no name has no limit.
    assert_eq!(btf.str(1).unwrap().len(), 4097);
}

/// What is wrong with the bytes of a graph after a change.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = every_kind().bytes();
    change(&mut bytes);
    Btf::parse(&bytes).map_or_else(|error| error.to_string(), |_| "nothing".to_owned())
}

#[test]
fn malformed_bytes_are_named_with_their_place() {
    let info = |bytes: &mut Vec<u8>, info: u32| bytes[28..32].copy_from_slice(&info.to_le_bytes());
    assert_eq!(
        changed(|b| b.truncate(1)),
        "BTF header at byte 0 needs 24 bytes, 1 are there"
    );
    assert_eq!(changed(|b| b[..2].swap(0, 1)), Error::BigEndian.to_string());
    assert_eq!(
        changed(|b| b[0] = 0),
        "not BTF: the first two bytes are 0xeb00, not 0xeb9f"
    );
    assert_eq!(
        changed(|b| b[2] = 2),
        "BTF version 2 is not supported, only version 1 is"
    );
    assert_eq!(changed(|b| b[3] = 1), "unknown BTF header flags 0x01");
    assert_eq!(changed(|b| b[4] = 20), "BTF header length 20 is below 24");
    assert!(changed(|b| b[12] -= 1).starts_with("BTF type at byte "));
    assert!(changed(|b| b.truncate(b.len() - 1)).starts_with("BTF strings at byte "));
    assert_eq!(
        changed(|b| *b.last_mut().unwrap() = b'x'),
        "the BTF string table is not enclosed in zero bytes"
    );
    assert_eq!(
        changed(|b| {
            let strings = 24 + u32::from_le_bytes(b[16..20].try_into().unwrap()) as usize;
            b[strings + 1] = 0xff;
        }),
        "the BTF string table is not UTF-8 at byte 1 of it"
    );
    assert_eq!(
        changed(|b| b[24..28].fill(0xff)),
        "type [1] has string offset 4294967295, which is no name in the BTF string table"
    );
    assert_eq!(
        changed(|b| info(b, 20 << 24)),
        "type [1] at byte 24 is of unknown kind 20"
    );
    assert_eq!(
        changed(|b| info(b, 1 << 24 | 1 << 16)),
        "type [1] at byte 24: unknown bits in its info word"
    );
    assert_eq!(
        changed(|b| info(b, 1 << 24 | 1)),
        "type [1] at byte 24: a list length on a kind that has no list"
    );
    assert_eq!(
        changed(|b| info(b, 1 << 24 | 1 << 31)),
        "type [1] at byte 24: a kind flag on a kind that has none"
    );
    assert_eq!(
        changed(|b| b[36] = 33),
        "type [1] at byte 24: an integer of more bits than its size has or than 128"
    );
    assert_eq!(
        changed(|b| b[32..40].copy_from_slice(&[32, 0, 0, 0, 129, 0, 0, 0])),
        "type [1] at byte 24: an integer of more bits than its size has or than 128"
    );
    let mut b = BtfBuilder::new();
    b.ptr(TypeId(2));
    assert_eq!(
        b.finish().unwrap_err().to_string(),
        "type [1] refers to type [2], the last one is [1]"
    );
}

/// Name of a section, and words of its records.
type Section<'a> = (u32, &'a [&'a [u32]]);

/// A `.BTF.ext` of these tables, each a record size and sections.
fn ext(header_len: u32, tables: &[(u32, &[Section<'_>])]) -> Vec<u8> {
    let mut body: Vec<u8> = Vec::new();
    let mut header = vec![0x9f, 0xeb, 1, 0];
    header.extend(header_len.to_le_bytes());
    for (record_size, sections) in tables {
        let start = body.len() as u32;
        body.extend(record_size.to_le_bytes());
        for (name, records) in *sections {
            body.extend(name.to_le_bytes());
            body.extend((records.len() as u32).to_le_bytes());
            body.extend(
                records
                    .iter()
                    .flat_map(|r| r.iter().flat_map(|w| w.to_le_bytes())),
            );
        }
        header.extend(start.to_le_bytes());
        header.extend((body.len() as u32 - start).to_le_bytes());
    }
    header.resize(header_len as usize, 0);
    header.extend(body);
    header
}

#[test]
fn tables_of_ext_are_read_by_section() {
    let mut b = every_kind();
    let [xdp, tc, file, line] = ["xdp", "tc", "prog.c", "return 2;"].map(|s| b.string(s));
    let btf = b.finish().unwrap();
    // Records longer than known: what comes after is skipped.
    let bytes = ext(
        32,
        &[
            (
                12,
                &[
                    (xdp, &[&[0, 12, 0xffff], &[16, 12, 0xffff]]),
                    (tc, &[&[8, 12, 0xffff]]),
                ],
            ),
            (16, &[(xdp, &[&[8, file, line, 42 << 10 | 7]])]),
            (16, &[]),
        ],
    );
    let ext = Ext::parse(&bytes, &btf).unwrap();
    let sections: Vec<&str> = ext
        .func_info
        .iter()
        .map(|section| section.name.as_str())
        .collect();
    assert_eq!(sections, ["xdp", "tc"]);
    let func = |insn_off| FuncInfo {
        insn_off,
        type_id: TypeId(12),
    };
    assert_eq!(ext.func_info[0].records, [func(0), func(16)]);
    let at: LineInfo = ext.line_info[0].records[0];
    assert_eq!((at.insn_off, at.line, at.column), (8, 42, 7));
    assert_eq!((at.file(&btf), at.text(&btf)), ("prog.c", "return 2;"));
    assert!(ext.core_relo.is_empty());
}

#[test]
fn mistakes_in_ext_are_named() {
    let mut b = every_kind();
    let xdp = b.string("xdp");
    let btf = b.finish().unwrap();
    let none: (u32, &[Section<'_>]) = (16, &[]);
    let funcs = |record_size, sections: &[Section<'_>]| ext(24, &[(record_size, sections), none]);
    let message = |bytes: Vec<u8>| Ext::parse(&bytes, &btf).unwrap_err().to_string();
    assert_eq!(
        message(funcs(4, &[])),
        "func_info record size 4 is not a multiple of 4 from 8 on"
    );
    assert_eq!(
        message(funcs(9, &[])),
        "func_info record size 9 is not a multiple of 4 from 8 on"
    );
    assert_eq!(
        message(funcs(8, &[(xdp, &[&[4, 12]])])),
        "func_info of section xdp has instruction offset 4, no multiple of 8"
    );
    assert_eq!(
        message(funcs(8, &[(9999, &[])])),
        "string offset 9999 of func_info is not in the BTF string table"
    );
    assert_eq!(
        message(funcs(8, &[(xdp, &[&[0, 99]])])),
        "func_info of section xdp refers to type [99], the last one is [19]"
    );
    let mut b = every_kind();
    let long = b.string(&"x".repeat(1025));
    let with_long = b.finish().unwrap();
    assert_eq!(
        Ext::parse(&funcs(8, &[(long, &[])]), &with_long).unwrap_err(),
        Error::LongString {
            what: "func_info",
            offset: long
        }
    );
    let unknown: (u32, &[Section<'_>]) = (16, &[(xdp, &[&[8, 1, xdp, 13]])]);
    assert_eq!(
        message(ext(32, &[none, none, unknown])),
        "CO-RE relocation at xdp+0x8 is of unknown kind 13"
    );
    // More records claimed than there are: nothing is allocated for them.
    let mut bytes = funcs(8, &[(xdp, &[])]);
    let len = bytes.len();
    bytes[24 + 8..24 + 12].fill(0xff);
    bytes.truncate(len);
    assert!(message(bytes).starts_with("func_info at byte 36 needs 34359738360 bytes"));
}
