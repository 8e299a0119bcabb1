//! Values of types: what they look like, what is refused, and that nothing gets
//! lost on the way.

#![expect(clippy::unwrap_used, reason = "a test")]

use btf::{
    Btf, Kind, Linkage, TypeId,
    build::{BtfBuilder, Encoding},
    value::{Problem, Value, decode, encode},
};
use proptest::prelude::*;

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn fields<const N: usize>(list: [(&str, Value); N]) -> Value {
    Value::Struct(list.map(|(name, value)| (name.to_owned(), value)).to_vec())
}

/// The types that the tests below speak of.
struct Zoo {
    btf: Btf,
    flow: TypeId,
    flags: TypeId,
    address: TypeId,
    proto: TypeId,
    section: TypeId,
    double: TypeId,
    s8: TypeId,
    bool_: TypeId,
    flagged_char: TypeId,
    u128_: TypeId,
    big: TypeId,
}

fn zoo() -> Zoo {
    let mut b = BtfBuilder::new();
    let u8_ = b.int("unsigned char", 1, Encoding::Unsigned);
    let s8 = b.int("signed char", 1, Encoding::Signed);
    let u16_ = b.int("unsigned short", 2, Encoding::Unsigned);
    let u32_ = b.int("unsigned int", 4, Encoding::Unsigned);
    let s32 = b.int("int", 4, Encoding::Signed);
    let u128_ = b.int("unsigned __int128", 16, Encoding::Unsigned);
    let char_ = b.int("char", 1, Encoding::Signed);
    let flagged_char = b.int("char8", 1, Encoding::Char);
    let bool_ = b.int("_Bool", 1, Encoding::Bool);
    let double = b.float("double", 8);
    let const_char = b.alias(Kind::Const, "", char_);
    let name = b.array(const_char, 8);
    let be16 = b.typedef("__be16", u16_);
    let ports = b.array(be16, 2);
    let bytes = b.array(u8_, 4);
    let ptr = b.ptr(u32_);
    let proto = b.enum_(
        "proto",
        4,
        false,
        &[("TCP", 6), ("UDP", 17), ("ALSO_UDP", 17)],
    );
    let big = b.enum64("big", 8, true, &[("HUGE", i64::MAX), ("LOW", -1)]);
    let address = b.union_(
        "address",
        4,
        &[("v4", u32_, 0).into(), ("bytes", bytes, 0).into()],
    );
    let inner = b.struct_("", 8, &[("a", u32_, 0).into(), ("b", s32, 32).into()]);
    let flow = b.struct_(
        "flow",
        40,
        &[
            ("name", name, 0).into(),
            ("", inner, 64).into(),
            ("src", address, 128).into(),
            ("ports", ports, 160).into(),
            ("proto", proto, 192).into(),
            // Four bytes of padding.
            ("next", ptr, 256).into(),
        ],
    );
    let flags = b.struct_(
        "flags",
        4,
        &[
            ("low", u32_, 0, 3).into(),
            ("sign", s32, 3, 5).into(),
            ("wide", u32_, 8, 17).into(),
            ("on", bool_, 25, 1).into(),
            ("proto", proto, 26, 6).into(),
        ],
    );
    let counter = b.var("counter", u32_, Linkage::Global);
    let label = b.var("label", name, Linkage::Static);
    let section = b.datasec(".data", 16, &[(counter, 0, 4), (label, 8, 8)]);
    let btf = b.finish().unwrap();
    Zoo {
        btf,
        flow,
        flags,
        address,
        proto,
        section,
        double,
        s8,
        bool_,
        flagged_char,
        u128_,
        big,
    }
}

/// That `bytes` are `value`, both ways.
fn check(btf: &Btf, id: TypeId, bytes: &[u8], value: &Value) {
    assert_eq!(&decode(btf, id, bytes).unwrap(), value);
    assert_eq!(encode(btf, id, value).unwrap(), bytes);
}

fn problem(btf: &Btf, id: TypeId, value: &Value) -> String {
    encode(btf, id, value).unwrap_err().to_string()
}

#[test]
fn a_struct_lists_its_fields_and_those_of_anonymous_ones() {
    let zoo = zoo();
    let mut bytes = vec![0; 40];
    bytes[..3].copy_from_slice(b"eth");
    bytes[8] = 7;
    bytes[12..16].fill(0xff);
    bytes[16..20].copy_from_slice(&[1, 2, 3, 4]);
    bytes[20] = 80;
    bytes[22] = 90;
    bytes[24] = 6;
    bytes[32] = 0x10;
    let value = fields([
        ("name", text("eth")),
        ("a", Value::Int(7)),
        ("b", Value::Int(-1)),
        (
            "src",
            fields([
                ("v4", Value::Int(0x0403_0201)),
                ("bytes", Value::Array([1, 2, 3, 4].map(Value::Int).to_vec())),
            ]),
        ),
        ("ports", Value::Array(vec![Value::Int(80), Value::Int(90)])),
        (
            "proto",
            Value::Enum {
                value: 6,
                name: "TCP".into(),
            },
        ),
        ("next", Value::Ptr(0x10)),
    ]);
    check(&zoo.btf, zoo.flow, &bytes, &value);
}

