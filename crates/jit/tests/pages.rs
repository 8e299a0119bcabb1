//! Code memory: never writable and executable at once, behind guards, full of
//! traps where no code is; and what happens when the host refuses it.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(unsafe_code, reason = "limits what the process may do")]

#[path = "../../vm/tests/support/mod.rs"]
mod support;

mod every;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use every::child::in_child;
use jit::{Compiled, Error, Mode, Options};
use support::{load, machine};
use vm::{Addr, Machine, ProgId};

/// A line of `/proc/self/maps`.
#[derive(Debug)]
struct Mapping {
    start: usize,
    end: usize,
    rights: String,
}

fn mappings() -> Vec<Mapping> {
    let text = fs::read_to_string("/proc/self/maps").expect("a process has mappings");
    let line = |line: &str| {
        let (extent, rest) = line.split_once(' ')?;
        let (start, end) = extent.split_once('-')?;
        Some(Mapping {
            start: usize::from_str_radix(start, 16).ok()?,
            end: usize::from_str_radix(end, 16).ok()?,
            rights: rest.get(..4)?.to_owned(),
        })
    };
    text.lines()
        .map(|text| line(text).unwrap_or_else(|| panic!("{text}")))
        .collect()
}

/// A machine with a program that takes a loop's time and some pages.
fn looping() -> (Machine, ProgId) {
    looping_through(2000)
}

/// A loop through twice as many instructions.
fn looping_through(pairs: u32) -> (Machine, ProgId) {
    let mut machine = machine();
    let mut text = String::from("r0 = 0\nr2 = 100\nagain:\n");
    for n in 0..pairs {
        text.push_str(&format!("r0 += {n}\nr0 ^= r2\n"));
    }
    text.push_str("r2 -= 1\nif r2 != 0 goto again\nexit");
    let id = load(&mut machine, &text);
    (machine, id)
}

#[test]
fn no_page_is_ever_writable_and_executable() {
    let stop = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        for mode in [Mode::Checked, Mode::Sandboxed] {
            let stop = &stop;
            scope.spawn(move || {
                // So short that most of the time goes into what is looked at.
                let mut machine = machine();
                let id = load(&mut machine, "r0 = 5\nexit");
                let options = Options {
                    mode,
                    ..Options::default()
                };
                while !stop.load(Ordering::Relaxed) {
                    let compiled = Compiled::new(&mut machine, &options).expect("compiled");
                    assert_eq!(compiled.run(&mut machine, id, Addr::NULL), Ok(5));
                }
            });
        }
        let mut seen = Vec::new();
        for _ in 0..1000 {
            seen.extend(mappings());
        }
        stop.store(true, Ordering::Relaxed);
        seen
    });
    assert!(seen.len() > 1000, "{}", seen.len());
    let is = |mapping: &&Mapping, right| mapping.rights.contains(right);
    let both = seen.iter().find(|m| is(m, 'w') && is(m, 'x'));
    assert!(both.is_none(), "{both:x?}");
}

#[test]
fn code_lies_between_guards_and_ends_in_traps() {
    let (mut machine, id) = looping();
    let compiled = Compiled::new(&mut machine, &Options::default()).expect("compiled");
    let code = compiled.code();
    let (start, end) = (code.as_ptr() as usize, code.as_ptr() as usize + code.len());
    let rights = |address: usize| {
        let mappings = mappings();
        let at = mappings
            .iter()
            .find(|m| (m.start..m.end).contains(&address));
        at.map_or(String::new(), |m| m.rights.clone())
    };
    assert_eq!(rights(start), "r-xp");
    assert_eq!(rights(end - 1), "r-xp");
    assert_eq!(rights(start - 1), "---p");
    assert_eq!(rights(end), "---p");
    let last = code.iter().rposition(|byte| *byte != 0xcc).expect("code");
    assert!(code.len() - last <= 4096 + 16);
    compiled.run(&mut machine, id, Addr::NULL).expect("an end");
}

/// What becomes of compiling after `deny`.
fn refused(deny: impl FnOnce()) -> Error {
    // More than is kept of the memory of code. What is free of the heap afterwards
    // suffices for the second time.
    let (mut machine, id) = looping_through(10_000);
    Compiled::new(&mut machine, &Options::default()).expect("compiled");
    deny();
    let error = Compiled::new(&mut machine, &Options::default()).expect_err("denied");
    machine
        .run(id, Addr::NULL)
        .expect("the interpreter is there");
    error
}

#[test]
fn exhausted_memory_is_an_error() {
    let status = in_child("exhausted_memory_is_an_error", || {
        let error = refused(|| {
            let limit = libc::rlimit {
                rlim_cur: 1,
                rlim_max: 1,
            };
            // SAFETY: what is mapped stays; only no more is given.
            let done = unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) };
            assert_eq!(done, 0);
        });
        assert!(matches!(error, Error::Memory { .. }), "{error}");
    });
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_host_that_refuses_code_is_an_error() {
    const PR_SET_MDWE: i32 = 65;
    const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;
    let status = in_child("a_host_that_refuses_code_is_an_error", || {
        let mut known = true;
        let (mut machine, _) = looping();
        // SAFETY: memory that was not executable cannot become so from now on,
        // where Linux knows that.
        known &= unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) } == 0;
        let made = Compiled::new(&mut machine, &Options::default());
        assert!(
            !known || matches!(made, Err(Error::Memory { .. })),
            "{made:?}"
        );
    });
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_space_without_a_reservation_is_an_error() {
    let space = vm::Space::buffered();
    let mut machine = Machine::over(space, vm::World::default()).expect("a machine");
    let made = Compiled::new(&mut machine, &Options::default());
    assert!(matches!(made, Err(Error::Reservation)), "{made:?}");
}

#[test]
fn trusted_code_takes_a_promise() {
    let (mut machine, _) = looping();
    let options = Options {
        mode: Mode::Trusted,
        ..Options::default()
    };
    let made = Compiled::new(&mut machine, &options);
    assert!(matches!(made, Err(Error::Promise)), "{made:?}");
}
