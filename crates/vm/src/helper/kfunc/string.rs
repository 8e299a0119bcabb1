//! Strings that may not be readable: what cannot be read is `EFAULT`, what goes on
//! for too long `E2BIG`.

use abi::Errno;

use super::super::call::{Answer, Call};

/// Longest string that is followed (`XATTR_SIZE_MAX`).
const MAX: u64 = 65536;

type Found = Result<u64, Errno>;

fn answer(found: Found) -> Answer {
    let found = found.unwrap_or_else(Errno::to_ret);
    Ok(u64::from(found as u32))
}

/// The byte `at` bytes behind an argument.
fn byte(call: &Call<'_>, n: usize, at: u64) -> Result<u8, Errno> {
    if at >= MAX {
        return Err(Errno::E2BIG);
    }
    let addr = call.arg(n).checked_add(at).ok_or(Errno::EFAULT)?;
    let [byte] = call.machine.space.load(addr).map_err(|_| Errno::EFAULT)?;
    Ok(byte)
}

/// The string of an argument without its end, of which at most `most` bytes count.
fn text(call: &Call<'_>, n: usize, most: u64) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    while (text.len() as u64) < most {
        match byte(call, n, text.len() as u64)? {
            0 => break,
            byte => text.push(byte),
        }
    }
    Ok(text)
}

/// `int bpf_strcmp(const char *s1, const char *s2)`: -1, 0 or 1.
pub(super) fn strcmp(call: &mut Call<'_>) -> Answer {
    answer(compare(call, |byte| byte))
}

/// `int bpf_strcasecmp(const char *s1, const char *s2)`
pub(super) fn strcasecmp(call: &mut Call<'_>) -> Answer {
    answer(compare(call, lower))
}

/// Linux's `tolower`, of Latin-1.
fn lower(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | 0xc0..=0xd6 | 0xd8..=0xde => byte + 32,
        _ => byte,
    }
}

fn compare(call: &Call<'_>, folded: fn(u8) -> u8) -> Found {
    for at in 0.. {
        let (a, b) = (folded(byte(call, 1, at)?), folded(byte(call, 2, at)?));
        if a != b {
            return Ok(if a < b { (-1i64) as u64 } else { 1 });
        }
        if a == 0 {
            break;
        }
    }
    Ok(0)
}

/// `int bpf_strchr(const char *s, char c)`: where it is; `ENOENT`.
pub(super) fn strchr(call: &mut Call<'_>) -> Answer {
    answer(find(call, call.arg(2) as u8, MAX))
}

/// `int bpf_strnchr(const char *s, size_t count, char c)`
pub(super) fn strnchr(call: &mut Call<'_>) -> Answer {
    answer(find(call, call.arg(3) as u8, call.arg(2)))
}

fn find(call: &Call<'_>, wanted: u8, most: u64) -> Found {
    for at in 0..most {
        match byte(call, 1, at)? {
            found if found == wanted => return Ok(at),
            0 => return Err(Errno::ENOENT),
            _ => {}
        }
    }
    Err(if most >= MAX {
        Errno::E2BIG
    } else {
        Errno::ENOENT
    })
}

/// `int bpf_strchrnul(const char *s, char c)`: where it is, or the end.
pub(super) fn strchrnul(call: &mut Call<'_>) -> Answer {
    let wanted = call.arg(2) as u8;
    for at in 0.. {
        match byte(call, 1, at) {
            Ok(found) if found == wanted || found == 0 => return Ok(at),
            Ok(_) => {}
            Err(errno) => return answer(Err(errno)),
        }
    }
    Ok(0)
}

/// `int bpf_strrchr(const char *s, int c)`: where it is last.
pub(super) fn strrchr(call: &mut Call<'_>) -> Answer {
    let wanted = call.arg(2) as u8;
    let text = text(call, 1, u64::MAX);
    answer(text.and_then(|mut text| {
        text.push(0);
        let last = text.iter().rposition(|byte| *byte == wanted);
        last.map(|at| at as u64).ok_or(Errno::ENOENT)
    }))
}

/// `int bpf_strlen(const char *s)`
pub(super) fn strlen(call: &mut Call<'_>) -> Answer {
    answer(text(call, 1, u64::MAX).map(|text| text.len() as u64))
}

/// `int bpf_strnlen(const char *s, size_t count)`
pub(super) fn strnlen(call: &mut Call<'_>) -> Answer {
    answer(text(call, 1, call.arg(2)).map(|text| text.len() as u64))
}

/// `int bpf_strspn(const char *s, const char *accept)`
pub(super) fn strspn(call: &mut Call<'_>) -> Answer {
    answer(span(call, true))
}

/// `int bpf_strcspn(const char *s, const char *reject)`
pub(super) fn strcspn(call: &mut Call<'_>) -> Answer {
    answer(span(call, false))
}

/// How many bytes in front are in the second string, or are not.
fn span(call: &Call<'_>, inside: bool) -> Found {
    for at in 0.. {
        let found = byte(call, 1, at)?;
        if found == 0 {
            return Ok(at);
        }
        let mut is_in = false;
        for other in 0.. {
            match byte(call, 2, other)? {
                0 => break,
                other if other == found => {
                    is_in = true;
                    break;
                }
                _ => {}
            }
        }
        if is_in != inside {
            return Ok(at);
        }
    }
    Ok(0)
}

/// `int bpf_strstr(const char *s1, const char *s2)`: where the second begins.
pub(super) fn strstr(call: &mut Call<'_>) -> Answer {
    answer(search(call, u64::MAX))
}

/// `int bpf_strnstr(const char *s1, const char *s2, size_t len)`
pub(super) fn strnstr(call: &mut Call<'_>) -> Answer {
    answer(search(call, call.arg(3)))
}

fn search(call: &Call<'_>, most: u64) -> Found {
    for start in 0.. {
        for at in 0.. {
            let wanted = byte(call, 2, at)?;
            if wanted == 0 {
                return Ok(start);
            }
            if start + at >= most {
                return Err(Errno::ENOENT);
            }
            let found = byte(call, 1, start + at)?;
            if found == 0 {
                return Err(Errno::ENOENT);
            }
            if found != wanted {
                break;
            }
        }
    }
    Err(Errno::ENOENT)
}