#[test]
fn bitfields_are_cut_out_and_put_in() {
    let zoo = zoo();
    // low 5, sign -2, wide 0x1abcd, on, proto 17.
    let bits = 5u32 | 0b11110 << 3 | 0x1abcd << 8 | 1 << 25 | 17 << 26;
    let value = fields([
        ("low", Value::Int(5)),
        ("sign", Value::Int(-2)),
        ("wide", Value::Int(0x1abcd)),
        ("on", Value::Bool(true)),
        (
            "proto",
            Value::Enum {
                value: 17,
                name: "UDP".into(),
            },
        ),
    ]);
    check(&zoo.btf, zoo.flags, &bits.to_le_bytes(), &value);
    let too_much = fields([("low", Value::Int(8))]);
    assert_eq!(
        problem(&zoo.btf, zoo.flags, &too_much),
        "low: 8 does not fit unsigned int (3 bits)"
    );
}

#[test]
fn scalars_at_their_limits() {
    let zoo = zoo();
    let btf = &zoo.btf;
    check(btf, zoo.s8, &[0x80], &Value::Int(-128));
    check(btf, zoo.bool_, &[1], &Value::Bool(true));
    check(btf, zoo.bool_, &[2], &Value::Int(2));
    check(btf, zoo.flagged_char, b"5", &Value::Char('5'));
    check(btf, zoo.flagged_char, &[5], &Value::Int(5));
    check(btf, zoo.double, &1.5f64.to_le_bytes(), &Value::Float(1.5));
    let nan = f64::NAN.to_le_bytes();
    check(btf, zoo.double, &nan, &Value::Bytes(nan.to_vec()));
    check(
        btf,
        zoo.u128_,
        &[0xff; 16],
        &text("0xffffffffffffffffffffffffffffffff"),
    );
    check(btf, zoo.proto, &[9, 0, 0, 0], &Value::Int(9));
    let huge = Value::Enum {
        value: i64::MAX.into(),
        name: "HUGE".into(),
    };
    check(btf, zoo.big, &i64::MAX.to_le_bytes(), &huge);
    check(
        btf,
        zoo.big,
        &[0xff; 8],
        &Value::Enum {
            value: -1,
            name: "LOW".into(),
        },
    );
}

#[test]
fn text_stands_for_names_numbers_characters_and_bytes() {
    let zoo = zoo();
    let encoded = |id, given: &str| encode(&zoo.btf, id, &text(given)).unwrap();
    assert_eq!(encoded(zoo.proto, "ALSO_UDP"), [17, 0, 0, 0]);
    assert_eq!(encoded(zoo.proto, "6"), [6, 0, 0, 0]);
    assert_eq!(encoded(zoo.s8, "0xff"), [0xff]);
    assert_eq!(encoded(zoo.s8, "-1"), [0xff]);
    assert_eq!(encoded(zoo.bool_, "true"), [1]);
    assert_eq!(encoded(zoo.flagged_char, "5"), *b"5");
    assert_eq!(encoded(zoo.address, "0x01020304"), [1, 2, 3, 4]);
}

#[test]
fn members_of_anonymous_structs_may_stand_under_an_empty_name() {
    let zoo = zoo();
    let flat = fields([("a", Value::Int(7)), ("b", Value::Int(8))]);
    let nested = fields([("", flat.clone())]);
    let encoded = encode(&zoo.btf, zoo.flow, &flat).unwrap();
    assert_eq!(encode(&zoo.btf, zoo.flow, &nested).unwrap(), encoded);
    let wrong = fields([("", fields([("z", Value::Int(7))]))]);
    assert_eq!(
        problem(&zoo.btf, zoo.flow, &wrong),
        "z: struct flow has no field \"z\""
    );
}

#[test]
fn what_is_not_mentioned_is_zero() {
    let zoo = zoo();
    assert_eq!(encode(&zoo.btf, zoo.flow, &fields([])).unwrap(), [0; 40]);
    let short = fields([("ports", Value::Array(vec![Value::Int(1)]))]);
    assert_eq!(
        encode(&zoo.btf, zoo.flow, &short).unwrap()[20..24],
        [1, 0, 0, 0]
    );
}

