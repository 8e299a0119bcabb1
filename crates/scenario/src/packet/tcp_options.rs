//! TCP options in words: `mss:1460,sack-ok,ts:1:2,nop,wscale:7`.

use std::fmt::Write;

/// What a list of options looks like.
pub(super) const EXPECTED: &str =
    "bytes such as 0x020405b4, or a list of mss:N, wscale:N, sack-ok, sack:L:R, ts:V:E, nop, eol";

/// The bytes of a list of options, without padding.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for option in text.split(',').filter(|_| !text.is_empty()) {
        let mut parts = option.split(':');
        let name = parts.next()?;
        let mut word = || parts.next()?.parse::<u32>().ok();
        match name {
            "eol" => bytes.push(0),
            "nop" => bytes.push(1),
            "mss" => {
                bytes.extend([2, 4]);
                bytes.extend(u16::try_from(word()?).ok()?.to_be_bytes());
            }
            "wscale" => bytes.extend([3, 3, u8::try_from(word()?).ok()?]),
            "sack-ok" => bytes.extend([4, 2]),
            "sack" | "ts" => {
                bytes.extend([if name == "ts" { 8 } else { 5 }, 10]);
                bytes.extend(word()?.to_be_bytes());
                bytes.extend(word()?.to_be_bytes());
            }
            _ => return None,
        }
        if parts.next().is_some() {
            return None;
        }
    }
    Some(bytes)
}

/// The list that bytes are, without padding at the end; `None` if they are none.
pub(super) fn show(mut bytes: &[u8]) -> Option<String> {
    let mut list = Vec::new();
    while let [kind, rest @ ..] = bytes {
        let mut shown = String::new();
        let len = match kind {
            0 if rest.iter().all(|b| *b == 0) => break,
            0 | 1 => {
                shown.push_str(if *kind == 0 { "eol" } else { "nop" });
                1
            }
            _ => {
                let option = bytes.get(..usize::from(*rest.first()?))?;
                option_in_words(option, &mut shown)?;
                option.len()
            }
        };
        list.push(shown);
        bytes = bytes.get(len..)?;
    }
    Some(list.join(","))
}

fn option_in_words(option: &[u8], shown: &mut String) -> Option<()> {
    let word = |at: usize| Some(u32::from_be_bytes(*option.get(at..)?.first_chunk()?));
    // Writing to a string does not fail.
    let _ = match option {
        [2, 4, high, low] => write!(shown, "mss:{}", u16::from_be_bytes([*high, *low])),
        [3, 3, shift] => write!(shown, "wscale:{shift}"),
        [4, 2] => write!(shown, "sack-ok"),
        [5, 10, ..] => write!(shown, "sack:{}:{}", word(2)?, word(6)?),
        [8, 10, ..] => write!(shown, "ts:{}:{}", word(2)?, word(6)?),
        _ => return None,
    };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_back() {
        let list = "mss:1460,sack-ok,ts:1:4294967295,nop,wscale:7,sack:5:6";
        let mut bytes = read(list).unwrap();
        assert_eq!(bytes[..6], [2, 4, 5, 180, 4, 2]);
        assert_eq!(show(&bytes).as_deref(), Some(list));
        bytes.extend([0, 0]);
        assert_eq!(show(&bytes).as_deref(), Some(list));
        assert_eq!(read(""), Some(vec![]));
    }

    #[test]
    fn no_lists() {
        for text in [
            "mss",
            "mss:65536",
            "mss:1:2",
            "wscale:x",
            "quick",
            "nop,",
            "ts:1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        for bytes in [&[2, 4, 1][..], &[2], &[2, 0], &[200, 2], &[8, 4, 0, 0]] {
            assert_eq!(show(bytes), None, "{bytes:?}");
        }
    }
}
