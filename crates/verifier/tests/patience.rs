//! Giving up before Linux would is no verdict.

use abi::{ProgType, Program};
use verifier::{Config, Verdict, verify};

/// A loop of 100 rounds of two instructions, one before it and two behind.
const TEXT: &str = "
    r0 = 0
again:
    r0 += 1
    if r0 != 100 goto again
    r0 = 0
    exit
";

#[test]
fn who_gives_up_does_not_refuse() {
    let code = isa::asm::assemble(TEXT).expect("the text of a test");
    let program = Program::bare(ProgType::SocketFilter, code.slots().to_vec());
    let verdict = |patience| {
        let config = Config {
            patience,
            ..Config::default()
        };
        verify(&program, &config, None)
    };
    let Verdict::Accepted(acceptance) = verdict(u64::MAX) else {
        panic!("it ends");
    };
    let taken = acceptance.stats().processed;
    assert!(matches!(verdict(taken), Verdict::Accepted(_)));
    let Verdict::Unsupported(why) = verdict(taken - 1) else {
        panic!("it takes {taken} instructions");
    };
    assert_eq!(
        why.unsupported.feature,
        format!("more than {} instructions", taken - 1)
    );
}
