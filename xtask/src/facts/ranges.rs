//! Sets of numbers as short text: `0-3,8-40/4,64` is 0 to 3, 8 to 40 in steps of
//! 4, and 64.

use std::collections::BTreeSet;

/// The text of a set.
pub(crate) fn write(numbers: &BTreeSet<i64>) -> String {
    let numbers: Vec<i64> = numbers.iter().copied().collect();
    let mut parts = Vec::new();
    let mut rest = numbers.as_slice();
    while let [first, ..] = rest {
        let run = run_length(rest);
        let (taken, left) = rest.split_at(run);
        let last = taken.last().unwrap_or(first);
        parts.push(match taken {
            [one] => one.to_string(),
            [a, b, ..] if b - a == 1 => format!("{first}-{last}"),
            [a, b, ..] => format!("{first}-{last}/{}", b - a),
            [] => String::new(),
        });
        rest = left;
    }
    parts.join(",")
}

/// How many of the first numbers make a part: two neighbours, or three in equal
/// steps.
fn run_length(numbers: &[i64]) -> usize {
    let [a, b, ..] = numbers else {
        return numbers.len();
    };
    let step = b - a;
    let equal = numbers
        .windows(2)
        .take_while(|pair| pair[1] - pair[0] == step);
    match equal.count() + 1 {
        2 if step != 1 => 1,
        run => run,
    }
}

/// The set that a text stands for; `None` when it is none.
#[cfg(test)]
pub(crate) fn read(text: &str) -> Option<BTreeSet<i64>> {
    let mut numbers = BTreeSet::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: usize = step.parse().ok().filter(|step| *step > 0)?;
        // A minus sign may come first in either number.
        let dash = range.get(1..)?.find('-').map(|at| at + 1);
        let (first, last) = match dash {
            Some(at) => (range.get(..at)?, range.get(at + 1..)?),
            None => (range, range),
        };
        let (first, last): (i64, i64) = (first.parse().ok()?, last.parse().ok()?);
        numbers.extend((first..=last).step_by(step));
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        for text in [
            "",
            "5",
            "0-3",
            "-8--5",
            "-8-8/4",
            "0-3,8-40/4,64",
            "1,3,6-7",
            "-1",
        ] {
            let numbers = read(text).expect("a set");
            assert_eq!(write(&numbers), text);
        }
        assert_eq!(read("3-x"), None);
        assert_eq!(read("0-8/0"), None);
    }
}
