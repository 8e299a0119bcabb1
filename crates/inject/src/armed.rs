//! Switching bugs on.

use std::cell::Cell;

use crate::Bug;

const _: () = assert!(Bug::ALL.len() <= u64::BITS as usize);

thread_local! {
    static ON: Cell<u64> = const { Cell::new(0) };
}

/// Whether a bug is to be made here.
#[inline]
pub fn on(bug: Bug) -> bool {
    ON.get() & bit(bug) != 0
}

/// Brings a bug back for this thread, as long as the result lives.
#[must_use = "the bug is gone when this is dropped"]
pub fn inject(bug: Bug) -> Injected {
    Injected {
        before: ON.replace(ON.get() | bit(bug)),
    }
}

/// A bug that is there.
#[derive(Debug)]
pub struct Injected {
    before: u64,
}

impl Drop for Injected {
    fn drop(&mut self) {
        ON.set(self.before);
    }
}

fn bit(bug: Bug) -> u64 {
    1 << (bug as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_there_as_long_as_asked_and_in_this_thread_alone() {
        assert!(!on(Bug::Cve2021_3490));
        let injected = inject(Bug::Cve2021_3490);
        assert!(on(Bug::Cve2021_3490) && !on(Bug::Cve2020_8835));
        let elsewhere = std::thread::spawn(|| on(Bug::Cve2021_3490));
        assert!(!elsewhere.join().expect("it does not panic"));
        drop(injected);
        assert!(!on(Bug::Cve2021_3490));
    }
}
