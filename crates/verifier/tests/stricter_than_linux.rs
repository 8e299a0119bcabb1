//! Programs that Linux 6.18 accepts though they are not safe, and that are
//! refused here.

use abi::{ProgType, Program};
use verifier::{Config, Verdict, verify};

fn program(text: &str) -> Program {
    let code = isa::asm::assemble(text).expect("the text of a test");
    Program::bare(ProgType::SocketFilter, code.slots().to_vec())
}

/// CVE-2026-43009: going back over an atomic operation, Linux does not see that
/// the fetched value comes from the stack. So the slot does not matter to it
/// where the paths meet, and the second one, with an index of 100, is not
/// followed: the program writes above its stack.
#[test]
fn a_fetched_value_comes_from_its_slot() {
    let program = program(
        "
        call 7                                              // a random number
        r6 = r0
        *(u64 *)(r10 -72) = 1
        if r6 == 7 goto other
        goto join
    other:
        *(u64 *)(r10 -72) = 100
    join:
        r1 = 0
        r1 = atomic64_fetch_add((u64 *)(r10 -72), r1)
        r2 = r10
        r2 += -64
        r2 += r1
        *(u8 *)(r2 +0) = 1
        r0 = 0
        exit
        ",
    );
    let config = Config {
        test_state_freq: true,
        ..Config::default()
    };
    match verify(&program, &config, None) {
        Verdict::Refused(refusal) => assert_eq!(
            refusal.reason.to_string(),
            "invalid write to stack R2 off=36 size=1"
        ),
        other => panic!("{other:?}"),
    }
}
