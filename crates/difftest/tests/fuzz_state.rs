//! What accepted programs do lies within what the verifier recorded.

use difftest::families::Seed;
use difftest::fuzz::{
    Case, Finding, Input, Kind, Known, Mix, Oracle, SameResults, Tally, WithinStates,
};
use loader::raw::{Caps, RawProgram};

#[test]
fn nothing_is_found() {
    let mut within = WithinStates::new().expect("memory for a machine");
    let mut same = SameResults::new();
    for (kind, count) in [(Kind::Scalar, 300), (Kind::Xdp, 60)] {
        let mut tally = Tally::default();
        for index in 0..count {
            tally.begin();
            let case = Case::new(&Mix::only(kind), Seed(1), index);
            for oracle in [&mut within as &mut dyn Oracle, &mut same] {
                let finding = oracle.check(&case, &mut tally).expect("nobody is asked");
                assert_eq!(finding, None, "{} {index}", kind.name());
            }
        }
        assert!(tally.accepted * 10 > count * 7, "{tally:?}");
        assert!(tally.states > count, "{tally:?}");
    }
}

/// A run that leaves what Linux knows is seen, and known for what it is.
#[test]
fn a_signed_fill_is_linked_with_what_it_is_not() {
    let text = "
          r2 = *(u32 *)(r1 +0)
          r3 = *(u32 *)(r1 +4)
          r4 = r2
          r4 += 14
          if r4 > r3 goto out
          r0 = *(u32 *)(r2 +0)
          *(u32 *)(r10 -8) = r0
          r1 = *(s32 *)(r10 -8)
          r5 = 0xfffffff0 ll
          if r0 != r5 goto out
          r0 = r1
          exit
        out: r0 = 1
          exit";
    let packet = [&[0xf0, 0xff, 0xff, 0xff][..], &[0; 10]].concat();
    let mut case = case(text, packet);
    assert_eq!(check(&case), (None, Some(Known::SignedFill)));
    // A small number is the same with its sign.
    case.inputs[0].packet[3] = 0;
    assert_eq!(check(&case), (None, None));
}

/// A pointer that is moved after a comparison with the packet's end.
#[test]
fn beyond_the_end_and_back() {
    let text = "
          r3 = *(u32 *)(r1 +4)
          r6 = *(u32 *)(r1 +0)
          r4 = r6
          r4 += 64
          if r4 > r3 goto +0
          r0 = 0
          r4 += -1
          exit";
    let is = |len| check(&case(text, vec![0; len]));
    assert_eq!(is(62), (None, None), "one behind the end");
    assert_eq!(is(63), (None, Some(Known::BeyondMoved)), "the end itself");
    assert_eq!(is(64), (None, None), "not beyond it");
}

/// What is added is known so little that the pointer may be outside of the map.
#[test]
fn far_from_the_value_of_a_map() {
    let text = "
          r1 = map[fd:0][0]+0
          r6 = *(u32 *)(r1 +0)
          r6 += r1
          r0 = 0
          exit";
    let mut case = case(text, vec![0; 14]);
    let mut map = abi::MapDef::bare(abi::MapType::Array, 4, 16, 1);
    map.initial = abi::Initial::Bytes([&[0, 0, 0, 0xc9][..], &[0; 12]].concat());
    case.raw.program.maps = [map].into();
    assert_eq!(check(&case), (None, None));
}

fn case(text: &str, packet: Vec<u8>) -> Case {
    let code = isa::asm::assemble(text).expect("it is well written");
    Case {
        kind: Kind::Scalar,
        raw: RawProgram {
            program: abi::Program::bare(abi::ProgType::Xdp, code.slots().to_vec()),
            flags: 0,
            caps: Caps::ROOT,
            attach_btf_id: None,
        },
        inputs: vec![Input {
            packet,
            ..Input::default()
        }],
    }
}

fn check(case: &Case) -> (Option<Finding>, Option<Known>) {
    let mut within = WithinStates::new().expect("memory for a machine");
    let finding = within.check(case, &mut Tally::default());
    (finding.expect("nobody is asked"), within.excuse())
}
