//! What objects want of the kernel: configuration, symbols, types.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use abi::{ExternKind, Initial, MapType, Program};
use btf::build::{BtfBuilder, Encoding};
use common::{bytes, insns, open, options};
use isa::{CallTarget, Imm64, Insn, Size};
use loader::{CoreError, Error, KconfigError, Object, Options};

const NAME: &str = "surroundings";

fn configured() -> Options {
    let mut options = options(NAME);
    options
        .kconfig
        .read_config("CONFIG_HZ=1000\nCONFIG_NAME=\"sim\"\n");
    options
}

fn program(options: &Options, name: &str) -> Program {
    Object::parse(&bytes(NAME), options)
        .unwrap()
        .program(name)
        .unwrap()
}

#[test]
fn strong_configuration_values_must_be_known() {
    let error = open(NAME).program("user").unwrap_err();
    let unknown = Error::Kconfig {
        name: "CONFIG_HZ".into(),
        what: KconfigError::Unknown,
    };
    assert_eq!(error, unknown);
    assert!(
        open(NAME).program("start").is_ok(),
        "it does not ask for any"
    );

    let mut options = options(NAME);
    options
        .kconfig
        .read_config("CONFIG_HZ=y\nCONFIG_NAME=\"sim\"\n");
    let object = Object::parse(&bytes(NAME), &options).unwrap();
    let error = object.program("user").unwrap_err().to_string();
    assert_eq!(
        error,
        "extern 'CONFIG_HZ': the value 'y' does not fit its type"
    );

    let mut object = open(NAME);
    object
        .set_global("CONFIG_HZ", &100u64.to_le_bytes())
        .unwrap();
    object.set_global("CONFIG_NAME", b"sim\0\0\0").unwrap();
    assert!(
        object.program("user").is_ok(),
        "a value given by hand counts"
    );
}

#[test]
fn configuration_is_laid_out_by_alignment_then_size() {
    let object = Object::parse(&bytes(NAME), &configured()).unwrap();
    let map = &object.maps()[object.map_index(".kconfig").unwrap()];
    // CONFIG_HZ, CONFIG_WEAK, LINUX_OF_TOMORROW, CONFIG_NAME.
    let expected = *b"\xe8\x03\0\0\0\0\0\0\0\0sim\0\0\0";
    assert_eq!(map.initial, Initial::Bytes(expected.to_vec()));
}

#[test]
fn kernel_symbols_are_named_by_index() {
    let program = program(&configured(), "user");
    let externs: Vec<_> = program
        .externs
        .iter()
        .map(|e| (e.name.as_str(), e.kind))
        .collect();
    assert_eq!(
        externs,
        [
            ("kernel_function", ExternKind::Kfunc),
            ("kernel_address", ExternKind::Address),
            ("kernel_variable", ExternKind::Variable),
        ]
    );
    let mut calls = Vec::new();
    let mut variables = Vec::new();
    for insn in insns(&program) {
        match insn {
            Insn::Call { target } => calls.push(target),
            Insn::LoadImm {
                imm: Imm64::Variable { btf_id, .. },
                ..
            } => variables.push(btf_id),
            _ => {}
        }
    }
    // The weak one is the last but one in the object's list: the four of
    // .kconfig, then by name.
    let poisoned = CallTarget::Helper(2_002_000_000 + 8);
    assert_eq!(
        calls,
        [
            CallTarget::Kfunc {
                btf_id: 0,
                module: 0
            },
            poisoned
        ]
    );
    assert_eq!(variables, [1, 2]);
}

#[test]
fn structures_of_functions_are_maps() {
    let object = Object::parse(&bytes(NAME), &configured()).unwrap();
    let map = &object.maps()[object.map_index("mine").unwrap()];
    assert_eq!(
        (map.map_type, map.value_size, map.flags.0),
        (MapType::StructOps, 16, 1 << 13)
    );
    assert_eq!((map.key_size, map.max_entries), (4, 1));
    assert!(matches!(&map.initial, Initial::Bytes(b) if b[8] == 7));
}

/// A target where `there` lies at byte 16 of `struct target`, with this type.
fn target(size: u32, encoding: Encoding) -> Options {
    let mut build = BtfBuilder::new();
    let int = build.int("field", size, encoding);
    build.struct_("target", 16 + size, &[("there", int, 128).into()]);
    let target_btf = Some(Arc::new(build.finish().unwrap()));
    Options {
        target_btf,
        ..configured()
    }
}

fn first_load(options: &Options) -> (Size, i16) {
    let program = program(options, "relocated");
    let mut loads = insns(&program).into_iter().filter_map(|insn| match insn {
        Insn::Load { size, offset, .. } => Some((size, offset)),
        _ => None,
    });
    // Those of eight bytes read the context.
    loads.find(|(size, _)| *size != Size::B8).unwrap()
}

const POISON: Insn = Insn::Call {
    target: CallTarget::Helper(195_896_080),
};

#[test]
fn loads_move_to_where_the_target_has_the_field() {
    assert_eq!(first_load(&configured()), (Size::B4, 0));
    assert_eq!(first_load(&target(4, Encoding::Unsigned)), (Size::B4, 16));
    assert_eq!(first_load(&target(4, Encoding::Signed)), (Size::B4, 16));
    assert_eq!(first_load(&target(2, Encoding::Unsigned)), (Size::B2, 16));
}

#[test]
fn what_cannot_be_relocated_is_poisoned() {
    let count = |options: &Options| {
        let program = program(options, "relocated");
        insns(&program)
            .into_iter()
            .filter(|insn| *insn == POISON)
            .count()
    };
    // `elsewhere` exists nowhere.
    assert_eq!(count(&configured()), 1);
    assert_eq!(count(&target(4, Encoding::Unsigned)), 1);
    assert_eq!(count(&target(8, Encoding::Signed)), 2);
}

#[test]
fn an_ambiguous_target_is_an_error_of_the_program_that_asks() {
    let mut build = BtfBuilder::new();
    let int = build.int("unsigned int", 4, Encoding::Unsigned);
    for (name, bits) in [("target", 0), ("target___two", 64)] {
        build.struct_(name, 12, &[("there", int, bits).into()]);
    }
    let target_btf = Some(Arc::new(build.finish().unwrap()));
    let options = Options {
        target_btf,
        ..configured()
    };
    let object = Object::parse(&bytes(NAME), &options).unwrap();
    assert!(object.program("user").is_ok());
    let error = object.program("relocated").unwrap_err();
    let Error::Core { place, what, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(place.symbol.as_deref(), Some("relocated"));
    assert!(matches!(&**what, CoreError::Btf(_)), "{error}");
}
