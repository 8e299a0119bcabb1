//! Error numbers.

use std::fs;

use abi::Errno;

use super::probe::{Answer, Extras, Probe};
use super::table::{Row, Table, row};

/// The UAPI headers that number errors.
const HEADERS: &[&str] = &[
    "/usr/include/asm-generic/errno-base.h",
    "/usr/include/asm-generic/errno.h",
];

pub(crate) fn measure(probe: &Probe) -> Table {
    let mut table = Table::new(
        "errors",
        "read from the UAPI headers asm-generic/errno-base.h and asm-generic/errno.h; aliases \
         are left out",
    );
    table.note(
        "internal",
        "ENOTSUPP is the kernel's own and in no header: the number is what bpf(2) answers to a \
         program that takes the address of a value of an array of more than one entry",
    );
    for header in HEADERS {
        let Ok(text) = fs::read_to_string(header) else {
            return table;
        };
        table.rows.extend(text.lines().filter_map(definition));
    }
    if let Some(Errno(number)) = internal(probe) {
        table.rows.push(row! {"name": "ENOTSUPP", "number": number});
    }
    table
}

/// `#define EPERM 1`, with whatever follows.
fn definition(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace();
    let name = words.nth(1).filter(|_| line.starts_with("#define"))?;
    let number: u16 = words.next()?.parse().ok()?;
    Some(row! {"name": name, "number": number})
}

fn internal(probe: &Probe) -> Option<Errno> {
    let def = super::probe::smallest(abi::MapType::Array);
    let map = probe.map(&def).ok()?;
    let code = super::maps::takes_address();
    let answer = probe.load(probe.flavor("xdp")?, &code, &[map], &Extras::default());
    match answer {
        Answer::No(errno, _) => Some(errno),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions() {
        let line = "#define\tENOENT\t\t 2\t/* No such file or directory */";
        assert_eq!(definition(line), Some(row! {"name": "ENOENT", "number": 2}));
        assert_eq!(definition("#define EWOULDBLOCK EAGAIN"), None);
        assert_eq!(definition("#include <asm-generic/errno-base.h>"), None);
    }
}
