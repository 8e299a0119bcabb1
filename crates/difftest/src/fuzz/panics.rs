//! Panics of the product as values.
//!
//! A panic hook is a thing of the whole process: the first use puts one in that
//! keeps what happens in [`caught`] to itself and passes on everything else.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use super::{Finding, OracleKind};

/// A panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panic {
    /// What it said.
    pub(super) message: String,
    /// `file:line` of where it happened.
    pub(super) place: String,
}

impl Panic {
    pub(super) fn finding(&self) -> Finding {
        let what = format!("panic at {}: {}", self.place, self.message);
        Finding::new(OracleKind::Crash, format!("panic at {}", self.place), what)
    }
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Does something; what it panicked of. Whatever it had hold of may be half
/// changed then.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    listen();
    let before = CATCHING.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(before);
    done.map_err(|_| {
        let told = LAST.with_borrow_mut(Option::take);
        told.unwrap_or_else(|| Panic {
            message: "it unwound".to_owned(),
            place: "an unknown place".to_owned(),
        })
    })
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match CATCHING.get() {
            true => LAST.set(Some(read(info))),
            false => others(info),
        }));
    });
}

fn read(info: &PanicHookInfo<'_>) -> Panic {
    let message = info.payload_as_str().unwrap_or("(no message)");
    Panic {
        message: message.to_owned(),
        place: info.location().map_or_else(
            || "an unknown place".to_owned(),
            |at| format!("{}:{}", at.file(), at.line()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value() {
        assert_eq!(caught(|| 7), Ok(7));
        let panic = caught(|| panic!("of {}", 3)).expect_err("a panic");
        assert_eq!(panic.message, "of 3");
        assert!(panic.place.contains("panics.rs:"), "{panic:?}");
    }
}
