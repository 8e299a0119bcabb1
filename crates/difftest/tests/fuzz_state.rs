//! What accepted programs do lies within what the verifier recorded.

use difftest::families::Seed;
use difftest::fuzz::{Case, Input, Kind, Known, Mix, Oracle, SameResults, Tally, WithinStates};
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
    let code = isa::asm::assemble(text).expect("it is well written");
    let mut case = Case {
        kind: Kind::Scalar,
        raw: RawProgram {
            program: abi::Program::bare(abi::ProgType::Xdp, code.slots().to_vec()),
            flags: 0,
            caps: Caps::ROOT,
            attach_btf_id: None,
        },
        inputs: vec![Input {
            packet: [&[0xf0, 0xff, 0xff, 0xff][..], &[0; 10]].concat(),
            ..Input::default()
        }],
    };
    let mut within = WithinStates::new().expect("memory for a machine");
    let mut check = |case: &Case| {
        let finding = within.check(case, &mut Tally::default());
        (finding.expect("nobody is asked"), within.excuse())
    };
    assert_eq!(check(&case), (None, Some(Known::SignedFill)));
    // A small number is the same with its sign.
    case.inputs[0].packet[3] = 0;
    assert_eq!(check(&case), (None, None));
}
