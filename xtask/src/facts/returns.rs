//! Flavors and the values that programs of each may return.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::flavor::{self, Flavor};
use super::probe::{Answer, Extras, Probe, assemble};
use super::ranges;
use super::table::{Row, Table, row};

/// Numbers that are returned, one a program.
const CONSTANTS: &[i64] = &[
    -4096,
    -4095,
    -2,
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    100,
    1 << 30,
    1 << 32,
    (1 << 32) + 1,
];

pub(crate) fn measure(probe: &Probe) -> Table {
    let mut table = Table::new(
        "flavors",
        "per flavor a program that returns an unknown number (of stack that was not written), each of some constants, the \
         context, nothing; `range` is what Linux names in its refusal (null: any value), \
         `constants` those of `tried` that it accepts; a flavor that an empty program is \
         refused as has the answer in `load`",
    );
    table.note("tried", ranges::write(&CONSTANTS.iter().copied().collect()));
    for flavor in flavor::all() {
        let mut row = describe(&flavor);
        match probe.not_loadable.get(&flavor.name) {
            Some(why) => row.extend(row! {"load": why}),
            None => row.extend(returns(probe, &flavor)),
        }
        table.rows.push(row);
    }
    table
}

fn describe(flavor: &Flavor) -> Row {
    row! {
        "flavor": flavor.name,
        "prog_type": flavor.prog_type.name(),
        "attach_type": flavor.attach.map(|attach| attach.name()),
        "sleepable": flavor.sleepable,
    }
}

fn returns(probe: &Probe, flavor: &Flavor) -> Row {
    let ask = |text: &str| probe.load(flavor, &assemble(text), &[], &Extras::default());
    let constant = |value: i64| format!("r0 = {value} ll\nexit");
    let accepted: BTreeSet<i64> = CONSTANTS
        .iter()
        .copied()
        .filter(|value| ask(&constant(*value)).is_yes())
        .collect();
    let range = match ask("r0 = *(u64 *)(r10 -8)\nexit") {
        Answer::Yes(_) => Value::Null,
        refused => range(refused.sentence()).unwrap_or_else(|| json!(refused.text())),
    };
    row! {
        "range": range,
        "constants": ranges::write(&accepted),
        "context": ask("r0 = r1\nexit").text(),
        "nothing": ask("exit").text(),
    }
}

/// `[0, 1]` of "… should have been in [0, 1]".
fn range(sentence: &str) -> Option<Value> {
    let (_, range) = sentence.split_once("should have been in ")?;
    serde_json::from_str(range).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_from_sentences() {
        let sentence = "At program exit the register R0 has unknown scalar value should have \
                        been in [0, 3]";
        assert_eq!(range(sentence), Some(json!([0, 3])));
        assert_eq!(range("R0 !read_ok"), None);
    }
}