#[test]
fn mistakes_are_named_with_their_place() {
    let zoo = zoo();
    let port = |value| fields([("ports", Value::Array(vec![Value::Int(0), value]))]);
    let address = |list| fields([("src", list)]);
    for (value, message) in [
        (
            port(Value::Int(65536)),
            "ports[1]: 65536 does not fit __be16 (16 bits)",
        ),
        (
            port(Value::Int(-1)),
            "ports[1]: -1 does not fit __be16 (16 bits)",
        ),
        (
            port(text("http")),
            "ports[1]: \"http\" is no value for __be16",
        ),
        (
            address(fields([("v6", Value::Int(0))])),
            "src.v6: union address has no field \"v6\"",
        ),
        (
            address(fields([
                ("v4", Value::Int(1)),
                ("bytes", Value::Array(vec![Value::Int(2)])),
            ])),
            "src.bytes[0]: contradicts another member of the same union",
        ),
        (
            fields([("proto", text("ICMP"))]),
            "proto: enum proto has no value \"ICMP\"",
        ),
        (
            fields([("name", text("far too long"))]),
            "name: 12 elements are too many for const char[8]",
        ),
        (Value::Int(3), "a number is no value for struct flow"),
        (text("0x00"), "struct flow takes 40 bytes, not 1"),
    ] {
        assert_eq!(problem(&zoo.btf, zoo.flow, &value), message);
    }
    let error = decode(&zoo.btf, zoo.flow, &[0; 39]).unwrap_err();
    assert!(matches!(
        error.problem,
        Problem::WrongSize {
            expected: 40,
            found: 39,
            ..
        }
    ));
    let error = decode(&zoo.btf, TypeId::VOID, &[]).unwrap_err();
    assert_eq!(error.to_string(), "void has no size");
}

#[test]
fn a_section_lists_its_variables() {
    let zoo = zoo();
    let mut bytes = [0; 16];
    bytes[0] = 3;
    bytes[8..10].copy_from_slice(b"hi");
    let value = fields([("counter", Value::Int(3)), ("label", text("hi"))]);
    check(&zoo.btf, zoo.section, &bytes, &value);
}

#[test]
fn characters_that_are_no_text_stay_a_list() {
    let zoo = zoo();
    for bytes in [*b"no zero!", *b"a\0b\0\0\0\0\0", *b"\n\0\0\0\0\0\0\0"] {
        let mut whole = [0; 16];
        whole[8..].copy_from_slice(&bytes);
        let Value::Struct(list) = decode(&zoo.btf, zoo.section, &whole).unwrap() else {
            panic!("no struct")
        };
        let numbers = bytes.map(|byte| Value::Int(i128::from(byte as i8)));
        assert_eq!(list[1].1, Value::Array(numbers.to_vec()));
    }
}

#[test]
fn broken_graphs_end_in_errors() {
    let mut b = BtfBuilder::new();
    let u32_ = b.int("unsigned int", 4, Encoding::Unsigned);
    let u8_ = b.int("unsigned char", 1, Encoding::Unsigned);
    let id = b.next_id();
    let endless = b.struct_("endless", 4, &[("inner", id, 0).into()]);
    let outside = b.struct_("outside", 4, &[("far", u32_, 64).into()]);
    let nothing = b.struct_("nothing", 0, &[]);
    let crowd = b.array(nothing, u32::MAX);
    let giant = b.array(u32_, 1 << 29);
    let overlapping: Vec<_> = (0..1000).map(|_| ("x", u32_, 0).into()).collect();
    let first = b.struct_("first", 4, &overlapping);
    let second: Vec<_> = (0..1000).map(|_| ("x", first, 0).into()).collect();
    let second = b.struct_("second", 4, &second);
    let named = b.struct_("named", 1, &[(&*"x".repeat(4096), u8_, 0).into()]);
    let many_names = b.array(named, 4096);
    let anonymous_id = b.next_id();
    let anonymous = b.struct_(
        "",
        4,
        &[("", anonymous_id, 0).into(), ("", anonymous_id, 0).into()],
    );
    let btf = b.finish().unwrap();
    let too_deep = |id| {
        let bytes = vec![0; btf.size_of(id).unwrap() as usize];
        let problem = decode(&btf, id, &bytes).unwrap_err().problem;
        assert!(matches!(problem, Problem::TooDeep { .. }), "{problem}");
    };
    too_deep(endless);
    too_deep(crowd);
    too_deep(second);
    too_deep(many_names);
    too_deep(anonymous);
    let problem = decode(&btf, outside, &[0; 4]).unwrap_err().problem;
    assert!(matches!(problem, Problem::OutOfBounds { .. }));
    let far = fields([("far", Value::Int(1))]);
    let problem = encode(&btf, outside, &far).unwrap_err().problem;
    assert!(matches!(problem, Problem::OutOfBounds { .. }));
    let problem = encode(&btf, giant, &Value::Array(Vec::new()))
        .unwrap_err()
        .problem;
    assert!(matches!(problem, Problem::TooLarge { .. }));
}

