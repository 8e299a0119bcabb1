//! JSON from users: what maps hold, by type and as bytes, and networks.
//!
//! The first byte says which map; the rest is the text.

use std::sync::OnceLock;

use abi::{ProgType, Program};
use btf::build::{BtfBuilder, Encoding};
use btf::{Btf, TypeId};
use serde_json::Value as Json;
use xdp_sim::contents;

use super::text;
use crate::Subject;
use crate::generate::Pool;

/// Reads a text as entries of a map, as a value of a type, as a network.
pub(super) fn run(bytes: &[u8]) {
    let Some((which, text)) = bytes.split_first() else {
        return;
    };
    if let Err(error) = xdp_sim::read_network(text) {
        let _ = error.to_string();
    }
    let Ok(json) = serde_json::from_slice::<Json>(text) else {
        return;
    };
    let map = usize::from(*which) % Pool::get().maps.len();
    if let Err(error) = crate::contents_from_json(subject(), map, &json) {
        let _ = error.to_string();
    }
    value(&json);
    for entry in json.as_array().into_iter().flatten() {
        entry.get("value").into_iter().for_each(value);
    }
}

/// What was encoded is decoded to something that is encoded alike.
fn value(json: &Json) {
    let (btf, ty, size) = types();
    let encode = |json| contents::encode(Some(btf), *ty, *size, json);
    let bytes = match encode(json) {
        Ok(bytes) => bytes,
        Err(error) => return drop(error.to_string()),
    };
    let shown = contents::decode(Some(btf), *ty, &bytes);
    match encode(&shown) {
        Ok(again) => assert_eq!(again, bytes, "{shown}"),
        Err(error) => panic!("{error}: {shown}"),
    }
}

/// All maps that generated programs have.
fn subject() -> &'static Subject {
    static SUBJECT: OnceLock<Subject> = OnceLock::new();
    SUBJECT.get_or_init(|| {
        let pool = Pool::get();
        let code = isa::asm::assemble("r0 = 2\nexit").expect("a program");
        let program = Program {
            name: "entry".to_owned(),
            maps: pool.maps.clone(),
            btf: Some(pool.btf.clone()),
            ..Program::bare(ProgType::Xdp, code.slots().to_vec())
        };
        Subject::new("contents", vec![program], "entry")
    })
}

/// A type with one member of each kind.
fn types() -> &'static (Btf, TypeId, u32) {
    static TYPES: OnceLock<(Btf, TypeId, u32)> = OnceLock::new();
    TYPES.get_or_init(|| {
        let mut build = BtfBuilder::new();
        let int = build.int("int", 4, Encoding::Signed);
        let long = build.int("unsigned long", 8, Encoding::Unsigned);
        let wide = build.int("__int128", 16, Encoding::Signed);
        let char = build.int("char", 1, Encoding::Char);
        let bool = build.int("_Bool", 1, Encoding::Bool);
        let name = build.array(char, 8);
        let numbers = build.array(int, 2);
        let colors = [("RED", 0), ("GREEN", 1), ("BLUE", -7)];
        let color = build.enum_("color", 4, true, &colors);
        let double = build.float("double", 8);
        let pointer = build.ptr(int);
        let either = [("l", long, 0).into(), ("d", double, 0).into()];
        let either = build.union_("", 8, &either);
        let members = [
            ("i", int, 0),
            ("color", color, 32),
            ("long", long, 64),
            ("wide", wide, 128),
            ("name", name, 256),
            ("numbers", numbers, 320),
            ("either", either, 384),
            ("ptr", pointer, 448),
            ("flag", bool, 512),
            ("c", char, 520),
        ];
        let ty = build.struct_("everything", 80, &members.map(Into::into));
        (build.finish().expect("good types"), ty, 80)
    })
}

/// Names of members.
pub(super) fn words() -> Vec<Vec<u8>> {
    text::words(
        "\"key\":|\"value\":|\"values\":|\"cpu\":|\"0x|\"ifindex\":|\"prog\":|\"qsize\":|\"i\":|\
         \"color\":|\"RED\"|\"BLUE\"|\"long\":|\"wide\":|\"name\":|\"numbers\":|\"either\":|\"l\":|\
         \"d\":|\"ptr\":|\"flag\":|\"c\":|[{|}]|null|true|18446744073709551615|-1|1e308|-0.0|\
         \"entry\"|\"devices\":|\"routes\":|\"neighbours\":|\"addresses\":|\"destination\":|\"via\":|\
         \"mac\":|\"mtu\":|\"192.0.2.0/27\"|\"2001:db8::/64\"|\"02:00:00:00:00:01\"|\"kind\":|\
         \"blackhole\"",
    )
}
