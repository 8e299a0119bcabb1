//! Which of two faults a program is refused for
//! (`corpus/verify/structure/pass-order.json`).

use isa::Slot;
use serde_json::Value;

use crate::common::{EXIT, ZERO, bytes, corpus, of, verdict};

#[test]
fn of_two_faults_the_one_is_told_that_linux_tells() {
    let file: Value =
        serde_json::from_str(&corpus("verify/structure/pass-order.json")).expect("JSON");
    let pairs = file["pairs"].as_array().expect("a list");
    assert_eq!(pairs.len(), 27 * 27);
    let mut differing = Vec::new();
    for pair in pairs {
        let [first, second, linux] = [0, 1, 2].map(|at| pair[at].as_str().expect("text"));
        let slots = |name: &str| {
            let hex = file["faults"][name].as_str().expect("slots");
            Slot::read_all(&bytes(hex)).expect("slots")
        };
        let both = [slots(first), slots(second)].concat();
        let program = of([ZERO].into_iter().chain(both).chain([ZERO, EXIT]));
        let ours = verdict(&program);
        let followed = ours == "ok" && linux == "followed";
        if !followed && ours != linux {
            differing.push(format!("{first} + {second}: {ours}, Linux: {linux}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