/// A type to make up.
#[derive(Clone, Debug)]
enum Shape {
    Int(u32, Encoding),
    Char,
    Float(u32),
    Ptr,
    Enum(u32, bool),
    Array(Box<Shape>, u32),
    Struct(Vec<Shape>),
    Union(Vec<Shape>),
    Bits(Vec<u8>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        (
            prop::sample::select(vec![1u32, 2, 4, 8, 16]),
            prop::sample::select(vec![
                Encoding::Unsigned,
                Encoding::Signed,
                Encoding::Char,
                Encoding::Bool
            ])
        )
            .prop_map(|(size, encoding)| Shape::Int(size, encoding)),
        Just(Shape::Char),
        prop::sample::select(vec![4u32, 8, 16]).prop_map(Shape::Float),
        Just(Shape::Ptr),
        (prop::sample::select(vec![1u32, 4, 8]), any::<bool>())
            .prop_map(|(size, signed)| Shape::Enum(size, signed)),
        prop::collection::vec(1u8..=32, 1..6).prop_map(Shape::Bits),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0u32..5).prop_map(|(elem, len)| Shape::Array(elem.into(), len)),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Shape::Struct),
            prop::collection::vec(inner, 1..4).prop_map(Shape::Union),
        ]
    })
}

/// Writes the type down; its id and size.
fn build(b: &mut BtfBuilder, shape: &Shape) -> (TypeId, u32) {
    let names = ["a", "b", "c", "d", "e", "f"];
    match shape {
        Shape::Int(size, encoding) => (b.int("int", *size, *encoding), *size),
        Shape::Char => (b.int("char", 1, Encoding::Signed), 1),
        Shape::Float(size) => (b.float("float", *size), *size),
        Shape::Ptr => (b.ptr(TypeId::VOID), 8),
        Shape::Enum(size, signed) => {
            let values = [("ZERO", 0), ("ONE", 1), ("LOW", -1)];
            let values = if *signed { &values } else { &values[..2] };
            (b.enum_("e", *size, *signed, values), *size)
        }
        Shape::Array(elem, len) => {
            let (elem, size) = build(b, elem);
            (b.array(elem, *len), size * len)
        }
        Shape::Struct(members) => {
            let mut at = 0;
            let mut list = Vec::new();
            for (member, name) in members.iter().zip(names) {
                let (id, size) = build(b, member);
                list.push((name, id, at * 8).into());
                at += size + 1;
            }
            (b.struct_("s", at, &list), at)
        }
        Shape::Union(members) => {
            let built: Vec<_> = members.iter().map(|member| build(b, member)).collect();
            let size = built.iter().map(|built| built.1).max().unwrap_or(0);
            let list: Vec<_> = built
                .iter()
                .zip(names)
                .map(|(built, name)| (name, built.0, 0).into())
                .collect();
            (b.union_("u", size, &list), size)
        }
        Shape::Bits(widths) => {
            let int = b.int("int", 4, Encoding::Signed);
            let mut at = 0;
            let mut list = Vec::new();
            for (width, name) in widths.iter().zip(names) {
                list.push((name, int, at, *width).into());
                at += u32::from(*width);
            }
            let size = at.div_ceil(8);
            (b.struct_("bits", size, &list), size)
        }
    }
}

proptest! {
    #[test]
    fn what_was_decoded_encodes_to_the_same(
        shape in shape(),
        noise in prop::collection::vec(prop_oneof![Just(0u8), 0x20u8..0x7f, any::<u8>()], 4096),
    ) {
        let mut b = BtfBuilder::new();
        let (id, size) = build(&mut b, &shape);
        let btf = b.finish().unwrap();
        prop_assert_eq!(btf.size_of(id), Some(size));
        let bytes: Vec<u8> = noise.iter().copied().cycle().take(size as usize).collect();
        let value = decode(&btf, id, &bytes).unwrap();
        let encoded = encode(&btf, id, &value).unwrap();
        prop_assert_eq!(encoded.len(), bytes.len());
        // Padding may be lost, nothing else.
        for (new, old) in encoded.iter().zip(&bytes) {
            prop_assert_eq!(new & !old, 0);
        }
        prop_assert_eq!(decode(&btf, id, &encoded).unwrap(), value);
    }
}
